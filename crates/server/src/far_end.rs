//! A running IDM, read over REST into a file, from which its people are imported; or its repository, over a connection to the database.
//!
//! Easiest to break: the far end serves people. It is only read, a page at a time, so many in a second and no more; what was read is kept, and a
//! reading that stopped goes on behind it.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::PEOPLE;
use moving::Form;
use reqwest::{Client, StatusCode, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::time::Interval;

use crate::ports;
use crate::private_file;
use crate::reaching::{self, ReachError};

/// How often a page is asked for that does not come.
const ATTEMPTS: u32 = 5;
/// What is asked of an object: everything, references, metadata and notifications with it.
const FIELDS: &str = "*,*_ref,_meta/*,_notifications/*";
/// Refusals that are not about a collection.
const WAITS: [StatusCode; 2] = [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS];
/// Bytes of one page.
const LONGEST_PAGE: usize = 64 << 20;

/// A running server, and how it is read.
#[derive(Clone)]
pub struct FarEnd {
    /// The address of its REST interface, up to `/openidm`.
    pub address: String,
    /// Who asks: an administrator.
    pub user: String,
    /// Their password.
    pub password: String,
    /// The collections that are read.
    pub collections: Vec<String>,
    /// Nobody has named them: those but people may be missing there, or not be read.
    pub by_default: bool,
    /// Objects on one page.
    pub page: u32,
    /// Pages that are asked for in a second, at most.
    pub pages_per_second: f64,
}

/// Why a running server cannot be read. What was read is kept.
#[derive(Debug, thiserror::Error)]
pub enum FarEndError {
    /// It cannot be asked.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// It does not accept the user.
    #[error("{address} does not accept '{user}' ({status})")]
    Refused {
        /// Where.
        address: String,
        /// Who.
        user: String,
        /// What it answers.
        status: u16,
    },
    /// It gives no page.
    #[error("{address}: {cause}; what was read is kept, and the same command goes on behind it")]
    Away {
        /// Where.
        address: String,
        /// What is wrong.
        cause: String,
    },
    /// The repository cannot be read.
    #[error(transparent)]
    Repository(#[from] store::RepositoryError),
    /// The file cannot be written.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// A far end that can be asked.
pub(crate) struct Reach {
    base: Url,
    client: Client,
    pace: Interval,
}

/// How far a reading has come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Collections that were read to their end.
    pub(crate) collections: usize,
    /// Objects of the present one.
    offset: u64,
    cookie: Option<String>,
    /// Bytes of the file that are whole.
    bytes: u64,
    objects: u64,
    /// The first id of the last page.
    #[serde(default)]
    first: Option<String>,
    is_done: bool,
}

/// The file that a far end was read into.
pub struct Fetched {
    /// Where it is.
    pub file: PathBuf,
    /// What form it has.
    pub form: Form,
    /// An earlier reading could not go on, because its file was not whole any more: everything was read again.
    pub anew: bool,
    /// What is known of how far the reading has come.
    progress: Option<PathBuf>,
}

impl Progress {
    /// Moves behind the end of a collection.
    pub(crate) fn next_collection(&mut self) {
        (self.collections, self.offset, self.cookie, self.first) = (self.collections + 1, 0, None, None);
    }

    fn save(&self, path: &Path) -> io::Result<()> {
        private_file::write(path, &serde_json::to_vec(self)?)
    }
}

impl Fetched {
    /// Removes the file: the next reading begins anew.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self) -> io::Result<()> {
        self.progress.as_ref().map_or(Ok(()), std::fs::remove_file)?;
        std::fs::remove_file(&self.file)
    }
}

impl FarEnd {
    /// Reads it into a file below `data`, or goes on where an earlier reading stopped; what was read to its end is not read again before
    /// [`Fetched::remove`].
    ///
    /// # Errors
    /// [`FarEndError`].
    pub async fn fetch(&self, data: &Path) -> Result<Fetched, FarEndError> {
        let mut reach = self.reach()?;
        let base = reach.base.clone();
        crate::serve::make_private_directory(data).map_err(|error| FarEndError::Io { path: data.to_owned(), error })?;
        let (file, progress) = (data.join(format!("import-{}.jsonl", self.name())), data.join(format!("import-{}.json", self.name())));
        let failed = |error| FarEndError::Io { path: file.clone(), error };
        let known = std::fs::read(&progress).ok().and_then(|text| serde_json::from_slice::<Progress>(&text).ok());
        let mut to = private(&file).map_err(failed)?;
        let there = to.metadata().map_err(failed)?.len();
        // Whoever removed or cut the file has removed people.
        let anew = known.as_ref().is_some_and(|known| known.bytes > there);
        let mut at = known.filter(|_| !anew).unwrap_or_default();
        to.set_len(at.bytes).and_then(|()| to.seek(io::SeekFrom::End(0))).map_err(failed)?;
        while !at.is_done {
            let Some(collection) = self.collections.get(at.collections) else {
                at.is_done = true;
                at.save(&progress).map_err(failed)?;
                break;
            };
            let Some(page) = self.page(&mut reach, collection, FIELDS, &at).await? else {
                at.next_collection();
                at.save(&progress).map_err(failed)?;
                continue;
            };
            let result = page
                .get("result")
                .and_then(Value::as_array)
                .ok_or_else(|| self.away(&base, &format!("the page of {collection} behind {} objects has no 'result'", at.offset)))?;
            let first = result.first().and_then(|object| object.get("_id")).and_then(Value::as_str).map(str::to_owned);
            if at.offset > 0 && first.is_some() && first == at.first {
                // Whoever does not page has answered everything at once.
                at.next_collection();
                at.save(&progress).map_err(failed)?;
                continue;
            }
            at.first = first;
            let mut lines = Vec::new();
            for object in result {
                lines.extend(line(collection, object).into_bytes());
            }
            to.write_all(&lines).and_then(|()| to.sync_data()).map_err(failed)?;
            at.bytes += lines.len() as u64;
            at.objects += result.len() as u64;
            let count = result.len();
            self.turn(&mut at, &page, count);
            at.save(&progress).map_err(failed)?;
        }
        Ok(Fetched { file, form: Form::JsonLines, anew, progress: Some(progress) })
    }

    /// A name of files that belong to this reading.
    pub(crate) fn name(&self) -> String {
        // What nobody has named may be more another day.
        let collections = if self.by_default { "*".to_owned() } else { self.collections.join(" ") };
        let of = format!("{}/ {} {collections}", self.address.trim_end_matches('/'), self.user);
        let hash = digest(&SHA256, of.as_bytes());
        URL_SAFE_NO_PAD.encode(hash.as_ref().get(..9).unwrap_or_default())
    }

    pub(crate) fn reach(&self) -> Result<Reach, FarEndError> {
        let base = reaching::base(&self.address)?;
        let (client, pace) = (reaching::client()?, reaching::pace(self.pages_per_second)?);
        Ok(Reach { base, client, pace })
    }

    fn away(&self, base: &Url, cause: &str) -> FarEndError {
        FarEndError::Away { address: base.to_string(), cause: cause.replace(self.password.as_str(), "…") }
    }

    /// Moves behind a page. A server that gives no cookie is asked by offset until a page is not full.
    pub(crate) fn turn(&self, at: &mut Progress, page: &Value, count: usize) {
        at.offset += count as u64;
        at.cookie = page.get("pagedResultsCookie").and_then(Value::as_str).filter(|cookie| !cookie.is_empty()).map(str::to_owned);
        if at.cookie.is_none() && count < self.page as usize {
            at.next_collection();
        }
    }

    /// One page of a collection; nothing where it need not be there, and is not.
    ///
    /// # Errors
    /// [`FarEndError`].
    pub(crate) async fn page(
        &self,
        reach: &mut Reach,
        collection: &str,
        fields: &str,
        at: &Progress,
    ) -> Result<Option<Value>, FarEndError> {
        let mut url = reach.base.join(collection).map_err(|_| ReachError::Address(format!("{}{collection}", reach.base)))?;
        url.query_pairs_mut()
            .append_pair("_queryFilter", "true")
            .append_pair("_pageSize", &self.page.to_string())
            .append_pair("_sortKeys", "_id")
            .append_pair("_fields", fields);
        match &at.cookie {
            Some(cookie) => drop(url.query_pairs_mut().append_pair("_pagedResultsCookie", cookie)),
            None if at.offset > 0 => drop(url.query_pairs_mut().append_pair("_pagedResultsOffset", &at.offset.to_string())),
            None => {}
        }
        let may_lack = self.by_default && collection != PEOPLE;
        match self.asked(reach, collection, url, may_lack).await? {
            None if !may_lack => Err(self.away(&reach.base, &format!("{collection} is answered with 404 Not Found"))),
            page => Ok(page),
        }
    }

    /// One object, where there is still one of this id.
    ///
    /// # Errors
    /// [`FarEndError`].
    pub(crate) async fn object(&self, reach: &mut Reach, collection: &str, id: &str) -> Result<Option<Value>, FarEndError> {
        let mut url = reach.base.join(collection).map_err(|_| ReachError::Address(format!("{}{collection}", reach.base)))?;
        // An id may hold whatever a path may not.
        url.path_segments_mut().map_err(|()| ReachError::Address(reach.base.to_string()))?.push(id);
        url.query_pairs_mut().append_pair("_fields", FIELDS);
        self.asked(reach, collection, url, false).await
    }

    /// An answer; nothing where there is nothing. A far end that is busy, or away for a moment, is asked again, each time after twice as long.
    async fn asked(&self, reach: &mut Reach, collection: &str, url: Url, may_lack: bool) -> Result<Option<Value>, FarEndError> {
        let mut wait = Duration::from_millis(500);
        let mut attempt = 1;
        loop {
            reach.pace.tick().await;
            let base = &reach.base;
            let cause = match self.ask(&reach.client, url.clone()).await {
                Ok(Ok(page)) => return Ok(Some(page)),
                Ok(Err(status)) if may_lack && status.is_client_error() && !WAITS.contains(&status) => return Ok(None),
                Ok(Err(status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))) => {
                    let (address, user, status) = (base.to_string(), self.user.clone(), status.as_u16());
                    return Err(FarEndError::Refused { address, user, status });
                }
                Ok(Err(StatusCode::NOT_FOUND)) => return Ok(None),
                Ok(Err(status)) if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => {
                    return Err(self.away(base, &format!("{collection} is answered with {status}")));
                }
                Ok(Err(status)) => format!("{collection} is answered with {status}"),
                Err(cause) => cause,
            };
            if attempt == ATTEMPTS {
                return Err(self.away(base, &cause));
            }
            tokio::time::sleep(wait).await;
            (attempt, wait) = (attempt + 1, wait * 2);
        }
    }

    async fn ask(&self, client: &Client, url: Url) -> Result<Result<Value, StatusCode>, String> {
        let request = client.get(url).header("X-OpenIDM-Username", &self.user).header("X-OpenIDM-Password", &self.password);
        let reply = request.header("X-OpenIDM-NoSession", "true").send().await.map_err(ports::failure)?;
        if !reply.status().is_success() {
            return Ok(Err(reply.status()));
        }
        let bytes = ports::within(reply, LONGEST_PAGE).await?;
        let bytes = bytes.ok_or_else(|| "a page is too long; ask for smaller ones".to_owned())?;
        serde_json::from_slice(&bytes).map(Ok).map_err(|_| "what it answers is no JSON".to_owned())
    }
}

