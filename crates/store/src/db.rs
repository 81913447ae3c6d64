//! The handle to a store. Clones share it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use process::LedgerError;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::engine::{self, Connection, Dialect};
use crate::error::Unavailable;
use crate::job::Kept;
use crate::limit::{self, Limit};
use crate::lookups::{Cache, Declared, Others};
use crate::postgres::{Address, NEEDED, Pool};
use crate::readers::Readers;
use crate::scans::Scans;
use crate::values::{self, Values};
use crate::writer::Writer;
use crate::{Collections, OpenError, TextSeal, ValueSeal, outbox, pair, sqlite};

mod declaring;

/// Why nothing is written any more.
const OUTDATED: &str = "a newer version has changed the tables, which do not serve this one any more";

/// A store: a file with one connection that writes and a few that read, or a pool of connections to a server. It implements
/// [`process::Ledger`], [`process::Outbox`], [`process::Sessions`] and [`identity::Objects`].
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
}

struct Shared {
    /// What it is called in messages.
    name: String,
    home: Home,
    declared: Cache,
    scans: Arc<Scans>,
    seal: OnceLock<Arc<dyn TextSeal>>,
    courier: outbox::Courier,
    numbers: Arc<outbox::Numbers>,
    values: OnceLock<Arc<dyn ValueSeal>>,
    /// Values may lie in the clear, or be sealed with former keys.
    to_be_sealed: AtomicBool,
    /// What this process declared last.
    collections: RwLock<Arc<Collections>>,
    /// Events of the audit trail are kept.
    audited: AtomicBool,
    /// When something was written last to see whether it can be.
    written: AtomicI64,
    /// A later version has changed the tables so that they do not serve this one.
    outdated: AtomicBool,
    /// When the store was put back from a copy, in seconds since 1970.
    put_back: AtomicI64,
    #[cfg(any(test, feature = "testing"))]
    asked: Arc<std::sync::atomic::AtomicU64>,
    /// Which statement of each unit fails when it is done first; none where it is 0.
    #[cfg(any(test, feature = "testing"))]
    stumbles: std::sync::atomic::AtomicU64,
    #[cfg(any(test, feature = "testing"))]
    looked: Arc<std::sync::atomic::AtomicU64>,
}

/// Where a store is.
enum Home {
    /// In a file that this process has to itself, but for the command line.
    File { writer: Writer, readers: Arc<Readers> },
    /// On a server that several nodes share.
    Server(Pool),
    /// Wherever it is, on one connection that looks: nothing is written.
    Looked { connection: Mutex<Connection>, dialect: Dialect },
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

impl Db {
    /// The file of a store at a path or URL; none for a backend that is not known.
    #[must_use]
    pub fn file(location: &str) -> Option<std::path::PathBuf> {
        sqlite::file(location).ok()
    }

    /// Opens the store at a path or URL: `sqlite:PATH` makes the file (mode 0600) where it is missing, in a directory that must exist;
    /// `postgres://…` finds the server that can be written to. Tables are made and brought up to date. What `collections` declares is
    /// added to what is declared already.
    ///
    /// # Errors
    /// As the variants of [`OpenError`] say.
    pub async fn open(location: &str, collections: Collections) -> Result<Self, OpenError> {
        let (name, home, numbers) = match Address::of(location) {
            Some(address) => {
                let address = address.map_err(OpenError::Address)?;
                let (name, pool) = (address.to_string(), Pool::open(address).await?);
                let numbers = pool.look(|connection| outbox::Numbers::read(connection).map_err(Unavailable::from)).await;
                let numbers = numbers.map_err(|Unavailable(cause)| OpenError::Server { store: name.clone(), cause })?;
                (name, Home::Server(pool), numbers)
            }
            None => open_file(location).await?,
        };
        let db = Self::at(name.clone(), home, numbers, collections.clone());
        let end = db.look::<_, LedgerError, _>(pair::read).await;
        let end = end.map_err(|LedgerError(cause)| OpenError::Unreachable { file: name.clone(), cause })?;
        pair::may_be_served(end, &name)?;
        let lost = |LedgerError(cause): LedgerError| OpenError::Unreachable { file: name.clone(), cause };
        Box::pin(db.bring(&collections, Others::Kept)).await.map_err(lost)?;
        db.read_not_before().await.map_err(lost)?;
        Ok(db)
    }

