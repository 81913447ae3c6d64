//! What a failure means: the one table from what a server says (SQLSTATE, PostgreSQL documentation, appendix A) to what is done about it.

use thiserror::Error;
use tokio_postgres::error::SqlState;

/// What is done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The statement is refused; nothing would be different next time.
    Refused,
    /// Others were in the way: the unit was undone and is done again.
    Repeat,
    /// This server is not (any more) the one to write to, or the way to it is broken: all connections are given up, the writer is looked
    /// for, and what had not come to its COMMIT is done again.
    Gone,
    /// There is no room for one more connection, or no memory or disk: the caller hears 503.
    Full,
    /// The prepared statement is not there: something between us and the server gives each transaction another connection.
    Unprepared,
    /// A statement was prepared before its table had a column more, which a later version adds while this one serves: the connection is given up, and
    /// what was undone is done again on one that prepares anew.
    Stale,
}

/// A statement, or a connection, failed.
#[derive(Debug, Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(super) fault: Fault,
    message: String,
}

impl Failure {
    pub(super) fn gone(message: impl Into<String>) -> Self {
        Self { fault: Fault::Gone, message: message.into() }
    }

    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self { fault: Fault::Refused, message: message.into() }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        // What the driver itself cannot encode or decode is refused; everything else that is no answer of the server is a broken way.
        let fault = match error.as_db_error() {
            Some(said) if is_stale(said.code(), said.routine()) => Fault::Stale,
            Some(said) => fault(said.code()),
            None if error.is_closed() || std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>) => {
                Fault::Gone
            }
            None => Fault::Refused,
        };
        Self { fault, message: describe(&error) }
    }
}

/// What a driver's error says, with its causes: its own text names the layer only.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} ({})", said.message(), said.code().code());
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// "cached plan must not change result type" has no SQLSTATE of its own, and is said in the server's language; the function that says it has one name.
fn is_stale(state: &SqlState, routine: Option<&str>) -> bool {
    *state == SqlState::FEATURE_NOT_SUPPORTED && routine == Some("RevalidateCachedQuery")
}

/// The table.
pub(super) fn fault(state: &SqlState) -> Fault {
    match state.code() {
        // read_only_sql_transaction (a standby, or a primary that was demoted alive); idle_in_transaction_session_timeout and
        // transaction_timeout, which close the connection; admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped,
        // idle_session_timeout.
        "25006" | "25P03" | "25P04" | "57P01" | "57P02" | "57P03" | "57P04" | "57P05" => Fault::Gone,
        // serialization_failure, deadlock_detected, lock_not_available.
        "40001" | "40P01" | "55P03" => Fault::Repeat,
        // invalid_sql_statement_name, duplicate_prepared_statement.
        "26000" | "42P05" => Fault::Unprepared,
        // connection exceptions.
        code if code.starts_with("08") => Fault::Gone,
        // too_many_connections, out_of_memory, disk_full, configuration_limit_exceeded.
        code if code.starts_with("53") => Fault::Full,
        _ => Fault::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_of_a_server_has_its_one_meaning() {
        for (code, expected) in [
            ("25006", Fault::Gone),
            ("25P03", Fault::Gone),
            ("25P04", Fault::Gone),
            ("57P01", Fault::Gone),
            ("57P02", Fault::Gone),
            ("57P03", Fault::Gone),
            ("08006", Fault::Gone),
            ("08P01", Fault::Gone),
            ("40001", Fault::Repeat),
            ("40P01", Fault::Repeat),
            ("53300", Fault::Full),
            ("53100", Fault::Full),
            ("23505", Fault::Refused),
            ("42501", Fault::Refused),
            ("57014", Fault::Refused),
            ("26000", Fault::Unprepared),
        ] {
            assert_eq!(fault(&SqlState::from_code(code)), expected, "{code}");
        }
        let stale = |code: &str, routine| is_stale(&SqlState::from_code(code), routine);
        assert!(stale("0A000", Some("RevalidateCachedQuery")));
        assert!(
            !stale("0A000", Some("PreventInTransactionBlock")) && !stale("0A000", None) && !stale("42703", Some("RevalidateCachedQuery"))
        );
    }
}
