//! The kit's database module, natively, in ways that the order service does not use it: work that ignores errors,
//! dropped transactions, two services in one database.

use std::future::{Future, pending};
use std::time::Duration;

use microservice::config::Environment;
use microservice::database::{Database, DatabaseError, DatabaseSettings, Deadline, Migration, Schema};
use testkit::MariaDb;
use tokio::sync::{Semaphore, oneshot, watch};

use e2e::{TestApp, order, orders};

const STOCK: Schema = Schema::new(
    "stock-service",
    &["stock"],
    &[
        Migration {
            version: 1,
            name: "stock",
            sql: "CREATE TABLE IF NOT EXISTS stock (product_id INT UNSIGNED NOT NULL PRIMARY KEY);\n",
        },
        Migration { version: 2, name: "level", sql: "ALTER TABLE stock ADD COLUMN IF NOT EXISTS level INT;\n" },
    ],
);

/// A service of its own with the table `stock`, in a database that may be another service's too.
struct StockService {
    server: &'static MariaDb,
    name: String,
    database: Database,
}

impl StockService {
    fn new(name: &str, variables: &[(&str, &str)]) -> Self {
        let server = MariaDb::shared().expect("the shared MariaDB");
        let url = server.url(name);
        let lookup = |name: &str| match name {
            "DATABASE_URL" => Some(url.clone()),
            _ => variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        };
        let settings = DatabaseSettings::read(&Environment::new(&lookup)).expect("settings");
        Self { server, name: name.to_owned(), database: Database::new(&settings, STOCK) }
    }

    /// The same in a database of its own, with its table.
    async fn migrated(variables: &[(&str, &str)]) -> Self {
        let name = MariaDb::shared().and_then(MariaDb::fresh_database_name).expect("a new database");
        let service = Self::new(&name, variables);
        service.database.migrate(deadline()).await.expect("the migrations");
        service
    }

    /// Runs a statement directly, without the service.
    #[track_caller]
    fn sql(&self, statement: &str) -> String {
        let rows = self.server.sql(&self.name, statement).unwrap_or_else(|error| panic!("{error:#}"));
        rows.trim_end().to_owned()
    }