    fn at(name: String, home: Home, numbers: outbox::Numbers, collections: Collections) -> Self {
        let shared = Shared {
            name,
            home,
            declared: Cache::default(),
            scans: Arc::default(),
            seal: OnceLock::new(),
            courier: outbox::Courier::default(),
            numbers: Arc::new(numbers),
            values: OnceLock::new(),
            to_be_sealed: AtomicBool::new(true),
            collections: RwLock::new(Arc::new(collections)),
            audited: AtomicBool::new(true),
            written: AtomicI64::new(i64::MIN),
            outdated: AtomicBool::new(false),
            put_back: AtomicI64::new(i64::MIN),
            #[cfg(any(test, feature = "testing"))]
            asked: Arc::default(),
            #[cfg(any(test, feature = "testing"))]
            stumbles: std::sync::atomic::AtomicU64::default(),
            #[cfg(any(test, feature = "testing"))]
            looked: Arc::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A store on one connection that looks ([`Inspection::into_db`](crate::Inspection::into_db)).
    pub(crate) fn looked_at(name: String, connection: Connection, declared: Declared) -> Result<Self, engine::Error> {
        let (numbers, dialect) = (outbox::Numbers::read(&connection)?, connection.dialect());
        let home = Home::Looked { connection: Mutex::new(connection), dialect };
        let db = Self::at(name, home, numbers, Collections::new());
        db.shared.declared.set(declared);
        Ok(db)
    }

    /// How the engine of this store says things.
    pub(crate) fn dialect(&self) -> Dialect {
        match self.shared.home {
            Home::File { .. } => Dialect::Sqlite,
            Home::Server(_) => Dialect::Postgres,
            Home::Looked { dialect, .. } => dialect,
        }
    }

    /// Statements of the unit that was committed last, and rows of lists that they answered: what must not grow with a store.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn asked_by_last(&self) -> Arc<std::sync::atomic::AtomicU64> {
        Arc::clone(&self.shared.asked)
    }

    /// From now on the so-manieth statement of each unit fails, the unit is undone, and done again.
    #[cfg(any(test, feature = "testing"))]
    pub fn stumble_at(&self, statement: u64) {
        self.shared.stumbles.store(statement, Ordering::Relaxed);
    }

    /// Statements of the looks into the store since the last call, and rows of lists that they answered.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn asked_by_looks(&self) -> u64 {
        self.shared.looked.swap(0, Ordering::SeqCst)
    }

    pub(crate) fn set_not_before(&self, moment: i64) {
        self.shared.put_back.store(moment, Ordering::Relaxed);
    }

    pub(crate) fn known_not_before(&self) -> i64 {
        self.shared.put_back.load(Ordering::Relaxed)
    }

    /// Whether several nodes may share this store.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.dialect() == Dialect::Postgres
    }

    pub(crate) fn seal(&self) -> &OnceLock<Arc<dyn TextSeal>> {
        &self.shared.seal
    }

    pub(crate) fn courier(&self) -> &outbox::Courier {
        &self.shared.courier
    }

    pub(crate) fn numbers(&self) -> &Arc<outbox::Numbers> {
        &self.shared.numbers
    }

    /// Seals values of the properties that [`Collections::seal`] declares from now on, and those that lie in the clear or are sealed with
    /// former keys at once. To be called once, before the first write.
    ///
    /// # Errors
    /// When the store does not answer, or nothing can be sealed.
    pub async fn seal_values(&self, seal: Arc<dyn ValueSeal>) -> Result<(), LedgerError> {
        // A second call finds it set, by a clone of the same handle.
        let _ = self.shared.values.set(seal);
        self.shared.to_be_sealed.store(true, Ordering::Relaxed);
        self.seal_again().await
    }

