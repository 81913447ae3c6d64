//! Whatever goes over a connection of HTTP/2: where its bytes were cut changes nothing, what a client gets out of it without taking answers is
//! bounded, and there is always a moment at which it has had its time.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use wire::frames::{Abuse, Frames, Times};

const TIMES: Times = Times { head: Duration::from_secs(15), answer: Duration::from_secs(30), slowest: 4096, idle: Duration::from_secs(60) };
/// The client's first bytes (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What a client may ask for before it has taken anything.
const UNPAID: usize = 2_000;

fuzz_target!(|input: &[u8]| {
    // One direction after the other, a second apart; the first byte of each part says how long it is and who sends it.
    let (mut whole, mut cut) = (begun(), begun());
    let (mut now, mut paid, mut asked, mut rest) = (Duration::ZERO, 0_usize, 0_usize, input);
    let mut heads = Heads::default();
    while let Some((first, more)) = rest.split_first() {
        let (part, behind) = more.split_at((usize::from(*first) / 2 * 8).min(more.len()));
        rest = behind;
        now += Duration::from_secs(1);
        if first % 2 == 0 {
            let frames = heads.of(part);
            asked += frames.len();
            paid += frames.iter().filter(|(kind, _)| *kind == 0).map(|(_, length)| length / 256).sum::<usize>();
            let done = whole.came(now, part);
            assert_eq!(in_pieces(part, |piece| cut.came(now, piece)), done, "where the bytes were cut changed what they are");
            if done.is_err() {
                assert_eq!(done, Err(Abuse::Flood));
                return;
            }
            assert!(asked <= UNPAID + paid, "{asked} frames for nothing");
        } else {
            // An answer earns by its bytes, and by its end.
            paid += (part.len() / 9 + 1) * (40 + (1 << 24) / 256);
            whole.went(now, part);
            in_pieces(part, |piece| {
                cut.went(now, piece);
                Ok(())
            })
            .expect("nothing is refused");
        }
        let (until, late) = (whole.deadline(now), whole.late());
        assert_eq!((cut.deadline(now), cut.late()), (until, late));
        assert!(until <= now + TIMES.idle + TIMES.answer + Duration::from_secs(paid as u64), "a wait without an end");
    }
});

fn begun() -> Frames {
    let mut frames = Frames::new(TIMES);
    frames.came(Duration::ZERO, PREFACE).expect("the preface is no frame");
    frames
}

fn in_pieces(bytes: &[u8], mut pass: impl FnMut(&[u8]) -> Result<(), Abuse>) -> Result<(), Abuse> {
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let (piece, behind) = rest.split_at((usize::from(*first) % 12 + 1).min(rest.len()));
        pass(piece)?;
        rest = behind;
    }
    Ok(())
}

/// The plainest reader of heads there is: everything that came, from its beginning.
#[derive(Default)]
struct Heads {
    bytes: Vec<u8>,
    at: usize,
}

impl Heads {
    /// The kinds and lengths of the frames whose heads are whole with these bytes.
    fn of(&mut self, bytes: &[u8]) -> Vec<(u8, usize)> {
        self.bytes.extend_from_slice(bytes);
        let mut found = Vec::new();
        while let Some([a, b, c, kind, ..]) = self.bytes.get(self.at..self.at + 9) {
            let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            found.push((*kind, length));
            self.at += 9 + length;
        }
        found
    }
}