    /// The number of rows that are committed.
    #[track_caller]
    fn stored(&self) -> String {
        self.sql("SELECT COUNT(*) FROM stock")
    }
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

#[test]
fn two_services_in_one_database_have_their_own_versions_and_resets() {
    let app = TestApp::spawn_with(&[("ALLOW_RESET", "true")]);
    app.post("/create_orders", orders(1..=3)).expect_done();
    block_on(async {
        let stock = StockService::new(app.database(), &[]);
        stock.database.migrate(deadline()).await.expect("the second service's migrations");
        stock.database.check_ready(deadline()).await.expect("the second service");
        let names = |table: &str| stock.sql(&format!("SELECT GROUP_CONCAT(name ORDER BY version) FROM {table}"));
        assert_eq!(names("order_service_migrations"), "orders,idempotency keys");
        assert_eq!(names("stock_service_migrations"), "stock,level");

        stock.sql("INSERT INTO stock (product_id) VALUES (1), (2)");
        app.get("/init?reset=true").expect_done();
        assert_eq!(app.get("/orders").text().trim(), "[]");
        assert_eq!(
            (stock.stored().as_str(), stock.sql("SELECT COUNT(*) FROM stock_service_migrations").as_str()),
            ("2", "2")
        );

        app.post("/create_order", order(7)).expect_done();
        stock.database.reset(deadline()).await.expect("the second service's reset");
        assert_eq!(stock.stored(), "0");
        assert_eq!(app.get("/orders").text().trim(), orders([7]));
    });
}

/// The result of migrating while another session holds the migrations' lock of that service.
async fn migrate_while_locked(stock: &StockService, service: &str) -> Result<(), DatabaseError> {
    let lock = &*format!("SELECT GET_LOCK(CONCAT('migrations:', SHA1(CONCAT(DATABASE(), '/', '{service}'))), 0)");
    let holder = StockService::new(&stock.name, &[]);
    let work = holder.database.read(deadline(), |session| {
        Box::pin(async move {
            session.query(lock, ()).await?;
            stock.database.migrate(Deadline::after(Duration::from_millis(500))).await
        })
    });
    let result = work.await;
    holder.database.close().await;
    result
}

#[test]
fn migrations_wait_for_those_of_their_own_service_only() {
    block_on(async {
        let stock = StockService::migrated(&[]).await;
        let result = migrate_while_locked(&stock, "stock-service").await;
        assert!(matches!(result, Err(DatabaseError::Migrating)), "{result:?}");
        let result = migrate_while_locked(&stock, "order-service").await;
        assert!(result.is_ok(), "{result:?}");
    });
}

#[test]
fn a_dropped_transaction_is_rolled_back_and_its_connection_is_closed() {
    block_on(async {
        let stock = StockService::migrated(&[("POOL_MAX", "1")]).await;
        let (inserted, is_inserted) = oneshot::channel();
        let mut inserted = Some(inserted);
        let work = stock.database.transaction::<(), DatabaseError, _>(deadline(), |session| {
            let inserted = inserted.take();
            Box::pin(async move {
                session.run("INSERT INTO stock (product_id) VALUES (1)").await?;
                inserted.map(|inserted| inserted.send(()));
                pending().await
            })
        });
        tokio::select! {
            result = work => panic!("{result:?}"),
            result = is_inserted => result.expect("an INSERT"),
        }
        // The pool has one connection, which waits for the lock of the row unless the first transaction is gone.
        let again = stock.database.transaction(deadline(), |session| {
            Box::pin(async move { session.run("INSERT INTO stock (product_id) VALUES (1)").await })
        });
        let result: Result<(), DatabaseError> = again.await;
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(stock.stored(), "1");
    });
}

#[test]
fn work_that_ignores_a_conflict_is_repeated_and_not_committed_in_part() {
    block_on(async {
        let stock = &StockService::migrated(&[("STATEMENT_TIMEOUT", "3s")]).await;
        stock.sql("INSERT INTO stock VALUES (1, 0)");
        let other = StockService::new(&stock.name, &[]);
        let (attempts, locked) = (&watch::Sender::new(0), &Semaphore::new(0));
        let work = stock.database.transaction(deadline(), |session| {
            Box::pin(async move {
                attempts.send_modify(|count| *count += 1);
                let _locked = locked.acquire().await;
                session.run("INSERT INTO stock VALUES (2, 0)").await?;
                // Ends with a lock wait timeout while the other transaction holds the row.
                let _ = session.run("UPDATE stock SET level = level + 1 WHERE product_id = 1").await;
                Ok::<_, DatabaseError>(())
            })
        });
        let blocker = other.database.transaction(deadline(), |session| {
            Box::pin(async move {
                session.run("UPDATE stock SET level = level + 10 WHERE product_id = 1").await?;
                locked.add_permits(1);
                let mut attempts = attempts.subscribe();
                let second_attempt = attempts.wait_for(|count| *count == 2);
                tokio::time::timeout(Duration::from_secs(10), second_attempt).await.expect("a second attempt").unwrap();
                Ok::<_, DatabaseError>(())
            })
        });
        let (blocker, work) = tokio::join!(blocker, work);
        assert!(blocker.is_ok() && work.is_ok(), "{blocker:?}, {work:?}");
        assert_eq!(stock.sql("SELECT product_id, level FROM stock ORDER BY product_id"), "1\t11\n2\t0");
        assert_eq!(*attempts.borrow(), 2);
    });
}

#[test]
fn work_that_ignores_a_timeout_is_not_committed() {
    block_on(async {
        let stock = StockService::migrated(&[("STATEMENT_TIMEOUT", "1s")]).await;
        let work = stock.database.transaction(deadline(), |session| {
            Box::pin(async move {
                session.run("INSERT INTO stock VALUES (1, 0)").await?;
                let _ = session.run("SELECT SLEEP(10)").await;
                Ok::<_, DatabaseError>(())
            })
        });
        let result = work.await;
        assert!(matches!(result, Err(DatabaseError::ConnectionLost(_))), "{result:?}");
        assert_eq!(stock.stored(), "0");
        assert!(stock.database.check_ready(deadline()).await.is_ok());
    });
}

#[test]
fn a_commit_after_the_shutdown_is_not_sent() {
    block_on(async {
        let stock = &StockService::migrated(&[]).await;
        let work = stock.database.transaction(deadline(), |session| {
            Box::pin(async move {
                session.run("INSERT INTO stock VALUES (1, 0)").await?;
                stock.database.close().await;
                Ok(())
            })
        });
        let result: Result<(), DatabaseError> = work.await;
        assert!(matches!(result, Err(DatabaseError::Unavailable(_))), "{result:?}");
        assert_eq!(stock.stored(), "0");
    });
}

#[test]
fn a_statement_above_the_limit_of_the_server_is_told_apart_and_harms_nothing() {
    block_on(async {
        let stock = &StockService::migrated(&[]).await;
        let work = stock.database.transaction(deadline(), |session| {
            Box::pin(async move {
                let max = session.max_statement_bytes().await?;
                session.run("INSERT INTO stock VALUES (1, 0)").await?;
                session.run(&format!("SELECT LENGTH('{}')", "x".repeat(max))).await
            })
        });
        let result: Result<(), DatabaseError> = work.await;
        assert!(matches!(result, Err(DatabaseError::StatementTooLarge)), "{result:?}");
        assert_eq!(stock.stored(), "0");
        assert!(stock.database.check_ready(deadline()).await.is_ok());
    });
}
