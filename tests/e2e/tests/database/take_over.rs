//! `scripts/take-over-table.sh`: the table of the article's service becomes this service's, to the cent, or stays as it
//! is.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use testkit::MariaDb;

use e2e::{TestApp, order};

/// A database with the article's table. The methods use it directly, without a service.
struct ArticleDatabase {
    database: String,
}

/// The result of a run of the script.
struct ScriptRun {
    status: i32,
    text: String,
}

impl ArticleDatabase {
    /// The table as the article creates it, its text in this character set.
    fn new(character_set: &str) -> Self {
        let database = server().fresh_database_name().expect("a new database");
        let article = Self { database };
        article.sql(&format!(
            "CREATE TABLE orders (order_id INT, product_id INT, quantity INT, amount FLOAT, shipping FLOAT, tax FLOAT, \
             shipping_address VARCHAR(20)) DEFAULT CHARACTER SET = {character_set}"
        ));
        article
    }

    #[track_caller]
    fn sql(&self, statement: &str) -> String {
        let rows = server().sql(&self.database, statement).unwrap_or_else(|error| panic!("{error:#}"));
        rows.trim_end().to_owned()
    }

    #[track_caller]
    fn insert(&self, values: &str) {
        self.sql(&format!("INSERT INTO orders VALUES {values}"));
    }

    /// All that a take-over could change: the tables, and what is in `orders`.
    fn state(&self) -> String {
        ["SHOW TABLES", "SHOW CREATE TABLE orders", "CHECKSUM TABLE orders"]
            .map(|statement| self.sql(statement))
            .join("\n")
    }

    fn run(&self, options: &[&str]) -> ScriptRun {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let output = Command::new(root.join("scripts/take-over-table.sh"))
            .args(options)
            .env("DATABASE_URL", server().url(&self.database))
            .output()
            .expect("the script runs");
        ScriptRun::of(&output)
    }

    /// A run that must end with this status and leave everything as it was.
    #[track_caller]
    fn run_without_effect(&self, options: &[&str], status: i32) -> String {
        let before = self.state();
        let run = self.run(options);
        assert_eq!(run.status, status, "{}", run.text);
        assert_eq!(self.state(), before, "{}", run.text);
        run.text
    }
}

impl ScriptRun {
    fn of(output: &Output) -> Self {
        let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
        Self { status: output.status.code().expect("a status"), text }
    }
}

fn server() -> &'static MariaDb {
    MariaDb::shared().expect("the shared MariaDB")
}

/// Cents as the article's service shows them: the shortest decimal that is this `f32`, here with two decimals.
fn shown(cents: u64) -> String {
    let typed: f32 = format!("{}.{:02}", cents / 100, cents % 100).parse().expect("a number");
    let shortest = typed.to_string();
    let (whole, fraction) = shortest.split_once('.').unwrap_or((&shortest, ""));
    assert!(fraction.len() <= 2, "{cents} cents are shown as {shortest}");
    format!("{whole}.{fraction:0<2}")
}

#[test]
fn a_table_of_the_article_is_taken_over_to_the_cent() {
    // Every magnitude up to 131071.99, above which a FLOAT may stand for two amounts in cents.
    let amounts: Vec<u64> =
        (0..600_u64).map(|n| (n * n * n * 7919 + n * 31) % 13_107_200).chain([13_107_199, 1, 0]).collect();
    for character_set in ["latin1", "utf8mb3", "utf8mb4"] {
        let article = ArticleDatabase::new(character_set);
        let mut expected = Vec::new();
        let mut rows = Vec::new();
        for (id, &cents) in (1..).zip(&amounts) {
            let [amount, shipping, tax] = [cents, cents / 7, cents / 100].map(shown);
            rows.push(format!("({id}, {}, 2, {amount}, {shipping}, {tax}, ' Café N° {id} ')", id + 7));
            expected.push(format!(
                r#"{{"order_id":{id},"product_id":{},"quantity":2,"amount":{amount},"shipping":{shipping},"tax":{tax},"shipping_address":" Café N° {id} "}}"#,
                id + 7
            ));
        }
        rows.reverse();
        article.insert(&rows.join(", "));
        article.sql("ALTER TABLE orders ADD INDEX by_product (product_id, quantity)");

        let foreign = TestApp::setup().database(&article.database).without_waiting().start();
        foreign.get("/ready").expect_problem(503, "foreign-table");
        drop(foreign);

        let text = article.run_without_effect(&[], 0);
        assert!(text.contains("603 rows, of which 603 can be kept and 0 cannot"), "{text}");
        assert!(text.contains("float                    → decimal(12,2)"), "{text}");
        assert!(text.contains("the new table does not get: by_product (product_id, quantity)"), "{text}");
        let old = article.sql("CHECKSUM TABLE orders");
        let run = article.run(&["--apply"]);
        assert_eq!(run.status, 0, "{}", run.text);
        let kept = article.sql("CHECKSUM TABLE orders_before_takeover");
        assert_eq!(kept.split('\t').next_back(), old.split('\t').next_back(), "the old table stays as it was");

        let app = TestApp::setup().database(&article.database).start();
        assert_eq!(app.get("/orders").text().trim(), format!("[{}]", expected.join(",")), "{character_set}");
        app.post("/create_order", order(604)).expect_done();
        let again = article.run(&["--apply"]);
        assert!(again.status == 0 && again.text.contains("nothing to take over"), "{}", again.text);
    }
}

