//! Files of a client's build, held once for everybody who is sent them (SEC-52).
//!
//! Easiest to get wrong: what is held must be bounded by itself, and not by how many clients there are or how slowly they read. A file that finds
//! room is read once, compressed once, and shared; every other is read piece by piece while it is sent, and pieces are bounded too.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::looked::Looked;
use super::mark::Mark;
use super::policy::Page;

/// Bytes of files that are held, compressed forms included.
const ROOM: usize = 24 * 1024 * 1024;
/// The largest file that is held.
const LARGEST: u64 = 8 * 1024 * 1024;
/// Shorter files are not worth compressing.
const SHORTEST: usize = 1024;
/// Bytes of a file that is not held, read at once.
const PIECE: usize = 32 * 1024;
/// Such pieces of all files together.
const PIECES: usize = 1024;
/// Pieces of one answer: one is read while another is sent.
const AHEAD: usize = 2;

/// Bytes with the tag that says which.
#[derive(Debug)]
struct Form {
    bytes: Vec<u8>,
    tag: String,
}

impl Form {
    fn of(bytes: Vec<u8>) -> Self {
        let tag = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &bytes).as_ref().get(..16).unwrap_or_default());
        Self { bytes, tag: format!("\"{tag}\"") }
    }
}

/// A file that is held.
#[derive(Debug)]
pub(super) struct Held {
    mark: Mark,
    plain: Form,
    packed: OnceLock<Option<Form>>,
    used: AtomicBool,
    total: Arc<AtomicUsize>,
}

impl Held {
    fn size(&self) -> usize {
        self.plain.bytes.len() + self.packed.get().and_then(Option::as_ref).map_or(0, |packed| packed.bytes.len())
    }

    fn form(&self, packed: bool) -> &Form {
        if packed { self.packed.get().and_then(Option::as_ref).unwrap_or(&self.plain) } else { &self.plain }
    }

    /// The file's own bytes.
    #[cfg(test)]
    pub(super) fn plain(&self) -> &[u8] {
        &self.plain.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.total.fetch_sub(self.size(), Ordering::Relaxed);
    }
}

/// A form of a held file, as the HTTP library takes bytes.
struct Shared {
    file: Arc<Held>,
    packed: bool,
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.file.form(self.packed).bytes
    }
}

/// What is sent.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// Of a held file, as it is or compressed.
    Held(Arc<Held>, bool),
    /// Of a file that is read while it is sent.
    Passing(PathBuf, u64, String),
}

impl Content {
    pub(super) fn tag(&self) -> &str {
        match self {
            Self::Held(file, packed) => &file.form(*packed).tag,
            Self::Passing(_, _, tag) => tag,
        }
    }

    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Held(file, packed) => file.form(*packed).bytes.len() as u64,
            Self::Passing(_, length, _) => *length,
        }
    }
}

/// All files.
pub(crate) struct Kept {
    files: Mutex<HashMap<PathBuf, Arc<Held>>>,
    /// One file is read or compressed at a time: whoever else wants it would do the same.
    reading: Mutex<()>,
    total: Arc<AtomicUsize>,
    room: usize,
    pieces: Arc<Semaphore>,
    looked: Looked,
}

impl Default for Kept {
    fn default() -> Self {
        Self::with_room(ROOM)
    }
}

impl Kept {
    pub(super) fn with_room(room: usize) -> Self {
        Self {
            files: Mutex::default(),
            reading: Mutex::default(),
            total: Arc::default(),
            room,
            pieces: Arc::new(Semaphore::new(PIECES)),
            looked: Looked::default(),
        }
    }

