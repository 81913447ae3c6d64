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
/// Refusals of a server that would answer another time.
const LATER: [StatusCode; 2] = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
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
    /// The collections that are read, each of them once.
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Collections that were read to their end. What a reading reads may be more, or less, when it goes on.
    read: Vec<String>,
    /// Those of them that could not be read, and why.
    skipped: Vec<String>,
    /// The one that is being read.
    present: Option<String>,
    /// Objects of it that were read.
    offset: u64,
    cookie: Option<String>,
    /// The first object of its last page.
    first: Option<String>,
    /// Bytes of the file that are whole.
    bytes: u64,
    is_done: bool,
}

/// Objects of one page.
#[derive(Debug, PartialEq)]
pub(crate) struct Page {
    /// The collection they are of.
    pub(crate) collection: String,
    /// They.
    pub(crate) objects: Vec<Value>,
}

/// What is answered where a page is asked for.
enum Asked {
    Answer(Value),
    /// Nothing, and it need not be there.
    Lacking(StatusCode),
}

/// The file that a far end was read into.
pub struct Fetched {
    /// Where it is.
    pub file: PathBuf,
    /// What form it has.
    pub form: Form,
    /// An earlier reading could not go on, because its file was not whole any more, or holds what is not read now: everything was read again.
    pub anew: bool,
    /// Collections that nobody has named and that could not be read, each with what the server said.
    pub skipped: Vec<String>,
    /// What is known of how far the reading has come.
    progress: Option<PathBuf>,
}

impl Progress {
    /// The collection that is read next; nothing where all were.
    fn next(&mut self, collections: &[String]) -> Option<String> {
        if self.present.is_none() {
            self.present = collections.iter().find(|collection| !self.read.contains(collection)).cloned();
        }
        self.present.clone()
    }

    /// Whether everything that was read is still to be.
    fn is_of(&self, collections: &[String]) -> bool {
        self.read.iter().chain(&self.present).all(|collection| collections.contains(collection))
    }

    /// Moves behind the end of a collection.
    fn end_collection(&mut self) {
        self.read.extend(self.present.take());
        (self.offset, self.cookie, self.first) = (0, None, None);
    }

    /// Moves behind a page. A server that gives no cookie is asked by offset until a page is not full.
    fn turn(&mut self, objects: &[Value], cookie: Option<String>, page: usize) -> Turned {
        let named = |object: &Value| object.get("_id").and_then(Value::as_str).map_or_else(|| object.to_string(), str::to_owned);
        let first = objects.first().map(named);
        if self.offset > 0 && first.is_some() && first == self.first {
            // Whoever does not page has answered everything at once. Whoever pages, and answers a full page twice, has more.
            if objects.len() <= page {
                return Turned::Stands;
            }
            self.end_collection();
            return Turned::Whole;
        }
        let is_last = match &cookie {
            Some(_) => objects.is_empty() && cookie == self.cookie,
            None => objects.len() < page,
        };
        self.offset += objects.len() as u64;
        (self.first, self.cookie) = (first, cookie);
        if is_last {
            self.end_collection();
        }
        Turned::Moved
    }

    fn save(&self, path: &Path) -> io::Result<()> {
        private_file::write(path, &serde_json::to_vec(self)?)
    }
}

