//! The frames of an HTTP/2 connection, as far as their heads tell (RFC 9113 section 4.1).
//!
//! The HTTP library bounds what it holds: streams, header lists, resets that wait. It does not bound how often a client may make it work for
//! nothing, nor how long one may let answers lie by granting no window. Both can be told from the heads of frames alone. So whatever asks for work
//! costs credit, which answers and moved bytes earn, and every head and every answer has its time (SEC-52).
//!
//! Moments are arguments: how long the connection is old.

use std::collections::HashMap;
use std::time::Duration;

/// The client's first bytes (RFC 9113 section 3.4).
const PREFACE: usize = 24;
/// Credit that a connection begins with, and the most that it has: enough for any browser that opens, cancels and adjusts what it will.
const MOST_CREDIT: u32 = 2_000;
/// Credit that a whole answer earns.
const EARNED: u32 = 40;
/// Bytes that earn one of credit, in either direction: a small part of a frame, more than it costs.
const BYTES_EARN: u32 = 256;
/// A stream that its client takes back: a request that was begun for nothing (CVE-2023-44487).
const RESET: u32 = 20;
/// Settings change every stream, and want an answer.
const SETTINGS: u32 = 20;
/// One more piece of a header list, or an echo.
const PIECE: u32 = 4;
/// Everything else.
const FRAME: u32 = 1;
/// Streams that are followed; the library refuses those beyond its own, smaller limit.
const MOST_STREAMS: usize = 1_000;

/// Why a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abuse {
    /// It asks for more work than it takes answers.
    Flood,
    /// A head or an answer takes too long.
    Slow,
    /// Nothing was asked for.
    Idle,
}

/// The kinds of frames that matter (RFC 9113 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Data,
    Headers,
    Reset,
    Settings,
    Ping,
    Continuation,
    Other,
}

/// A frame's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    length: u32,
    kind: Kind,
    flags: u8,
    stream: u32,
}

impl Frame {
    /// Of DATA and HEADERS: nothing follows on the stream.
    const END_STREAM: u8 = 0x1;
    /// Of SETTINGS and PING: an answer to ours.
    const ACK: u8 = 0x1;
    /// Of HEADERS and CONTINUATION: the header list is whole.
    const END_HEADERS: u8 = 0x4;

    fn read([first, second, third, kind, flags, stream @ ..]: [u8; 9]) -> Self {
        let kind = match kind {
            0x0 => Kind::Data,
            0x1 => Kind::Headers,
            0x3 => Kind::Reset,
            0x4 => Kind::Settings,
            0x6 => Kind::Ping,
            0x9 => Kind::Continuation,
            _ => Kind::Other,
        };
        Self { length: u32::from_be_bytes([0, first, second, third]), kind, flags, stream: u32::from_be_bytes(stream) & 0x7fff_ffff }
    }

    fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// One direction's bytes, cut into frames.
#[derive(Debug)]
struct Direction {
    skip: usize,
    /// Of the frame that is skipped.
    length: usize,
    head: [u8; 9],
    have: usize,
}

impl Direction {
    fn new(skip: usize) -> Self {
        Self { skip, length: skip, head: [0; 9], have: 0 }
    }

    /// The next frame's head in the bytes, which are shortened by what was read; nothing where they end before one.
    fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        *bytes = bytes.get(skipped..).unwrap_or_default();
        while let Some((byte, rest)) = bytes.split_first() {
            *bytes = rest;
            if let Some(place) = self.head.get_mut(self.have) {
                *place = *byte;
            }
            self.have += 1;
            if self.have == self.head.len() {
                self.have = 0;
                let frame = Frame::read(self.head);
                self.skip = frame.length as usize;
                self.length = self.skip;
                return Some(frame);
            }
        }
        None
    }
}

/// An answer that is being sent.
#[derive(Clone, Copy, Debug)]
struct Answer {
    since: Duration,
    taken: u64,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// A header list, from its first frame to its last; and the first one of a connection.
    pub head: Duration,
    /// An answer, beyond the time its bytes need.
    pub answer: Duration,
    /// Bytes of an answer that are taken in a second, at least.
    pub slowest: u64,
    /// A connection without a stream.
    pub idle: Duration,
}

/// A connection.
#[derive(Debug)]
pub struct Frames {
    times: Times,
    incoming: Direction,
    outgoing: Direction,
    credit: u32,
    /// Streams that are open, with what is sent on them.
    streams: HashMap<u32, Option<Answer>>,
    newest: u32,
    /// Since when a header list is not whole.
    head: Option<Duration>,
    /// Bytes of its pieces.
    pieces: usize,
    /// Since when there is no stream.
    quiet: Duration,
}

impl Frames {
    /// A connection of which nothing was read.
    #[must_use]
    pub fn new(times: Times) -> Self {
        Self {
            times,
            incoming: Direction::new(PREFACE),
            outgoing: Direction::new(0),
            credit: MOST_CREDIT,
            streams: HashMap::new(),
            newest: 0,
            head: None,
            pieces: 0,
            quiet: Duration::ZERO,
        }
    }

