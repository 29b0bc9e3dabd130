//! The service under test with its own database.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use testkit::{Fault, FaultProxy, MariaDb, Runtime, Service};

use crate::{Client, RawConnection, wait_until};

/// A service in WasmEdge (compiled ahead of time), with its database and a client. Dereferences to the [`Client`].
pub struct TestApp {
    client: Client,
    service: Service,
    proxy: Option<FaultProxy>,
    server: Server,
    database: String,
}

/// The MariaDB server of a test.
#[derive(Clone)]
pub enum Server {
    /// The server that all tests share.
    Shared,
    /// A server of this test alone, which may be stopped.
    Own(Arc<MariaDb>),
}

/// The configuration that a [`TestApp`] is started with.
pub struct Setup {
    env: Vec<(String, String)>,
    server: Server,
    database: Option<String>,
    through_proxy: bool,
    fault: Fault,
    wait_until_ready: bool,
    runtime: Runtime,
    wrapper: Vec<String>,
    port: Option<u16>,
}

impl TestApp {
    /// A ready service with the default configuration and an empty table.
    pub fn spawn() -> Self {
        Self::setup().start()
    }

    /// The same with these variables set.
    pub fn spawn_with(env: &[(&str, &str)]) -> Self {
        Self::setup().env(env).start()
    }

    /// A service on a database without tables, which does not create them at its start.
    pub fn without_tables(env: &[(&str, &str)]) -> Self {
        Self::setup().env(&[("AUTO_INIT", "false")]).env(env).without_waiting().start()
    }

    /// The configuration of a service, to be changed and started.
    pub fn setup() -> Setup {
        Setup {
            env: Vec::new(),
            server: Server::Shared,
            database: None,
            through_proxy: false,
            fault: Fault::Pass,
            wait_until_ready: true,
            runtime: Runtime::Aot,
            wrapper: Vec::new(),
            port: None,
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

    /// The proxy between the service and its database. Only with [`Setup::through_proxy`].
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

    /// Runs a statement in the test's database directly. Returns one line per row, with tabs between fields.
    #[track_caller]
    pub fn sql(&self, statement: &str) -> String {
        let rows = self.server().sql(&self.database, statement).unwrap_or_else(|error| panic!("{error:#}"));
        rows.trim_end().to_owned()
    }

    /// The number of orders in the table.
    #[track_caller]
    pub fn count_orders(&self) -> usize {
        self.sql("SELECT COUNT(*) FROM orders").parse().expect("a count")
    }

    /// Whether the table holds this order.
    #[track_caller]
    pub fn has_order(&self, id: u32) -> bool {
        self.sql(&format!("SELECT COUNT(*) FROM orders WHERE order_id = {id}")) == "1"
    }

    /// Starts the service again after its end, with the same database and proxy.
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
    /// Sets environment variables of the service.
    pub fn env(mut self, env: &[(&str, &str)]) -> Self {
        self.env.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// Uses this MariaDB server.
    pub fn server(mut self, server: &Arc<MariaDb>) -> Self {
        self.server = Server::Own(Arc::clone(server));
        self
    }

    /// Uses an existing database, such as another service's.
    pub fn database(mut self, name: &str) -> Self {
        self.database = Some(name.to_owned());
        self
    }

    /// Puts a proxy between the service and its database.
    pub fn through_proxy(mut self) -> Self {
        self.through_proxy = true;
        self
    }

    /// The proxy's fault when the service starts.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    /// Runs the service in this runtime in place of WasmEdge with compiled code.
    pub fn runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = runtime;
        self
    }

    /// Starts the service by this command, which replaces itself by the arguments that it gets. For limits that a
    /// process inherits.
    pub fn wrapper(mut self, command: &[&str]) -> Self {
        self.wrapper = command.iter().map(|part| (*part).to_owned()).collect();
        self
    }

    /// The port that the service listens on, for a test that sets `LISTEN_ADDR` itself.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Waits until the service is alive, and not until it is ready.
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
        let wrapper: Vec<&str> = self.wrapper.iter().map(String::as_str).collect();
        let builder = builder.wrapper(&wrapper);
        let builder = self.port.into_iter().fold(builder, |builder, port| builder.port(port));
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