/// An object as a file of JSON lines has it.
pub(crate) fn line(collection: &str, object: &Value) -> String {
    let mut line = Map::from_iter([("_collection".to_owned(), json!(collection))]);
    line.extend(object.as_object().cloned().unwrap_or_default());
    Value::Object(line).to_string() + "\n"
}

/// Reads the repository of an IDM at a `postgres://` address, whose tables are laid out so, into a file below `data`; one that was read is not read again before
/// [`Fetched::remove`].
///
/// # Errors
/// [`FarEndError`].
pub async fn fetch_repository(address: &str, layout: moving::Layout, data: &Path) -> Result<Fetched, FarEndError> {
    crate::serve::make_private_directory(data).map_err(|error| FarEndError::Io { path: data.to_owned(), error })?;
    let hash = digest(&SHA256, store::name_of(address).as_bytes());
    let name = URL_SAFE_NO_PAD.encode(hash.as_ref().get(..9).unwrap_or_default());
    let file = data.join(format!("import-{name}.sql"));
    if !file.exists() {
        let (address, place) = (address.to_owned(), file.clone());
        let read = tokio::task::spawn_blocking(move || dumped(&address, &layout, &place));
        read.await.map_err(|error| FarEndError::Io { path: file.clone(), error: io::Error::other(error) })??;
    }
    Ok(Fetched { file, form: Form::Dump, anew: false, progress: None })
}

/// The file has its name when it is whole.
fn dumped(address: &str, layout: &moving::Layout, file: &Path) -> Result<(), FarEndError> {
    let failed = |error| FarEndError::Io { path: file.to_owned(), error };
    let mut to = io::BufWriter::new(private_file::begin(file).map_err(failed)?);
    let part = |table: &str| match table.to_ascii_lowercase() {
        table if layout.is_read(&table) => Some(store::TablePart::Whole),
        table if moving::is_table_of_product(&table) => None,
        // Whoever is in a table that nothing names is counted.
        _ => Some(store::TablePart::Ids),
    };
    store::dump_repository(address, &part, &mut to)?;
    let whole = to.into_inner().map_err(|error| failed(error.into_error()))?;
    private_file::finish(whole, file).map_err(failed)
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
