//! The first statements on each connection, in one round trip. They set every session variable that the service's work
//! depends on, whatever the server's defaults and its `init_connect` are.
//!
//! Only MariaDB reads `/*M!… */`. MariaDB ignores `/*!80000 … */`, which MySQL 8 reads.

use std::time::Duration;

/// The server closes a connection that is idle for longer. It must be longer than [`super::options`] keeps one in the
/// pool. It bounds how long the connections of a replica that vanished without closing them count against the server's
/// `max_connections`, and on MySQL how long their row locks last.
const WAIT_TIMEOUT_SECONDS: u64 = 30;

/// The shortest time that the server gives a replica between two statements of a transaction. A busy process may need
/// that long.
const MIN_TRANSACTION_IDLE_SECONDS: u64 = 2;

/// What the work relies on and does not depend on a setting of the service.
///
/// - The character set: a wrong one loses characters, and other bytes would give the migrations' lock another name.
/// - `autocommit`: without it a read leaves a transaction open, and later reads on the connection see its snapshot.
/// - `completion_type`: a COMMIT must neither begin another transaction nor close the connection.
/// - `sql_mode`: a value that does not fit is an error. Quotes, backslashes and `||` have their usual meaning.
/// - `sql_select_limit`, `sql_auto_is_null`, `sql_safe_updates`, `sql_big_selects`: statements mean what they say.
/// - The checks of keys and constraints are on.
/// - `default_storage_engine`: a migration that names no engine gets tables with transactions.
/// - `lc_messages`: the key in the message of a duplicate is read.
const FIXED: &str = "\
    SET NAMES utf8mb4 COLLATE utf8mb4_general_ci, SESSION autocommit = 1, completion_type = 0, \
    sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', \
    sql_select_limit = 18446744073709551615, sql_auto_is_null = 0, sql_safe_updates = 0, sql_big_selects = 1, \
    foreign_key_checks = 1, unique_checks = 1 /*M!100201 , check_constraint_checks = 1 */, \
    default_storage_engine = InnoDB, lc_messages = 'en_US'";

/// The statements. ROLLBACK ends a transaction that `init_connect` has begun. The one with `sql_mode` comes first:
/// while that has ANSI_QUOTES, MariaDB's responses carry a flag (SERVER_STATUS_ANSI_QUOTES) with which the driver
/// cannot read them.
///
/// The timeouts end on the server what the service has given up or can no longer end, because it vanished without
/// closing its connections: statements, waits for locks, unfinished packets, idle transactions, idle connections.
pub(super) fn setup_statements(statement_timeout: Duration) -> String {
    let seconds = statement_timeout.as_secs();
    let idle = transaction_idle_seconds(statement_timeout);
    format!(
        "{FIXED}, innodb_lock_wait_timeout = {row_locks}, lock_wait_timeout = {table_locks}, \
         net_read_timeout = {idle}, net_write_timeout = {idle}, \
         wait_timeout = {wait_timeout} \
         /*M! , max_statement_time = {statement} */ \
         /*M!100300 , idle_transaction_timeout = {idle}, idle_readonly_transaction_timeout = {idle}, \
         idle_write_transaction_timeout = {idle} */ \
         /*!80000 , max_execution_time = {milliseconds} */; \
         SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE; \
         ROLLBACK",
        row_locks = (seconds / 2).max(1),
        // After the statement's own timeout, where the server has one.
        table_locks = seconds.saturating_add(2),
        wait_timeout = wait_timeout(WAIT_TIMEOUT_SECONDS),
        statement = statement_timeout.as_secs_f64(),
        milliseconds = statement_timeout.as_millis(),
    )
}

/// Shortens the connection's idle time for a session that holds a lock outside of a transaction.
pub(super) fn shorten_idle_time(statement_timeout: Duration) -> String {
    format!("SET SESSION wait_timeout = {}", wait_timeout(transaction_idle_seconds(statement_timeout)))
}

/// Gives the next statements the time that a change of the schema may take. The server ends them after that, so they
/// do not go on for longer if the service has vanished.
///
/// A statement may wait for the table's metadata lock as long: a transaction that uses the table may last for minutes
/// (a batch, a backup), and some changes need the lock only at their end, when all their work is done.
pub(super) fn schema_change_timeouts(max: Duration) -> String {
    // Zero would be no limit.
    let max = max.max(Duration::from_millis(1));
    format!(
        "SET SESSION lock_wait_timeout = {seconds} /*M! , max_statement_time = {statement} */",
        seconds = max.as_secs().max(1),
        statement = max.as_secs_f64(),
    )
}

/// A shorter time that the server's administrator has set stays.
fn wait_timeout(seconds: u64) -> String {
    format!("LEAST(@@SESSION.wait_timeout, {seconds})")
}

/// How long a transaction may be idle before the server rolls it back.
fn transaction_idle_seconds(statement_timeout: Duration) -> u64 {
    statement_timeout.as_secs().max(MIN_TRANSACTION_IDLE_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeouts_follow_the_statement_timeout() {
        let sql = setup_statements(Duration::from_millis(7_500));
        for part in [
            "max_statement_time = 7.5 ",
            "max_execution_time = 7500 ",
            "innodb_lock_wait_timeout = 3,",
            "idle_transaction_timeout = 7,",
        ] {
            assert!(sql.contains(part), "{part}: {sql}");
        }
        let sql = setup_statements(Duration::from_millis(1));
        assert!(
            schema_change_timeouts(Duration::ZERO).contains("max_statement_time = 0.001 "),
            "never without a limit"
        );
        assert!(sql.contains("idle_transaction_timeout = 2,") && sql.contains("max_statement_time = 0.001 "), "{sql}");
    }
}
