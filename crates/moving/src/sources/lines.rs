//! Lines of a file, with their numbers, none longer than memory should hold.

use std::io::{self, BufRead};

use crate::record::LONGEST_RECORD;

/// A line without its end.
pub(crate) struct Line {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Its bytes; `None` for one that is too long, which was passed over.
    pub(crate) bytes: Option<Vec<u8>>,
    /// Whether the file ends without an end of this line.
    pub(crate) is_cut: bool,
}

/// Reads the lines of a file.
pub(crate) struct Lines<R> {
    reader: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    /// The number of the line that was read last.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next line; nothing at the end.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let (mut read, mut too_long, mut is_cut) = (false, false, true);
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            read = true;
            let (part, used, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (buffer.get(..at).unwrap_or_default(), at + 1, true),
                None => (buffer, buffer.len(), false),
            };
            if bytes.len() + part.len() > LONGEST_RECORD {
                too_long = true;
                bytes = Vec::new();
            } else if !too_long {
                bytes.extend_from_slice(part);
            }
            self.reader.consume(used);
            if ended {
                is_cut = false;
                break;
            }
        }
        if !read {
            return Ok(None);
        }
        self.number += 1;
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        if self.number == 1 && bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
            bytes.drain(..3);
        }
        Ok(Some(Line { number: self.number, bytes: (!too_long).then_some(bytes), is_cut }))
    }
}

/// What is said of a line that is too long.
pub(crate) fn too_long() -> String {
    format!("more than {} MiB in one record", LONGEST_RECORD >> 20)
}

/// The text of bytes, or which of them is no UTF-8.
pub(crate) fn utf8(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| format!("no UTF-8 at byte {}", error.utf8_error().valid_up_to() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_one_that_is_too_long_is_passed_over() {
        let mut text = b"\xef\xbb\xbfa\r\n".to_vec();
        text.extend(vec![b'x'; LONGEST_RECORD + 1]);
        text.extend(b"\nb");
        let mut lines = Lines::new(io::BufReader::with_capacity(1000, text.as_slice()));
        let mut next = || lines.next_line().unwrap().map(|line| (line.number, line.bytes, line.is_cut));
        assert_eq!(next(), Some((1, Some(b"a".to_vec()), false)));
        assert_eq!(next(), Some((2, None, false)));
        assert_eq!(next(), Some((3, Some(b"b".to_vec()), true)));
        assert_eq!(next(), None);
    }
}
