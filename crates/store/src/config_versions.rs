//! What the project's files said each time they were taken up, sealed, the last [`MOST_VERSIONS`] of each file.
//!
//! Easiest to break: nodes that read the same files take the same change up at the same moment, and it is one version all the same.

use process::LedgerError;

use crate::Db;
use crate::engine::{self, Connection, Lock, Row};
use crate::job::Kept;

/// Versions that are kept of each file.
pub const MOST_VERSIONS: i64 = 50;

/// A file as it is taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenUp {
    /// Its path in the project.
    pub path: String,
    /// The digests of its text, the one under the present key first; none where the file is gone.
    pub marks: Vec<String>,
    /// Its text, sealed; none where the file is gone.
    pub sealed: Option<String>,
    /// Who changed it over REST; nobody where it was changed in its directory.
    pub who: Option<String>,
}

/// A version of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigVersion {
    /// Grows with every version of any file.
    pub number: i64,
    /// Its path in the project.
    pub path: String,
    /// The digest of its text; empty where the file was gone.
    pub mark: String,
    /// When it was taken up, in seconds since 1970.
    pub noted: i64,
    /// Who changed it over REST; nobody where it was changed in its directory.
    pub who: Option<String>,
}

const COLUMNS: &str = "number, path, mark, noted, who";

fn version(row: &Row<'_>) -> Result<ConfigVersion, engine::Error> {
    let who: String = row.get("who")?;
    Ok(ConfigVersion {
        number: row.get("number")?,
        path: row.get("path")?,
        mark: row.get("mark")?,
        noted: row.get("noted")?,
        who: Some(who).filter(|who| !who.is_empty()),
    })
}

fn note(connection: &Connection, file: &TakenUp, now: i64) -> Result<(), engine::Error> {
    let newest = connection.query("SELECT mark FROM config_version WHERE path = $1 ORDER BY number DESC LIMIT 1");
    let newest: Option<String> = newest.bind(&file.path).first(|row| row.get("mark"))?;
    let known = newest.unwrap_or_default();
    let says_the_same = if file.sealed.is_some() { file.marks.contains(&known) } else { known.is_empty() };
    if says_the_same {
        return Ok(());
    }
    let mark = file.marks.first().filter(|_| file.sealed.is_some()).map_or("", String::as_str);
    let noted = connection.query("INSERT INTO config_version (path, mark, sealed, noted, who) VALUES ($1, $2, $3, $4, $5)");
    let noted = noted.bind(&file.path).bind(mark).bind(file.sealed.as_deref()).bind(now);
    noted.bind(file.who.as_deref().unwrap_or_default()).send()?;
    let beyond = connection.query(
        "DELETE FROM config_version WHERE path = $1 AND number <= \
         (SELECT number FROM config_version WHERE path = $1 ORDER BY number DESC LIMIT 1 OFFSET $2)",
    );
    beyond.bind(&file.path).bind(MOST_VERSIONS).send()
}

impl Db {
    /// Notes what files said when they were taken up at `now`, in seconds since 1970. A file that says what its newest version says has none more.
    ///
    /// # Errors
    /// When the store does not answer; nothing was noted.
    pub async fn note_config(&self, files: Vec<TakenUp>, now: i64) -> Result<(), LedgerError> {
        self.run(Kept::Always, move |connection| {
            // One node after the other, so that each sees what the one before has noted.
            connection.lock(&Lock::Definitions)?;
            files.iter().try_for_each(|file| note(connection, file, now))
        })
        .await
    }

    /// The newest version of each file.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn newest_config(&self) -> Result<Vec<ConfigVersion>, LedgerError> {
        self.look(move |connection| {
            let newest =
                format!("SELECT {COLUMNS} FROM config_version WHERE number IN (SELECT max(number) FROM config_version GROUP BY path)");
            connection.query(newest).all(version)
        })
        .await
    }

    /// The versions of a file, or of all, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn config_versions(&self, path: Option<String>) -> Result<Vec<ConfigVersion>, LedgerError> {
        self.look(move |connection| match &path {
            Some(path) => {
                let all = connection.query(format!("SELECT {COLUMNS} FROM config_version WHERE path = $1 ORDER BY number DESC"));
                all.bind(path).all(version)
            }
            None => connection.query(format!("SELECT {COLUMNS} FROM config_version ORDER BY number DESC")).all(version),
        })
        .await
    }

    /// One version, and its text, sealed; no text where the file was gone.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn config_version(&self, number: i64) -> Result<Option<(ConfigVersion, Option<String>)>, LedgerError> {
        self.look(move |connection| {
            let one = connection.query(format!("SELECT {COLUMNS}, sealed FROM config_version WHERE number = $1"));
            one.bind(number).first(|row| Ok((version(row)?, row.get("sealed")?)))
        })
        .await
    }
}
