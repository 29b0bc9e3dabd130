//! The service under test, with a database of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use testkit::{Fault, FaultProxy, MariaDb, Runtime, Service};

use crate::{Client, RawConnection, wait_until};

/// A service in WasmEdge (compiled ahead of time), its database, and a client. Dereferences to the [`Client`].
pub struct TestApp {
    client: Client,
    service: Service,
    proxy: Option<FaultProxy>,
    server: Server,
    database: String,
}

/// Which MariaDB a test uses.
#[derive(Clone)]
pub enum Server {
    /// The one that all tests share.
    Shared,
    /// One of the test's own, which may be stopped.
    Own(Arc<MariaDb>),
}

/// What a [`TestApp`] is started with.
pub struct Setup {
    env: Vec<(String, String)>,
    server: Server,
    database: Option<String>,
    through_proxy: bool,
    fault: Fault,
    wait_until_ready: bool,
    runtime: Runtime,
}

impl TestApp {
    /// A service as it is by default, ready, with an empty table.
    pub fn spawn() -> Self {
        Self::setup().start()
    }

    /// The same with these variables set.
    pub fn spawn_with(env: &[(&str, &str)]) -> Self {
        Self::setup().env(env).start()
    }

    /// A service before a database without tables, which it does not create by itself.
    pub fn without_tables(env: &[(&str, &str)]) -> Self {
        Self::setup().env(&[("AUTO_INIT", "false")]).env(env).without_waiting().start()
    }

    /// A service to be configured.
    pub fn setup() -> Setup {
        Setup {
            env: Vec::new(),
            server: Server::Shared,
            database: None,
            through_proxy: false,
            fault: Fault::Pass,
            wait_until_ready: true,
            runtime: Runtime::Aot,
        }
    }

    /// The service.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The address that the service listens on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.service.port()))
    }

    /// A new connection to the service.
    pub fn connect(&self) -> RawConnection {
        RawConnection::connect(self.address())
    }

    /// A client with connections of its own.
    pub fn new_client(&self) -> Client {
        Client::new(self.client.base())
    }

    /// What is between the service and its database; only with [`Setup::through_proxy`].
    pub fn proxy(&self) -> &FaultProxy {
        self.proxy.as_ref().expect("this test asked for a proxy")
    }

    /// The MariaDB server.
    pub fn server(&self) -> &MariaDb {
        self.server.get()
    }

    pub(crate) fn server_handle(&self) -> Server {
        self.server.clone()
    }

    /// The CPU time that the service uses during `duration`.
    pub fn cpu_time_during(&self, duration: Duration) -> Duration {
        let before = self.service.cpu_time().expect("a running service");
        thread::sleep(duration);
        self.service.cpu_time().expect("a running service").saturating_sub(before)
    }

    /// The name of its database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Runs a statement in the test's database, past the service and the proxy; rows as lines, fields by tabs.
    #[track_caller]
    pub fn sql(&self, statement: &str) -> String {
        let rows = self.server().sql(&self.database, statement).unwrap_or_else(|error| panic!("{error:#}"));
        rows.trim_end().to_owned()
    }

    /// How many orders there really are.
    #[track_caller]
    pub fn count_orders(&self) -> usize {
        self.sql("SELECT COUNT(*) FROM orders").parse().expect("a count")
    }

    /// Whether an order is really there.
    #[track_caller]
    pub fn has_order(&self, id: u32) -> bool {
        self.sql(&format!("SELECT COUNT(*) FROM orders WHERE order_id = {id}")) == "1"
    }

    /// Starts another service before the same database, through the same proxy if any, in place of one that has ended.
    pub fn start_again(mut self) -> Self {
        let url = database_url(&self.server, self.proxy.as_ref(), &self.database);
        self.service = Service::builder().database_url(&url).start().expect("the service starts again");
        self.client = Client::new(&self.service.url(""));
        wait_until("the service to be ready", || self.get("/ready").status == 200);
        self
    }
}

impl Deref for TestApp {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Server {
    /// The server itself.
    pub fn get(&self) -> &MariaDb {
        match self {
            Self::Shared => MariaDb::shared().expect("the shared MariaDB"),
            Self::Own(server) => server,
        }
    }
}

impl Setup {
    /// Sets variables of the service's environment.
    pub fn env(mut self, env: &[(&str, &str)]) -> Self {
        self.env.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// Uses a MariaDB of the test's own.
    pub fn server(mut self, server: &Arc<MariaDb>) -> Self {
        self.server = Server::Own(Arc::clone(server));
        self
    }

    /// Uses a database that is there already, such as another service's.
    pub fn database(mut self, name: &str) -> Self {
        self.database = Some(name.to_owned());
        self
    }

    /// Puts a proxy between the service and its database.
    pub fn through_proxy(mut self) -> Self {
        self.through_proxy = true;
        self
    }

    /// What the proxy does wrong when the service starts.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    /// Runs the service in something else than WasmEdge with compiled code.
    pub fn runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = runtime;
        self
    }

    /// Does not wait until the service is ready, only until it is alive.
    pub fn without_waiting(mut self) -> Self {
        self.wait_until_ready = false;
        self
    }

    /// Starts it.
    pub fn start(self) -> TestApp {
        let given = self.database;
        let database = given.unwrap_or_else(|| self.server.get().fresh_database_name().expect("a new database"));
        let port = self.server.get().port();
        let proxy = self.through_proxy.then(|| FaultProxy::to_port(port).expect("a proxy"));
        if let Some(proxy) = &proxy {
            proxy.set(self.fault).expect("a fault");
        }
        let url = database_url(&self.server, proxy.as_ref(), &database);
        let builder = Service::builder().runtime(self.runtime).database_url(&url);
        let builder = self.env.into_iter().fold(builder, |builder, (name, value)| builder.env(name, value));
        let service = builder.start().unwrap_or_else(|error| panic!("{error:#}"));
        let client = Client::new(&service.url(""));
        let app = TestApp { client, service, proxy, server: self.server, database };
        if self.wait_until_ready {
            wait_until("the service to be ready", || app.get("/ready").status == 200);
        }
        app
    }
}

fn database_url(server: &Server, proxy: Option<&FaultProxy>, database: &str) -> String {
    let server = server.get();
    proxy.map_or_else(|| server.url(database), |proxy| server.url_via("127.0.0.1", proxy.port(), database))
}
