//! What an operator should know of a server before it fails them.

use tokio_postgres::Row;

use super::address::Address;
use super::connect::quoted;
use super::connection::Connection;
use super::faults::Failure;
use super::migrate;
use crate::OpenError;
use crate::bind::Parameter;
use crate::nodes::{BEHIND, PREFIX};

/// How bad a finding is, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Good,
    /// It works, and may cost something one day.
    Doubtful,
    /// It does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub health: Health,
    /// What was found, and what to do where it is not good.
    pub message: String,
}

fn good(message: impl Into<String>) -> Finding {
    Finding { health: Health::Good, message: message.into() }
}

fn doubtful(message: impl Into<String>) -> Finding {
    Finding { health: Health::Doubtful, message: message.into() }
}

/// Clocks of nodes and server may differ by so many seconds: lifetimes are in minutes.
const CLOCK: i64 = 5;
/// Dead rows of a table that are worth a word, where they outnumber the living ones.
const DEAD: i64 = 50_000;
/// Indexes that statements rely on, apart from those of primary keys.
const INDEXES: [&str; 13] = [
    "audit_object",
    "challenge_expires",
    "config_version_path",
    "counter_expires",
    "jsonstorage_expires",
    "outbox_dead",
    "outbox_due",
    "passage_expires",
    "session_expires",
    "session_last_used",
    "session_owner",
    "spent_expires",
    "unit_made",
];

// Of the connections of other roles, nodes hear which database they are to and little else.
const WHAT: &str = "SELECT current_setting('server_version') AS version, current_setting('synchronous_standby_names') AS standbys, \
     current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages, \
     current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint \
     - coalesce(current_setting('reserved_connections', true), '0')::bigint AS most, \
     (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL) AS used, \
     (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super, \
     (SELECT count(*) FROM pg_stat_replication) AS followers, extract(epoch FROM clock_timestamp())::bigint AS clock";

/// Looks at the server and the tables; `now` is this machine's clock, in seconds since 1970.
pub(super) fn examine(connection: &Connection, address: &Address, now: i64) -> Result<Vec<Finding>, OpenError> {
    let failed = |failure: Failure| migrate::refused(address, &failure.to_string());
    let rows = connection.rows(WHAT, Vec::new(), false).map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(Vec::new()) };
    let tables = migrate::look(connection, address)?;
    let nodes = if tables.is_made() { nodes(connection, address, now).map_err(failed)? } else { 0 };
    let mut found = server(row, address, now, nodes);
    match (migrate::check(&tables, address), tables.missing()) {
        (Err(error), _) => found.push(Finding { health: Health::Bad, message: error.to_string() }),
        (Ok(()), 0) => found.push(good("the tables are those of this version")),
        (Ok(()), missing) => {
            found.push(doubtful(format!("{missing} steps are to be made in the tables: 'vestibule migrate', or a start, makes them")));
        }
    }
    if tables.is_made() {
        let schema = || vec![Parameter::from(address.schema.as_str())];
        let text = "SELECT relname::text AS name FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid \
             JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1 AND indisvalid";
        let there: Vec<String> =
            connection.rows(text, schema(), false).map_err(failed)?.iter().filter_map(|row| row.try_get("name").ok()).collect();
        let missing: Vec<&str> = INDEXES.into_iter().filter(|index| !there.iter().any(|name| name == index)).collect();
        found.push(if missing.is_empty() {
            good("every index is there")
        } else {
            Finding {
                health: Health::Bad,
                message: format!("indexes are missing or not valid, and what they find is looked for in every row: {}", missing.join(", ")),
            }
        });
        let text = "SELECT relname::text AS name, n_dead_tup AS dead FROM pg_stat_user_tables \
             WHERE schemaname = $1 AND n_dead_tup > $2 AND n_dead_tup > n_live_tup ORDER BY relname";
        let mut values = schema();
        values.push(Parameter::Integer(Some(DEAD)));
        for row in connection.rows(text, values, false).map_err(failed)? {
            let (name, dead): (String, i64) = (row.try_get("name").unwrap_or_default(), row.try_get("dead").unwrap_or_default());
            found.push(doubtful(format!("{name} has {dead} dead rows, more than living ones: autovacuum does not keep up with it")));
        }
    }
    Ok(found)
}

/// The nodes that are there by what they said lately (`nodes.rs`).
fn nodes(connection: &Connection, address: &Address, now: i64) -> Result<i64, Failure> {
    let schema = quoted(&address.schema);
    let text = format!("SELECT count(*) AS alive FROM {schema}.counter WHERE name > $1 AND name < $2 AND expires > $3");
    let rows = connection.rows(&text, vec![PREFIX.into(), BEHIND.into(), now.into()], false)?;
    Ok(rows.first().and_then(|row| row.try_get("alive").ok()).unwrap_or_default())
}

fn server(row: &Row, address: &Address, now: i64, nodes: i64) -> Vec<Finding> {
    let text = |name: &str| row.try_get::<_, String>(name).unwrap_or_default();
    let number = |name: &str| row.try_get::<_, i64>(name).unwrap_or_default();
    let mut found = vec![good(format!("{address} is PostgreSQL {}, and can be written to", text("version")))];
    if row.try_get("super").unwrap_or(false) {
        found.push(doubtful(format!("'{}' is a superuser; it needs no more than its own schema", address.user)));
    }
    found.push(match (text("standbys").is_empty(), number("followers")) {
        (true, 0) if address.hosts.len() < 2 && nodes < 2 => good("there is one server, and no fail-over to lose anything by"),
        (true, _) if nodes > 1 => doubtful(format!(
            "{nodes} nodes share the store and synchronous_standby_names is empty: a fail-over may revive spent tokens, because a standby may not \
             have the last commits"
        )),
        (true, _) => doubtful(
            "synchronous_standby_names is empty: a fail-over may revive spent tokens, because a standby may not have the last commits",
        ),
        (false, 0) => doubtful("a synchronous standby is declared and none follows: commits wait for it"),
        (false, _) => good("what is acknowledged has reached a standby"),
    });
    for (setting, value) in [("fsync", text("fsync")), ("full_page_writes", text("pages"))] {
        if value != "on" {
            found.push(doubtful(format!("{setting} is {value}: a power cut may damage the database")));
        }
    }
    let apart = number("clock").abs_diff(now);
    found.push(if apart > CLOCK.unsigned_abs() {
        doubtful(format!("the clocks of the server and of this machine are {apart} s apart: keep both in time"))
    } else {
        good("the clocks of the server and of this machine agree")
    });
    let (most, used) = (number("most"), number("used"));
    let wanted = i64::try_from(address.connections).unwrap_or_default();
    found.push(if most.saturating_sub(used) < wanted {
        doubtful(format!(
            "{used} of {most} connections are taken, and one more node may want {wanted}: raise max_connections, or lower connections=…"
        ))
    } else {
        good(format!("{used} of {most} connections are taken; a node takes {wanted} at most"))
    });
    found
}