/// What a page was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turned {
    /// One that was not read before.
    Moved,
    /// The whole collection once more.
    Whole,
    /// The same one again: what stands behind it cannot be read.
    Stands,
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
        crate::serve::make_private_directory(data).map_err(|error| FarEndError::Io { path: data.to_owned(), error })?;
        let (file, progress) = (data.join(format!("import-{}.jsonl", self.name())), data.join(format!("import-{}.json", self.name())));
        let failed = |error| FarEndError::Io { path: file.clone(), error };
        // Written by an earlier version, or damaged, it says nothing.
        let known = std::fs::read(&progress).ok().map(|text| serde_json::from_slice::<Progress>(&text).unwrap_or_default());
        let mut to = private(&file).map_err(failed)?;
        let there = to.metadata().map_err(failed)?.len();
        // Whoever removed or cut the file has removed people; and what nobody reads any more is in there.
        let goes_on = |known: &Progress| *known != Progress::default() && known.bytes <= there && known.is_of(&self.collections);
        let anew = known.as_ref().is_some_and(|known| !goes_on(known));
        let mut at = known.filter(|_| !anew).unwrap_or_default();
        to.set_len(at.bytes).and_then(|()| to.seek(io::SeekFrom::End(0))).map_err(failed)?;
        // A project may have a collection more since.
        at.is_done &= at.clone().next(&self.collections).is_none();
        while !at.is_done {
            match self.next(&mut reach, FIELDS, &mut at).await? {
                Some(page) => {
                    let lines: String = page.objects.iter().map(|object| line(&page.collection, object)).collect();
                    to.write_all(lines.as_bytes()).and_then(|()| to.sync_data()).map_err(failed)?;
                    at.bytes += lines.len() as u64;
                }
                None => at.is_done = true,
            }
            at.save(&progress).map_err(failed)?;
        }
        Ok(Fetched { file, form: Form::JsonLines, anew, skipped: at.skipped, progress: Some(progress) })
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

    /// The next page of all that is read; nothing at its end.
    ///
    /// # Errors
    /// [`FarEndError`], also where a page that was begun with has none behind it: who is missing there cannot be told.
    pub(crate) async fn next(&self, reach: &mut Reach, fields: &str, at: &mut Progress) -> Result<Option<Page>, FarEndError> {
        while let Some(collection) = at.next(&self.collections) {
            let mut answer = match self.page(reach, &collection, fields, at).await? {
                Asked::Answer(answer) => answer,
                Asked::Lacking(status) => {
                    at.skipped.push(format!("{collection} ({status})"));
                    at.end_collection();
                    continue;
                }
            };
            let behind = at.offset;
            let away = |what: &str| self.away(&reach.base, &format!("the page of {collection} behind {behind} objects {what}"));
            let Some(Value::Array(objects)) = answer.get_mut("result").map(Value::take) else { return Err(away("has no 'result'")) };
            let cookie = answer.get("pagedResultsCookie").and_then(Value::as_str).filter(|cookie| !cookie.is_empty()).map(str::to_owned);
            match at.turn(&objects, cookie, self.page as usize) {
                Turned::Moved => return Ok(Some(Page { collection, objects })),
                Turned::Whole => {}
                Turned::Stands => {
                    return Err(away("is the one before it, so what comes behind it cannot be read; ask with another --page-size"));
                }
            }
        }
        Ok(None)
    }

    /// One page of a collection. Where it begins, one that nobody has named need not be there.
    async fn page(&self, reach: &mut Reach, collection: &str, fields: &str, at: &Progress) -> Result<Asked, FarEndError> {
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
        let may_lack = self.by_default && collection != PEOPLE && at.offset == 0 && at.cookie.is_none();
        let is_lacking = |status: StatusCode| may_lack && status != StatusCode::UNAUTHORIZED;
        self.asked(reach, collection, url, is_lacking).await
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
        let is_gone = |status| status == StatusCode::NOT_FOUND;
        Ok(match self.asked(reach, collection, url, is_gone).await? {
            Asked::Answer(object) => Some(object),
            Asked::Lacking(_) => None,
        })
    }

    /// An answer, or a refusal that says that there is none. A far end that is busy, or away for a moment, is asked again, each time after twice as long.
    async fn asked(
        &self,
        reach: &mut Reach,
        collection: &str,
        url: Url,
        is_lacking: impl Fn(StatusCode) -> bool,
    ) -> Result<Asked, FarEndError> {
        let mut wait = Duration::from_millis(500);
        let mut attempt = 1;
        loop {
            reach.pace.tick().await;
            let base = &reach.base;
            let cause = match self.ask(&reach.client, url.clone()).await {
                Ok(Ok(answer)) => return Ok(Asked::Answer(answer)),
                Ok(Err(status)) if !status.is_client_error() || LATER.contains(&status) => {
                    format!("{collection} is answered with {status}")
                }
                Ok(Err(status)) if is_lacking(status) => return Ok(Asked::Lacking(status)),
                Ok(Err(status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))) => {
                    let (address, user, status) = (base.to_string(), self.user.clone(), status.as_u16());
                    return Err(FarEndError::Refused { address, user, status });
                }
                Ok(Err(status)) => return Err(self.away(base, &format!("{collection} is answered with {status}"))),
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
    let file = data.join(format!("import-{}.sql", name_of_repository(address)));
    if !file.exists() {
        let (address, place) = (address.to_owned(), file.clone());
        let read = tokio::task::spawn_blocking(move || dumped(&address, &layout, &place));
        read.await.map_err(|error| FarEndError::Io { path: file.clone(), error: io::Error::other(error) })??;
    }
    Ok(Fetched { file, form: Form::Dump, anew: false, skipped: Vec::new(), progress: None })
}

/// A name of files that belong to reading the repository at an address.
pub(crate) fn name_of_repository(address: &str) -> String {
    let hash = digest(&SHA256, store::name_of(address).as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..9).unwrap_or_default())
}