    /// Opens what is sealed with these keys, and seals nothing: for a store that is looked at.
    pub fn open_values(&self, seal: Arc<dyn ValueSeal>) {
        // A second call finds it set, by a clone of the same handle.
        let _ = self.shared.values.set(seal);
    }

    async fn seal_again(&self) -> Result<(), LedgerError> {
        let (collections, values) = (self.collections(), self.values());
        if !self.shared.to_be_sealed.load(Ordering::Relaxed) || values.0.is_none() {
            return Ok(());
        }
        if collections.sealed().next().is_none() {
            self.shared.to_be_sealed.store(false, Ordering::Relaxed);
            return Ok(());
        }
        let done = self.write(move |connection| values::seal_again(connection, &collections, &values)).await;
        if done.is_ok() {
            self.shared.to_be_sealed.store(false, Ordering::Relaxed);
        }
        match done {
            Ok(0) => Ok(()),
            Ok(objects) => {
                tracing::info!(objects, "values at rest were sealed with the present keys");
                Ok(())
            }
            Err(error) => Err(LedgerError(error.to_string())),
        }
    }

    pub(crate) fn values(&self) -> Values {
        Values(self.shared.values.get().cloned())
    }

    pub(crate) fn collections(&self) -> Arc<Collections> {
        Arc::clone(&self.shared.collections.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks the store for an answer.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<(), LedgerError> {
        self.look(|connection| connection.run("SELECT 1")).await
    }

    /// Fails while no server can be written to, as far as is known; a file always can.
    pub(crate) fn has_writer(&self) -> Result<(), LedgerError> {
        if let Home::Server(pool) = &self.shared.home { pool.has_writer() } else { Ok(()) }
    }

    /// Writes something, to know whether anything can be written at `now`, in seconds since 1970: not on a full disk, one that cannot be written to, a
    /// damaged file, or tables that a later version has changed meanwhile.
    ///
    /// # Errors
    /// When nothing can be written.
    pub async fn can_write(&self, now: i64) -> Result<(), LedgerError> {
        // Once a second is often enough, however many ask.
        if self.shared.written.load(Ordering::Relaxed) == now {
            return Ok(());
        }
        self.has_writer()?;
        let probe = "UPDATE lookup_epoch SET probed = probed + 1";
        let shared = self.is_shared();
        let serves_from: i64 = self
            .run::<_, LedgerError, _>(Kept::ByProcess, move |connection| {
                connection.query(probe).send()?;
                if shared { connection.query("SELECT serves_from FROM schema_version").one(|row| row.get("serves_from")) } else { Ok(0) }
            })
            .await?;
        let outdated = serves_from > NEEDED;
        if outdated && !self.shared.outdated.swap(true, Ordering::Relaxed) {
            tracing::error!(store = %self.shared.name, "{OUTDATED}");
        }
        self.shared.outdated.store(outdated, Ordering::Relaxed);
        if outdated {
            return Err(LedgerError(OUTDATED.to_owned()));
        }
        self.shared.written.store(now, Ordering::Relaxed);
        Ok(())
    }

    /// Whether events of the audit trail are kept (`[audit] enabled`). They are unless told otherwise.
    pub fn keep_audit(&self, kept: bool) {
        self.shared.audited.store(kept, Ordering::Relaxed);
    }

    pub(crate) fn keeps_audit(&self) -> bool {
        self.shared.audited.load(Ordering::Relaxed)
    }

    /// Lets a search that looks at every object of a collection take so long at most.
    pub fn limit_searches(&self, longest: std::time::Duration) {
        self.shared.scans.set_longest(longest);
    }

    /// Says what becomes of searches that look at every object: `done` where one took long enough to speak of, `ended` where one took too long,
    /// `left` where its caller has gone. Nobody is told who asks second.
    pub fn tell_of_searches(&self, teller: impl Fn(&'static str) + Send + Sync + 'static) {
        self.shared.scans.tell(Box::new(teller));
    }

    pub(crate) fn scans(&self) -> &Arc<Scans> {
        &self.shared.scans
    }

    /// Whether this store is served, not only looked at.
    pub(crate) fn is_served(&self) -> bool {
        !matches!(self.shared.home, Home::Looked { .. })
    }

    /// What the keys say of themselves that texts in this store were sealed with.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sealed_by(&self) -> Result<Option<String>, LedgerError> {
        self.look(|connection| connection.query("SELECT mark FROM sealing").first(|row| row.get("mark"))).await
    }

    /// Texts are sealed with these keys from now on.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn seal_by(&self, mark: String) -> Result<(), LedgerError> {
        self.run(Kept::Always, move |connection| {
            let query = connection
                .query("INSERT INTO sealing (only_row, mark) VALUES (1, $1) ON CONFLICT (only_row) DO UPDATE SET mark = excluded.mark");
            query.bind(&mark).execute().map(drop)
        })
        .await
    }

    /// Waits for what is under way, writes everything back into the main file and closes it. The handle and its clones are of no
    /// use afterwards.
    ///
    /// # Errors
    /// When the log could not be written back; it is read at the next opening, and nothing is lost.
    pub async fn close(&self) -> Result<(), LedgerError> {
        match &self.shared.home {
            Home::File { writer, readers } => {
                readers.close();
                writer.close().await.map_err(LedgerError::from)
            }
            Home::Server(pool) => {
                pool.close().await;
                Ok(())
            }
            Home::Looked { .. } => Ok(()),
        }
    }

    /// Does work in a transaction that writes. The transaction is committed unless the work fails. Work that was undone for a reason that
    /// is not its own may be done again.
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        self.keep(Kept::Always, work).await
    }