    /// Bytes that the client sent.
    ///
    /// # Errors
    /// [`Abuse::Flood`].
    pub fn came(&mut self, now: Duration, mut bytes: &[u8]) -> Result<(), Abuse> {
        while let Some(frame) = self.incoming.next(&mut bytes) {
            let cost = match frame.kind {
                Kind::Reset => {
                    self.close(now, frame.stream);
                    RESET
                }
                Kind::Settings if !frame.has(Frame::ACK) => SETTINGS,
                Kind::Ping | Kind::Continuation => PIECE,
                Kind::Data | Kind::Headers | Kind::Settings | Kind::Other => FRAME,
            };
            if frame.kind == Kind::Headers && frame.stream > self.newest {
                self.newest = frame.stream;
                self.streams.insert(frame.stream, None);
            }
            if matches!(frame.kind, Kind::Headers | Kind::Continuation) {
                self.head = if frame.has(Frame::END_HEADERS) { None } else { self.head.or(Some(now)) };
                self.pieces = if self.head.is_none() { 0 } else { self.pieces.saturating_add(frame.length as usize) };
            }
            if frame.kind == Kind::Data {
                self.earn(frame.length / BYTES_EARN);
            }
            self.credit = self.credit.checked_sub(cost).filter(|_| self.streams.len() <= MOST_STREAMS).ok_or(Abuse::Flood)?;
        }
        Ok(())
    }

    /// Bytes that were sent.
    pub fn went(&mut self, now: Duration, mut bytes: &[u8]) {
        while let Some(frame) = self.outgoing.next(&mut bytes) {
            match frame.kind {
                Kind::Headers | Kind::Data => {
                    if let Some(answer) = self.streams.get_mut(&frame.stream) {
                        let answer = answer.get_or_insert(Answer { since: now, taken: 0 });
                        answer.taken += u64::from(frame.length);
                    }
                    self.earn(frame.length / BYTES_EARN);
                    if frame.has(Frame::END_STREAM) {
                        self.earn(EARNED);
                        self.close(now, frame.stream);
                    }
                }
                // Frames that break the rules of a stream make us take it back, and cost their client no less (CVE-2025-8671). Whoever was answered before has
                // earned more than that.
                Kind::Reset => {
                    self.credit = self.credit.saturating_sub(RESET);
                    self.close(now, frame.stream);
                }
                _ => {}
            }
        }
    }

    /// Bytes of a header list that is not whole, and of a frame that is not.
    #[must_use]
    pub fn gathered(&self) -> usize {
        let frame = if self.incoming.skip > 0 { self.incoming.length.saturating_sub(self.incoming.skip) } else { 0 };
        self.pieces.saturating_add(frame)
    }

    /// When the client has had its time, as things stand.
    #[must_use]
    pub fn deadline(&self, now: Duration) -> Duration {
        let answers = self.streams.values().flatten();
        let answers =
            answers.map(|answer| answer.since + self.times.answer + Duration::from_secs(answer.taken / self.times.slowest.max(1)));
        let head = self.head.map(|since| since + self.times.head);
        let quiet = self.streams.is_empty().then(|| self.quiet + if self.newest == 0 { self.times.head } else { self.times.idle });
        // A stream that is neither open nor answered is the server's own business, and has its time there.
        answers.chain(head).chain(quiet).min().unwrap_or(now + self.times.idle)
    }

    /// What is late when [`Self::deadline`] has passed.
    #[must_use]
    pub fn late(&self) -> Abuse {
        if self.streams.is_empty() && self.head.is_none() && self.newest != 0 { Abuse::Idle } else { Abuse::Slow }
    }

    fn earn(&mut self, credit: u32) {
        self.credit = self.credit.saturating_add(credit).min(MOST_CREDIT);
    }

