//! Where a chunked body ends (RFC 9112 section 7.1).

/// Where in a chunked body the next byte belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// In a chunk's length; no digit was read yet.
    #[default]
    Start,
    Size,
    /// Behind the length: an extension, which nobody here reads.
    Extension,
    SizeEnd,
    Data,
    DataReturn,
    DataEnd,
    /// At the beginning of a line behind the last chunk.
    Trailer,
    TrailerLine,
    TrailerEnd,
    LastEnd,
    /// Behind it.
    Behind,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    Unreadable,
}

/// A chunked body.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    at: At,
    /// Of the chunk that is being read.
    left: u64,
}

impl Chunks {
    /// How many of the bytes belong to the body, and whether it ends there. A body that cannot be read ends with the byte that shows it.
    pub(super) fn read(&mut self, bytes: &[u8]) -> (usize, Option<End>) {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            if self.at == At::Data {
                let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
                self.left -= length as u64;
                rest = rest.get(length..).unwrap_or_default();
                if self.left == 0 {
                    self.at = At::DataReturn;
                }
                continue;
            }
            let Some(next) = self.step(*byte) else { return (bytes.len() - after.len(), Some(End::Unreadable)) };
            rest = after;
            self.at = next;
            if next == At::Behind {
                return (bytes.len() - rest.len(), Some(End::Whole));
            }
        }
        (bytes.len(), None)
    }

    /// Where the byte leads, if anywhere.
    fn step(&mut self, byte: u8) -> Option<At> {
        match (self.at, byte) {
            (At::Start | At::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).map(u64::from)?;
                self.left = self.left.checked_mul(16)?.checked_add(digit)?;
                Some(At::Size)
            }
            (At::Size, b';' | b' ' | b'\t') => Some(At::Extension),
            (At::Size | At::Extension, b'\r') => Some(At::SizeEnd),
            (At::Extension, byte) if byte != b'\n' => Some(At::Extension),
            (At::SizeEnd, b'\n') if self.left == 0 => Some(At::Trailer),
            (At::SizeEnd, b'\n') => Some(At::Data),
            (At::DataReturn, b'\r') => Some(At::DataEnd),
            (At::DataEnd, b'\n') => Some(At::Start),
            (At::Trailer, b'\r') => Some(At::LastEnd),
            (At::TrailerLine, b'\r') => Some(At::TrailerEnd),
            (At::Trailer | At::TrailerLine, byte) if byte != b'\n' => Some(At::TrailerLine),
            (At::TrailerEnd, b'\n') => Some(At::Trailer),
            (At::LastEnd, b'\n') => Some(At::Behind),
            _ => None,
        }
    }
}