/// Rows that cannot be kept, and why.
const BAD_ROWS: [(&str, &str); 27] = [
    ("(NULL, 1, 1, 1, 1, 1, 'a')", "order_id is NULL"),
    ("(0, 1, 1, 1, 1, 1, 'b')", "order_id is not positive"),
    ("(-5, 1, 1, 1, 1, 1, 'c')", "order_id is not positive"),
    ("(10, 1, 1, 1, 1, 1, 'd')", "order_id is not unique"),
    ("(10, 1, 1, 1, 1, 1, 'd')", "order_id is not unique"),
    ("(11, NULL, 1, 1, 1, 1, 'e')", "product_id is NULL"),
    ("(12, 0, 1, 1, 1, 1, 'f')", "product_id is not positive"),
    ("(13, 1, NULL, 1, 1, 1, 'g')", "quantity is NULL"),
    ("(14, 1, -1, 1, 1, 1, 'h')", "quantity is not positive"),
    ("(15, 1, 1, NULL, 1, 1, 'i')", "amount is NULL"),
    ("(16, 1, 1, 1, -0.01, 1, 'j')", "shipping is negative"),
    ("(17, 1, 1, 1, 1, 0.125, 'k')", "tax has more than two decimals"),
    ("(18, 1, 1, 0.001, 1, 1, 'l')", "amount has more than two decimals"),
    ("(19, 1, 1, 131072.01, 1, 1, 'm')", "amount is one FLOAT for two or more amounts in cents"),
    ("(20, 1, 1, 1, 262144, 1, 'n')", "shipping is one FLOAT for two or more amounts in cents"),
    ("(21, 1, 1, 1, 1, 1e10, 'o')", "tax is above 9999999999.99"),
    ("(22, 1, 1, 3.4e38, 1, 1, 'p')", "amount is above 9999999999.99"),
    ("(23, 1, 1, 1, 1, 1, NULL)", "shipping_address is NULL"),
    ("(24, 1, 1, 1, 1, 1, '')", "shipping_address is empty or blank"),
    ("(25, 1, 1, 1, 1, 1, ' \u{a0}\u{2003} ')", "shipping_address is empty or blank"),
    ("(26, 1, 1, 1, 1, 1, 'q\\nr')", "shipping_address has a control character"),
    ("(27, 1, 1, 1, 1, 1, 's\\0t')", "shipping_address has a control character"),
    ("(28, 1, 1, 1, 1, 1, 'u\u{85}v')", "shipping_address has a control character"),
    ("(4294967296, 1, 1, 1, 1, 1, 'w')", "order_id is above 4294967295"),
    ("(29, 4294967296, 1, 1, 1, 1, 'x')", "product_id is above 4294967295"),
    (
        "(30, 1, 0, 0.333, -1, NULL, 'y')",
        "quantity is not positive; amount has more than two decimals; shipping is negative; tax is NULL",
    ),
    ("(31, 1, 1, 1, 1, 1, REPEAT('z', 256))", "shipping_address has more than 255 characters"),
];