    fn close(&mut self, now: Duration, stream: u32) {
        if self.streams.remove(&stream).is_some() && self.streams.is_empty() {
            self.quiet = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times =
        Times { head: Duration::from_secs(5), answer: Duration::from_secs(10), slowest: 4096, idle: Duration::from_mins(1) };

    const START: Duration = Duration::ZERO;

    fn frame(kind: u8, flags: u8, stream: u32, length: usize) -> Vec<u8> {
        let size = u32::try_from(length).unwrap().to_be_bytes();
        [&size[1..], &[kind, flags], &stream.to_be_bytes(), &vec![0; length]].concat()
    }

    fn frames() -> Frames {
        let mut frames = Frames::new(TIMES);
        frames.came(START, &[0; PREFACE]).unwrap();
        frames
    }

    fn flooded(kind: u8, flags: u8, length: usize) -> usize {
        let mut frames = frames();
        (1_usize..1_000_000).find(|_| frames.came(START, &frame(kind, flags, 0, length)).is_err()).unwrap()
    }

    #[test]
    fn sec_52_frames_that_ask_for_work_and_bring_nothing_end_a_connection() {
        assert_eq!(flooded(0x4, 0, 6), 101, "settings");
        assert_eq!(flooded(0x6, 0, 8), 501, "pings");
        assert_eq!(flooded(0x9, 0, 100), 501, "pieces of a header list");
        assert_eq!(flooded(0x8, 0, 4), 2_001, "windows");
        assert_eq!(flooded(0x2, 0, 5), 2_001, "priorities");
        assert_eq!(flooded(0x0, 0, 1), 2_001, "bodies of a byte");
        assert_eq!(flooded(0xfa, 0, 0), 2_001, "what nobody knows");
    }

    #[test]
    fn sec_52_requests_that_are_taken_back_end_a_connection() {
        let mut frames = frames();
        let mut taken_back = |turn: u32| {
            let stream = 2 * turn + 1;
            frames.came(START, &[frame(0x1, 0x5, stream, 10), frame(0x3, 0, stream, 4)].concat()).is_err()
        };
        let ended = (0..1_000).find(|turn| taken_back(*turn)).unwrap();
        assert!((90..100).contains(&ended), "{ended}");
        assert!(frames.streams.is_empty());
    }

    #[test]
    fn sec_52_requests_that_the_server_is_made_to_take_back_end_a_connection_as_soon() {
        let mut frames = frames();
        let mut made_to = |turn: u32| {
            let stream = 2 * turn + 1;
            // A window that is widened by nothing is an error of its stream (RFC 9113 section 6.9).
            let came = frames.came(START, &[frame(0x1, 0x5, stream, 10), frame(0x8, 0, stream, 4)].concat());
            frames.went(START, &frame(0x3, 0, stream, 4));
            came.is_err()
        };
        let ended = (0..1_000).find(|turn| made_to(*turn)).unwrap();
        assert!((85..100).contains(&ended), "{ended}");
    }

    #[test]
    fn who_takes_answers_may_ask_for_ever() {
        let mut frames = frames();
        for turn in 0..10_000 {
            let stream = 2 * turn + 1;
            frames.came(START, &[frame(0x1, 0x5, stream, 10), frame(0x8, 0, 0, 4), frame(0x8, 0, stream, 4)].concat()).unwrap();
            frames.went(START, &[frame(0x1, 0x4, stream, 30), frame(0x0, 0x1, stream, 100)].concat());
        }
        assert!(frames.streams.is_empty());
        // A large body, with a window for each of its frames.
        frames.came(START, &frame(0x1, 0x5, 100_001, 10)).unwrap();
        for _ in 0..10_000 {
            frames.went(START, &frame(0x0, 0, 100_001, 16_384));
            frames.came(START, &[frame(0x8, 0, 0, 4), frame(0x8, 0, 100_001, 4)].concat()).unwrap();
        }
    }

    #[test]
    fn sec_52_a_head_and_an_answer_have_their_time() {
        let mut frames = frames();
        assert_eq!(frames.deadline(START), TIMES.head, "the first request");
        frames.came(START, &frame(0x1, 0x1, 1, 10)).unwrap();
        assert_eq!(frames.deadline(START), TIMES.head, "its header list");
        frames.came(START, &frame(0x9, 0x4, 1, 10)).unwrap();
        assert_eq!(frames.deadline(START), TIMES.idle, "the server's own time is no client's");
        frames.went(START, &frame(0x1, 0x4, 1, 30));
        let later = Duration::from_secs(3);
        assert_eq!(frames.deadline(later), TIMES.answer);
        frames.went(later, &frame(0x0, 0, 1, 16_384));
        assert_eq!(frames.deadline(later), TIMES.answer + Duration::from_secs(4), "what was taken gives time");
        frames.went(later, &frame(0x0, 0x1, 1, 1));
        assert_eq!(frames.deadline(later), later + TIMES.idle);
    }

    #[test]
    fn sec_52_what_is_gathered_before_it_can_be_read_is_known() {
        let mut frames = frames();
        assert_eq!(frames.gathered(), 0);
        let whole = frame(0x1, 0x1, 1, 10_000);
        frames.came(START, &whole[..whole.len() - 1_000]).unwrap();
        assert_eq!(frames.gathered(), 10_000 + 9_000, "a piece, and what has come of it");
        frames.came(START, &whole[whole.len() - 1_000..]).unwrap();
        frames.came(START, &frame(0x9, 0, 1, 5_000)).unwrap();
        assert_eq!(frames.gathered(), 15_000);
        frames.came(START, &frame(0x9, 0x4, 1, 5_000)).unwrap();
        assert_eq!(frames.gathered(), 0);
        frames.came(START, &frame(0x0, 0, 1, 8_000)[..5_009]).unwrap();
        assert_eq!(frames.gathered(), 5_000);
    }

    #[test]
    fn how_the_bytes_are_cut_changes_nothing() {
        let all = [vec![0; PREFACE], frame(0x4, 0, 0, 6), frame(0x1, 0x5, 1, 300), frame(0x6, 0, 0, 8), frame(0x3, 0, 1, 4)].concat();
        for size in 1..40 {
            let mut cut = Frames::new(TIMES);
            for part in all.chunks(size) {
                cut.came(START, part).unwrap();
            }
            assert_eq!((cut.credit, cut.newest, cut.streams.len()), (MOST_CREDIT - SETTINGS - FRAME - PIECE - RESET, 1, 0), "{size}");
        }
    }
}
