//! Definitions that nobody can be on any more.
//!
//! Easiest to break: whoever is in the middle of a process finishes under the definition they began with. What instances are noted on stays; and since
//! not every one is noted, a definition goes only when none was for longer than any instance may last.

use std::collections::{BTreeMap, BTreeSet};

use process::LedgerError;

use crate::Db;
use crate::engine::{self, Connection, Lock};
use crate::job::Kept;

/// Since when nobody is noted on a definition is a counter, whose time never passes.
const UNUSED: &str = "unused definition ";
/// What comes behind all of them.
const BEHIND: &str = "unused definition!";

/// A process, and a version of it.
type Named = (String, String);

fn name((process, version): &Named) -> String {
    format!("{UNUSED}{process} {version}")
}

fn named(connection: &Connection, text: &'static str) -> Result<BTreeSet<Named>, engine::Error> {
    let rows: Vec<Named> = connection.query(text).all(|row| Ok((row.get("process")?, row.get("version")?)))?;
    Ok(rows.into_iter().collect())
}

/// Those that are neither what is begun now, nor what keeps serving where a file breaks.
const FORMER: &str = "SELECT process, version FROM definition WHERE number < \
     (SELECT max(number) FROM definition AS later WHERE later.process = definition.process AND NOT later.revoked)";

impl Db {
    /// Removes definitions on which nobody has been for `kept` seconds before `now` (seconds since 1970): longer than an instance may last, and as long
    /// as the operator keeps what happened. The last good one of each process stays, and so does one that is being tried. Gives how many were removed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_definitions(&self, now: i64, kept: i64) -> Result<usize, LedgerError> {
        let on = "SELECT DISTINCT process, version FROM passage";
        let used = self.walk::<_, LedgerError, _>(move |connection| named(connection, on)).await?;
        let forget = move |connection: &Connection| {
            if !connection.may_sweep("definition")? {
                return Ok(0);
            }
            connection.lock(&Lock::Definitions)?;
            let tried = named(connection, "SELECT process, next AS version FROM canary WHERE outcome IS NULL")?;
            let former = named(connection, FORMER)?;
            let known = connection.query("SELECT name, value FROM counter WHERE name > $1 AND name < $2").bind(UNUSED).bind(BEHIND);
            let known: BTreeMap<String, i64> = known.all(|row| Ok((row.get("name")?, row.get("value")?)))?.into_iter().collect();
            let unused: Vec<&Named> = former.iter().filter(|named| !used.contains(*named) && !tried.contains(*named)).collect();
            let (gone, waiting): (Vec<&Named>, Vec<&Named>) =
                unused.into_iter().partition(|named| known.get(&name(named)).is_some_and(|since| *since < now.saturating_sub(kept)));
            for (process, version) in &gone {
                connection.query("DELETE FROM definition WHERE process = $1 AND version = $2").bind(process).bind(version).send()?;
            }
            let waiting: BTreeSet<String> = waiting.into_iter().map(name).collect();
            for begins in waiting.iter().filter(|name| !known.contains_key(*name)) {
                let query = connection.query("INSERT INTO counter (name, value, expires) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
                query.bind(begins).bind(now).bind(i64::MAX).send()?;
            }
            for ended in known.keys().filter(|name| !waiting.contains(*name)) {
                connection.query("DELETE FROM counter WHERE name = $1").bind(ended).send()?;
            }
            Ok(gone.len())
        };
        self.run(Kept::Always, forget).await
    }
}
