//! A service's tables and migrations.

/// A service's tables and how they are made.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    pub(super) service: &'static str,
    pub(super) tables: &'static [&'static str],
    pub(super) migrations: &'static [Migration],
    pub(super) column_check: Option<ColumnCheck>,
}

/// The statement of [`Migration::idempotency_keys`], with `{table}` for the table's name.
const IDEMPOTENCY_TABLE: &str = include_str!("idempotency_table.sql");

/// One step from an older schema to a newer one. It is never changed once a release has it.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its number: 1, 2, 3 and so on.
    pub version: u32,
    /// What it does, for the log and the version table.
    pub name: &'static str,
    /// Its statements, each ending with a semicolon at the end of a line. MariaDB commits each by itself, so each must
    /// do no harm when it runs again after an interruption: `CREATE TABLE IF NOT EXISTS`.
    pub sql: &'static str,
}

/// A query that detects tables which another program created.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColumnCheck {
    pub(super) count_valid_columns: &'static str,
    pub(super) expected: u32,
    pub(super) advice: &'static str,
}

impl Schema {
    /// A service's schema. The names of the version table and of the migrations' lock contain the service's name, so
    /// that services can share a database. A reset drops `tables` in this order.
    ///
    /// # Panics
    /// At compile time, in a `const`: if the name is empty, longer than 50 bytes or has other bytes than `a-z`, `0-9`
    /// and `-`, or if the migrations are not numbered from 1 without gaps.
    #[must_use]
    pub const fn new(service: &'static str, tables: &'static [&'static str], migrations: &'static [Migration]) -> Self {
        assert!(is_plain_name(service), "a service's name has 1 to 50 of a-z, 0-9 and -");
        assert!(are_numbered_from_one(migrations), "migrations are numbered from 1 without gaps");
        Self { service, tables, migrations, column_check: None }
    }

    /// Makes the service ready only while the query counts that many columns. Without it, a table of the same name that
    /// another program created passes as the service's own. `advice` tells the operator what to do with such a table.
    #[must_use]
    pub const fn with_column_check(
        self,
        count_valid_columns: &'static str,
        expected: u32,
        advice: &'static str,
    ) -> Self {
        Self { column_check: Some(ColumnCheck { count_valid_columns, expected, advice }), ..self }
    }

    /// The table of idempotency keys, where one of the migrations makes it.
    pub(crate) fn idempotency_table(&self) -> Option<String> {
        let has_keys = self.migrations.iter().any(|migration| migration.sql == IDEMPOTENCY_TABLE);
        has_keys.then(|| self.table_name("idempotency"))
    }

    /// All tables but that of the migrations.
    pub(super) fn all_tables(&self) -> Vec<String> {
        self.tables.iter().map(|&table| table.to_owned()).chain(self.idempotency_table()).collect()
    }

    /// The table that records the applied migrations.
    pub(super) fn version_table(&self) -> String {
        self.table_name("migrations")
    }

    /// The name of one of the kit's own tables: services can share a database.
    fn table_name(&self, purpose: &str) -> String {
        format!("{}_{purpose}", self.service.replace('-', "_"))
    }

    /// A migration's statements.
    pub(super) fn statements(&self, migration: &Migration) -> Vec<String> {
        let table = self.table_name("idempotency");
        let statements = migration.statements().into_iter();
        if migration.sql == IDEMPOTENCY_TABLE {
            statements.map(|statement| statement.replace("{table}", &table)).collect()
        } else {
            statements.collect()
        }
    }

    /// The version that the migrations lead to.
    pub(super) fn latest_version(&self) -> u32 {
        self.migrations.last().map_or(0, |migration| migration.version)
    }

    /// An SQL expression for the name of the lock that one replica at a time holds: one for each service and database.
    /// MySQL allows 64 characters.
    pub(super) fn lock_name(&self) -> String {
        format!("CONCAT('migrations:', SHA1(CONCAT(DATABASE(), '/', '{}')))", self.service)
    }
}

impl Migration {
    /// Makes the table in which responses to requests with an `Idempotency-Key` are stored, for
    /// [`Operation::idempotency_key`](crate::Operation::idempotency_key). Its name is the service's with
    /// `_idempotency`.
    #[must_use]
    pub const fn idempotency_keys(version: u32) -> Self {
        Self { version, name: "idempotency keys", sql: IDEMPOTENCY_TABLE }
    }

    /// The statements: comment lines go, a semicolon at the end of a line ends a statement.
    fn statements(&self) -> Vec<String> {
        let code: Vec<&str> = self.sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
        let code = code.join("\n");
        code.split_inclusive(";\n")
            .map(|statement| statement.trim().trim_end_matches(';').trim_end().to_owned())
            .filter(|statement| !statement.is_empty())
            .collect()
    }
}

const fn is_plain_name(name: &str) -> bool {
    let mut bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > 50 {
        return false;
    }
    while let Some((byte, rest)) = bytes.split_first() {
        if !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-') {
            return false;
        }
        bytes = rest;
    }
    true
}

const fn are_numbered_from_one(mut migrations: &[Migration]) -> bool {
    let mut expected = 1;
    while let Some((migration, rest)) = migrations.split_first() {
        if migration.version != expected {
            return false;
        }
        expected += 1;
        migrations = rest;
    }
    true
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const fn migration(version: u32, sql: &'static str) -> Migration {
        Migration { version, name: "test", sql }
    }

    #[test]
    fn migrations_must_be_numbered_from_one_without_gaps() {
        assert!(are_numbered_from_one(&[]));
        assert!(are_numbered_from_one(&[migration(1, ""), migration(2, "")]));
        for wrong in [&[migration(0, "")], &[migration(2, "")]] {
            assert!(!are_numbered_from_one(wrong), "{wrong:?}");
        }
        assert!(!are_numbered_from_one(&[migration(1, ""), migration(3, "")]));
    }

    #[test]
    fn a_migration_is_split_at_semicolons_that_end_a_line() {
        assert_eq!(migration(1, "-- c\nA;\nB ';' B\n;\n").statements(), ["A", "B ';' B"]);
    }

    #[test]
    fn a_service_name_is_safe_in_sql() {
        assert!(is_plain_name("order-service") && is_plain_name("a-1"));
        for name in ["a_b", "", "Order", "a'b", "a b", "a`", "ü", &"x".repeat(51)] {
            assert!(!is_plain_name(name), "{name}");
        }
    }

    #[test]
    fn services_have_their_own_version_table_and_lock() {
        let [orders, stock] = ["order-service", "stock"].map(|service| Schema::new(service, &[], &[]));
        assert_eq!(orders.version_table(), "order_service_migrations");
        assert_eq!(stock.version_table(), "stock_migrations");
        assert_ne!(orders.lock_name(), stock.lock_name());
    }

    #[test]
    fn a_schema_has_a_table_of_idempotency_keys_where_a_migration_makes_it() {
        let migrations = const { &[migration(1, "A;\n"), Migration::idempotency_keys(2)] };
        let stock = Schema::new("the-stock", &["items"], migrations);
        assert_eq!(stock.idempotency_table().as_deref(), Some("the_stock_idempotency"));
        assert_eq!(stock.all_tables(), ["items", "the_stock_idempotency"]);
        let statements = stock.statements(&stock.migrations[1]);
        assert!(statements[0].starts_with("CREATE TABLE IF NOT EXISTS the_stock_idempotency ("), "{statements:?}");
        let without = Schema::new("stock", &["items"], const { &[migration(1, "A;\n")] });
        assert_eq!(without.idempotency_table(), None);
    }
}