    /// A file, compressed where `pack` says that it may be and it is worth it; whether it is. Reads it where that is necessary, so it may block.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn file(&self, path: &Path, pack: bool) -> io::Result<(Content, bool)> {
        let facts = fs::metadata(path)?;
        let mark = Mark::of(&facts);
        let Some(file) = self.held(path, mark)? else {
            let (seconds, nanos) = mark.written;
            return Ok((Content::Passing(path.to_owned(), mark.length, format!("\"{:x}-{seconds:x}-{nanos:x}\"", mark.length)), false));
        };
        let packed = pack && self.pack(&file);
        Ok((Content::Held(file, packed), packed))
    }

    /// What a page says about itself, whether it is held or not. May block.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn page(&self, path: &Path) -> io::Result<Arc<Page>> {
        self.looked.page(path)
    }

    fn held(&self, path: &Path, mark: Mark) -> io::Result<Option<Arc<Held>>> {
        let known = || {
            let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            files.get(path).filter(|file| file.mark == mark).cloned()
        };
        if let Some(file) = known() {
            file.used.store(true, Ordering::Relaxed);
            return Ok(Some(file));
        }
        if mark.length > LARGEST {
            return Ok(None);
        }
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = known() {
            return Ok(Some(file));
        }
        let length = usize::try_from(mark.length).unwrap_or(usize::MAX);
        if !self.make_room(length) {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(length);
        fs::File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
        self.total.fetch_add(bytes.len(), Ordering::Relaxed);
        let held =
            Held { mark, plain: Form::of(bytes), packed: OnceLock::new(), used: AtomicBool::new(true), total: Arc::clone(&self.total) };
        let file = Arc::new(held);
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), Arc::clone(&file));
        Ok(Some(file))
    }

    /// Compresses a file once. Whether there is a compressed form.
    fn pack(&self, file: &Held) -> bool {
        if file.plain.bytes.len() < SHORTEST {
            return false;
        }
        if let Some(packed) = file.packed.get() {
            return packed.is_some();
        }
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(packed) = file.packed.get() {
            return packed.is_some();
        }
        let packed = compress(&file.plain.bytes).filter(|packed| packed.len() < file.plain.bytes.len() / 10 * 9);
        let Some(packed) = packed.filter(|packed| self.make_room(packed.len())) else {
            return file.packed.get_or_init(|| None).is_some();
        };
        self.total.fetch_add(packed.len(), Ordering::Relaxed);
        file.packed.get_or_init(|| Some(Form::of(packed))).is_some()
    }

    /// Forgets files that nobody is being sent until so many bytes have room.
    fn make_room(&self, bytes: usize) -> bool {
        let has_room = || self.total.load(Ordering::Relaxed).saturating_add(bytes) <= self.room;
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        while !has_room() {
            let idle = files.iter().filter(|(_, file)| Arc::strong_count(file) == 1);
            let Some(path) = idle.min_by_key(|(_, file)| file.used.load(Ordering::Relaxed)).map(|(path, _)| path.clone()) else {
                return false;
            };
            files.remove(&path);
        }
        true
    }

    /// Forgets what was not asked for since the last call and is not being sent.
    pub(crate) fn upkeep(&self) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|_, file| file.used.swap(false, Ordering::Relaxed) || Arc::strong_count(file) > 1);
    }

    /// The body of an answer with this content.
    pub(super) fn body(&self, content: Content) -> axum::body::Body {
        match content {
            Content::Held(file, packed) => axum::body::Body::from(Bytes::from_owner(Shared { file, packed })),
            Content::Passing(path, left, _) => axum::body::Body::new(Passing {
                state: Some(State { path, file: None }),
                reading: None,
                left,
                all: Arc::clone(&self.pieces),
                own: Arc::new(Semaphore::new(AHEAD)),
            }),
        }
    }
}

fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// A file on its way.
struct State {
    path: PathBuf,
    file: Option<fs::File>,
}

/// A piece of it, which counts until it is sent.
struct Piece {
    bytes: Vec<u8>,
    _permits: [OwnedSemaphorePermit; 2],
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

type Reading = Pin<Box<dyn Future<Output = io::Result<(State, Piece)>> + Send>>;

/// A body that is read while it is sent.
struct Passing {
    state: Option<State>,
    reading: Option<Reading>,
    left: u64,
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
}

async fn next(mut state: State, most: usize, own: Arc<Semaphore>, all: Arc<Semaphore>) -> io::Result<(State, Piece)> {
    let closed = |_| io::Error::other("the server is stopping");
    let permits = [own.acquire_owned().await.map_err(closed)?, all.acquire_owned().await.map_err(closed)?];
    let read = tokio::task::spawn_blocking(move || {
        let file = match &mut state.file {
            Some(file) => file,
            None => state.file.insert(fs::File::open(&state.path)?),
        };
        let mut bytes = Vec::with_capacity(most);
        file.take(most as u64).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file was cut while it was sent"));
        }
        Ok((state, Piece { bytes, _permits: permits }))
    });
    read.await.map_err(io::Error::other)?
}