    /// Whether work that was undone for a reason that is not its own is done again.
    pub(crate) fn does_again(&self) -> bool {
        #[cfg(any(test, feature = "testing"))]
        if self.shared.stumbles.load(Ordering::Relaxed) > 0 {
            return true;
        }
        self.is_shared()
    }

    #[cfg(any(test, feature = "testing"))]
    async fn keep<T, E, F>(&self, kept: Kept, work: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        let statement = self.shared.stumbles.load(Ordering::Relaxed);
        if statement == 0 {
            return self.keep_once(kept, work).await;
        }
        let (work, stumbled) = (Arc::new(std::sync::Mutex::new(work)), Arc::new(AtomicBool::new(false)));
        let (first, fell) = (Arc::clone(&work), Arc::clone(&stumbled));
        let once = self.keep_once(kept, move |connection| {
            let mut work = first.lock().unwrap_or_else(PoisonError::into_inner);
            let (done, did) = engine::asked::stumbling(statement, || work(connection));
            fell.store(did, Ordering::Relaxed);
            // Who goes on over a failure would commit half of a unit.
            assert!(!did || done.is_err(), "a unit goes on although a statement failed");
            done
        });
        match once.await {
            Err(_) if stumbled.load(Ordering::Relaxed) => {
                self.keep_once(kept, move |connection| work.lock().unwrap_or_else(PoisonError::into_inner)(connection)).await
            }
            done => done,
        }
    }

    #[cfg(not(any(test, feature = "testing")))]
    async fn keep<T, E, F>(&self, kept: Kept, work: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        self.keep_once(kept, work).await
    }

    async fn keep_once<T, E, F>(&self, kept: Kept, work: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        let span = tracing::info_span!(target: "vestibule::spans", "store unit", error = Empty);
        let done = match &self.shared.home {
            Home::File { writer, .. } => writer.run(kept, work).instrument(span.clone()).await,
            Home::Server(pool) => pool.write(kept, work).instrument(span.clone()).await,
            Home::Looked { .. } => Err(Unavailable("it is looked at, and not written to".to_owned()).into()),
        };
        span.record("error", done.is_err());
        done
    }