/// Reads a repository into a file, which has its name when it is whole.
///
/// # Errors
/// [`FarEndError`].
pub(crate) fn dumped(address: &str, layout: &moving::Layout, file: &Path) -> Result<(), FarEndError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(ids: std::ops::Range<u32>) -> Vec<Value> {
        ids.map(|id| json!({ "_id": id.to_string() })).collect()
    }

    fn collections(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_collection_ends_where_its_pages_do_and_never_at_one_that_comes_twice() {
        let begun = || {
            let mut at = Progress::default();
            assert_eq!(at.next(&collections(&["a"])).as_deref(), Some("a"));
            at
        };
        let is_over = |at: &mut Progress| at.next(&collections(&["a"])).is_none();
        // By offset.
        let mut at = begun();
        assert_eq!((at.turn(&objects(0..2), None, 2), is_over(&mut at)), (Turned::Moved, false));
        assert_eq!((at.turn(&objects(2..3), None, 2), is_over(&mut at)), (Turned::Moved, true));
        // By cookie, whatever a page holds.
        let mut at = begun();
        assert_eq!((at.turn(&objects(0..1), Some("1".into()), 2), is_over(&mut at)), (Turned::Moved, false));
        assert_eq!((at.turn(&[], Some("2".into()), 2), is_over(&mut at)), (Turned::Moved, false));
        assert_eq!((at.turn(&[], Some("2".into()), 2), is_over(&mut at)), (Turned::Moved, true));
        // Whoever does not page has more on one than was asked for.
        let mut at = begun();
        assert_eq!((at.turn(&objects(0..3), None, 2), is_over(&mut at)), (Turned::Moved, false));
        assert_eq!((at.turn(&objects(0..3), None, 2), is_over(&mut at)), (Turned::Whole, true));
        // Whoever answers the first page again may have others.
        for cookie in [None, Some("1".to_owned())] {
            let mut at = begun();
            assert_eq!((at.turn(&objects(0..2), cookie.clone(), 2), is_over(&mut at)), (Turned::Moved, false));
            assert_eq!((at.turn(&objects(0..2), cookie, 2), is_over(&mut at)), (Turned::Stands, false));
        }
        let mut at = begun();
        let nameless = [json!({ "sn": "A" }), json!({ "sn": "B" })];
        assert_eq!(at.turn(&nameless, None, 2), Turned::Moved);
        assert_eq!(at.turn(&nameless, None, 2), Turned::Stands, "also where nothing has an id");
    }

    #[test]
    fn a_reading_goes_on_with_the_collection_that_it_was_in_whatever_is_read_now() {
        let mut at = Progress::default();
        assert_eq!(at.next(&collections(&["a", "b"])).as_deref(), Some("a"));
        assert_eq!(at.turn(&objects(0..1), None, 2), Turned::Moved);
        assert_eq!(at.next(&collections(&["a", "b"])).as_deref(), Some("b"));
        assert_eq!(at.turn(&objects(0..2), None, 2), Turned::Moved);
        // The project has a collection more, before the one that is being read.
        let now = collections(&["a", "new", "b"]);
        let kept = serde_json::to_string(&at).unwrap();
        let mut at: Progress = serde_json::from_str(&kept).unwrap();
        assert!(at.is_of(&now));
        assert_eq!((at.next(&now).as_deref(), at.offset), (Some("b"), 2));
        assert_eq!(at.turn(&[], None, 2), Turned::Moved);
        assert_eq!((at.next(&now).as_deref(), at.offset), (Some("new"), 0));
        assert!(!at.is_of(&collections(&["b", "new"])), "what was read of another one is in the file");
    }
}