#[test]
fn rows_that_cannot_be_kept_stop_the_take_over_or_are_set_aside() {
    let article = ArticleDatabase::new("utf8mb4");
    // Wider columns than the article's, so that every reason can occur.
    article.sql(
        "ALTER TABLE orders MODIFY order_id BIGINT, MODIFY product_id BIGINT, MODIFY shipping_address VARCHAR(300)",
    );
    article.insert("(1, 2, 3, 131072.25, 0, 0.1, 'good'), (4294967295, 2, 3, 200000, 0, 0.1, 'good too')");
    for (row, _) in BAD_ROWS {
        article.insert(row);
    }
    for options in [&[][..], &["--apply"]] {
        let text = article.run_without_effect(options, 1);
        assert!(text.contains("29 rows, of which 2 can be kept and 27 cannot"), "{text}");
        assert!(text.contains("refused: nothing was changed"), "{text}");
        for (row, reasons) in BAD_ROWS {
            let id = row[1..].split(',').next().expect("an id");
            let listed = text
                .lines()
                .any(|line| line.starts_with(&format!("  {id}, ")) && line.ends_with(&format!(": {reasons}")));
            assert!(listed, "{row} must be listed with {reasons:?}:\n{text}");
        }
    }
    article.run_without_effect(&["--set-aside"], 0);
    let run = article.run(&["--set-aside", "--apply"]);
    assert_eq!(run.status, 0, "{}", run.text);
    assert_eq!(article.sql("SELECT COUNT(*) FROM orders_set_aside"), "27");
    assert_eq!(article.sql("SELECT reasons FROM orders_set_aside WHERE order_id = 11"), "product_id is NULL");
    let app = TestApp::setup().database(&article.database).start();
    assert_eq!(
        app.get("/orders").text().trim(),
        concat!(
            r#"[{"order_id":1,"product_id":2,"quantity":3,"amount":131072.25,"shipping":0.00,"tax":0.10,"shipping_address":"good"},"#,
            r#"{"order_id":4294967295,"product_id":2,"quantity":3,"amount":200000.00,"shipping":0.00,"tax":0.10,"shipping_address":"good too"}]"#
        )
    );
}

#[test]
fn each_bad_row_alone_stops_the_take_over() {
    let article = ArticleDatabase::new("utf8mb4");
    article.sql(
        "ALTER TABLE orders MODIFY order_id BIGINT, MODIFY product_id BIGINT, MODIFY shipping_address VARCHAR(300)",
    );
    for (row, reasons) in BAD_ROWS.iter().filter(|(_, reasons)| !reasons.contains("unique")) {
        article.insert(&format!("(1, 2, 3, 4, 5, 6, 'good'), {row}"));
        let text = article.run_without_effect(&["--apply"], 1);
        assert!(text.contains(&format!("1 × {reasons}")), "{row}: {text}");
        article.sql("DELETE FROM orders");
    }
}

#[test]
fn a_table_of_another_shape_is_not_taken_over() {
    for (change, said) in [
        ("DROP TABLE orders", "has no table orders"),
        ("ALTER TABLE orders ADD note TEXT", "is not the article's"),
        ("ALTER TABLE orders MODIFY tax DOUBLE", "is not the article's"),
        ("ALTER TABLE orders DROP tax", "is not the article's"),
        ("CREATE TRIGGER t BEFORE DELETE ON orders FOR EACH ROW SET @x = 1", "trigger t"),
        (
            "CREATE TABLE orders_before_takeover (x INT)",
            "left from an earlier run, drop or rename it first: orders_before_takeover",
        ),
    ] {
        let article = ArticleDatabase::new("utf8mb4");
        article.sql(change);
        let tables = article.sql("SHOW TABLES");
        let run = article.run(&["--apply"]);
        assert!(run.status == 1 && run.text.contains(said), "{change}: {} {}", run.status, run.text);
        assert_eq!(article.sql("SHOW TABLES"), tables, "{change}");
    }
}

#[test]
fn an_order_written_during_the_take_over_is_not_lost() {
    let article = ArticleDatabase::new("utf8mb4");
    article.insert(&(1..=2000).map(|id| format!("({id}, 1, 1, 1.1, 0, 0, 'a')")).collect::<Vec<_>>().join(", "));
    let over = AtomicBool::new(false);
    let (run, written) = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let write = |id: &u32| {
                let statement = format!("INSERT INTO orders VALUES ({id}, 1, 1, 1.1, 0, 0, 'a')");
                server().sql(&article.database, &statement).is_ok()
            };
            (2001..).take_while(|_| !over.load(Ordering::Relaxed)).filter(write).collect::<Vec<u32>>()
        });
        let run = article.run(&["--apply"]);
        over.store(true, Ordering::Relaxed);
        (run, writer.join().expect("the writer"))
    });
    assert_eq!(run.status, 0, "{}", run.text);
    let rows = article.sql("SELECT order_id FROM orders");
    let ids: std::collections::HashSet<&str> = rows.lines().collect();
    assert!(!written.is_empty(), "nothing was written meanwhile");
    for id in (1..=2000).chain(written) {
        assert!(ids.contains(id.to_string().as_str()), "order {id} is lost: {}", run.text);
    }
}