    /// [`Self::write`] for work that fails for no other reason than the store.
    pub(crate) async fn run<T, E, F>(&self, kept: Kept, mut work: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, engine::Error> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable>,
    {
        self.keep(kept, move |connection| work(connection).map_err(Unavailable::from)).await.map_err(E::from)
    }

    /// Looks something up: in a file on this thread. The cost of the statement must not grow with the store.
    pub(crate) async fn look<T, E, F>(&self, mut read: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, engine::Error> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable>,
    {
        #[cfg(any(test, feature = "testing"))]
        let looked = Arc::clone(&self.shared.looked);
        let read = move |connection: &Connection| {
            #[cfg(any(test, feature = "testing"))]
            engine::asked::take();
            let found = read(connection).map_err(Unavailable::from);
            #[cfg(any(test, feature = "testing"))]
            looked.fetch_add(engine::asked::take(), Ordering::SeqCst);
            found
        };
        match &self.shared.home {
            Home::File { readers, .. } => readers.look(read),
            Home::Server(pool) => pool.look(read).await,
            Home::Looked { connection, .. } => on(connection, read),
        }
        .map_err(E::from)
    }

    /// Reads on a thread that may be kept waiting. It is given up when the caller goes away.
    pub(crate) async fn walk<T, E, F>(&self, mut read: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, engine::Error> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable>,
    {
        let (limit, _caller): (Limit, _) = limit::limit(None);
        let read = move |connection: &Connection| connection.within(&limit, || read(connection)).map_err(Unavailable::from);
        self.browse(true, read).await.map_err(E::from)
    }

    /// [`Self::walk`] for reading that may be refused; on a server only what is long takes one of the few places for what is.
    pub(crate) async fn browse<T, E, F>(&self, is_long: bool, read: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        match &self.shared.home {
            Home::File { readers, .. } => readers.walk(read).await,
            Home::Server(pool) if is_long => pool.walk(read).await,
            Home::Server(pool) => pool.look(read).await,
            Home::Looked { connection, .. } => on(connection, read),
        }
    }

    /// The connections that read a file, where the store is one.
    pub(crate) fn readers(&self) -> Option<&Arc<Readers>> {
        match &self.shared.home {
            Home::File { readers, .. } => Some(readers),
            Home::Server(_) | Home::Looked { .. } => None,
        }
    }

    pub(crate) fn declared(&self) -> Arc<Declared> {
        self.shared.declared.get()
    }

    /// Reads what another process declared.
    pub(crate) async fn reload_declared(&self) -> Result<Arc<Declared>, LedgerError> {
        let declared = self.look::<_, LedgerError, _>(Declared::load).await?;
        Ok(self.shared.declared.set(declared))
    }
}

/// Reads on the one connection of a store that is looked at.
fn on<T, E>(connection: &Mutex<Connection>, mut read: impl FnMut(&Connection) -> Result<T, E>) -> Result<T, E> {
    read(&connection.lock().unwrap_or_else(PoisonError::into_inner))
}

async fn open_file(location: &str) -> Result<(String, Home, outbox::Numbers), OpenError> {
    let file = sqlite::file(location)?;
    let name = file.display().to_string();
    let unreachable = |cause: String| OpenError::Unreachable { file: name.clone(), cause };
    let path = file.clone();
    let opened = tokio::task::spawn_blocking(move || {
        sqlite::create_private(&path)
            .map_err(|error| OpenError::Unreachable { file: path.display().to_string(), cause: error.to_string() })?;
        let mut connection = sqlite::writer(&path).map_err(|error| sqlite::open_error(&path, &error))?;
        sqlite::migrate(&path, &mut connection)?;
        let connection = Connection::Sqlite(connection);
        let numbers = outbox::Numbers::read(&connection).map_err(|error| match error {
            engine::Error::Sqlite(error) => sqlite::open_error(&path, &error),
            error => OpenError::Unreachable { file: path.display().to_string(), cause: error.to_string() },
        })?;
        Ok::<_, OpenError>((connection, numbers))
    });
    let (connection, numbers) = opened.await.map_err(|error| unreachable(error.to_string()))??;
    let writer = Writer::start(connection).map_err(|error| unreachable(error.to_string()))?;
    Ok((name.clone(), Home::File { writer, readers: Readers::new(file) }, numbers))
}

#[cfg(test)]
mod tests;