impl Body for Passing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if this.left == 0 {
            return Poll::Ready(None);
        }
        if this.reading.is_none() {
            let Some(state) = this.state.take() else { return Poll::Ready(None) };
            let most = usize::try_from(this.left).unwrap_or(usize::MAX).min(PIECE);
            this.reading = Some(Box::pin(next(state, most, Arc::clone(&this.own), Arc::clone(&this.all))));
        }
        let Some(reading) = &mut this.reading else { return Poll::Ready(None) };
        let read = ready!(reading.as_mut().poll(cx));
        this.reading = None;
        Poll::Ready(Some(read.map(|(state, piece)| {
            this.state = Some(state);
            this.left = this.left.saturating_sub(piece.bytes.len() as u64);
            Frame::data(Bytes::from_owner(piece))
        })))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn written(root: &Path, name: &str, content: &[u8]) -> PathBuf {
        let path = root.join(name);
        fs::File::create(&path).unwrap().write_all(content).unwrap();
        path
    }

    fn held(content: &Content) -> &Arc<Held> {
        match content {
            Content::Held(file, _) => file,
            Content::Passing(..) => panic!("it is not held"),
        }
    }

    async fn piece(body: &mut axum::body::Body) -> Option<Bytes> {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        Some(frame.unwrap().into_data().unwrap())
    }

    #[tokio::test]
    async fn sec_52_however_many_are_sent_a_file_it_is_held_once() {
        let root = tempfile::tempdir().unwrap();
        let path = written(root.path(), "large.js", &b"let x = 1;\n".repeat(100_000));
        let kept = Kept::default();
        let mut bodies: Vec<_> = (0..150).map(|_| kept.body(kept.file(&path, false).unwrap().0)).collect();
        assert_eq!(kept.total.load(Ordering::Relaxed), 1_100_000);
        let mut sent = Vec::new();
        for body in &mut bodies {
            sent.push(piece(body).await.unwrap());
        }
        assert!(sent.iter().all(|bytes| bytes.len() == 1_100_000 && bytes.as_ptr() == sent[0].as_ptr()), "all are sent the same bytes");
        kept.upkeep();
        kept.upkeep();
        assert_eq!(kept.total.load(Ordering::Relaxed), 1_100_000, "it is being sent");
        drop((bodies, sent));
        kept.upkeep();
        assert_eq!(kept.total.load(Ordering::Relaxed), 0, "and given back");
    }

    #[test]
    fn a_file_is_compressed_once_where_that_helps() {
        let root = tempfile::tempdir().unwrap();
        let kept = Kept::default();
        let path = written(root.path(), "app.js", &b"let x = 1;\n".repeat(1000));
        let (packed, is_packed) = kept.file(&path, true).unwrap();
        let (again, _) = kept.file(&path, true).unwrap();
        let (plain, is_plain) = kept.file(&path, false).unwrap();
        assert!(is_packed && !is_plain && Arc::ptr_eq(held(&packed), held(&again)));
        assert!(packed.length() < 1000 && plain.length() == 11_000 && packed.tag() != plain.tag() && packed.tag() == again.tag());
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*held(&packed).form(true).bytes).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, held(&plain).plain());
        assert!(!kept.file(&written(root.path(), "short.js", &[b' '; SHORTEST - 1]), true).unwrap().1);
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(4096)
        .collect();
        assert!(!kept.file(&written(root.path(), "noise.js", &noise), true).unwrap().1);
    }

    #[test]
    fn a_file_that_was_changed_is_read_again() {
        let root = tempfile::tempdir().unwrap();
        let kept = Kept::default();
        let path = written(root.path(), "a.js", b"one");
        let first = kept.file(&path, false).unwrap().0;
        let beside = written(root.path(), "beside", b"two");
        fs::rename(beside, &path).unwrap();
        let second = kept.file(&path, false).unwrap().0;
        assert_eq!((held(&first).plain(), held(&second).plain()), (&b"one"[..], &b"two"[..]));
        assert_ne!(first.tag(), second.tag());
        assert_eq!(kept.total.load(Ordering::Relaxed), 6);
        drop(first);
        assert_eq!(kept.total.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn sec_52_what_finds_no_room_is_read_piece_by_piece_and_never_ahead() {
        let root = tempfile::tempdir().unwrap();
        let kept = Kept::with_room(100_000);
        let first = kept.file(&written(root.path(), "first", &vec![1; 60_000]), false).unwrap().0;
        let path = written(root.path(), "second", &vec![2; 90_000]);
        let (second, _) = kept.file(&path, true).unwrap();
        assert!(matches!(second, Content::Passing(_, 90_000, _)), "the first is being sent");
        let mut body = kept.body(second);
        let (one, two) = (piece(&mut body).await.unwrap(), piece(&mut body).await.unwrap());
        assert_eq!((one.len(), two.len(), kept.pieces.available_permits()), (PIECE, PIECE, PIECES - AHEAD));
        let waits = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx).is_pending())).await;
        assert!(waits, "nothing more is read until a piece is sent");
        drop(one);
        let three = piece(&mut body).await.unwrap();
        assert_eq!(three.len(), 90_000 - 2 * PIECE);
        assert!(piece(&mut body).await.is_none());
        drop((two, three));
        assert_eq!(kept.pieces.available_permits(), PIECES);
        drop(first);
        assert!(matches!(kept.file(&path, false).unwrap().0, Content::Held(..)), "what nobody is sent any more makes room");
    }
}
