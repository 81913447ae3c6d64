//! What a dump is made of: words, names, texts and marks, in either dialect. Comments are passed over, but for what they say of the dump.
//!
//! Easiest to break: quotes. Which of them there are, and what a backslash means within, is another matter in each dialect.

use std::io::{self, BufRead};

use super::{Dump, Result};
use crate::record::LONGEST_RECORD;
use crate::sources::lines::{too_long, utf8};

/// A piece of a statement.
pub(super) enum Token {
    Word(String),
    /// A name in quotes.
    Name(String),
    Text(Vec<u8>),
    Mark(u8),
    End,
}

/// What a dump says of itself in a comment, where it has comments: that it begins, and that it is complete.
const BEGINS: [&str; 4] = ["-- PostgreSQL database dump", "-- PostgreSQL database cluster dump", "-- MySQL dump ", "-- MariaDB dump "];
const IS_COMPLETE: [&str; 3] =
    ["-- PostgreSQL database dump complete", "-- PostgreSQL database cluster dump complete", "-- Dump completed"];

impl<R: BufRead> Dump<R> {
    pub(super) fn peek(&mut self) -> Result<Option<u8>> {
        Ok(self.reader.fill_buf().map_err(text_of)?.first().copied())
    }

    pub(super) fn byte(&mut self) -> Result<Option<u8>> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.reader.consume(1);
            self.line += u64::from(byte == b'\n');
            self.bytes += 1;
            if self.bytes > LONGEST_RECORD {
                return Err(too_long());
            }
        }
        Ok(byte)
    }

    /// Passes over a comment behind `-`, and minds what it says of the dump.
    fn pass_comment_line(&mut self) -> Result<()> {
        const LONGEST: usize = 80;
        let mut text = b"-".to_vec();
        while let Some(byte) = self.peek()?.filter(|byte| *byte != b'\n' && text.len() < LONGEST) {
            self.byte()?;
            text.push(byte);
        }
        let text = String::from_utf8_lossy(&text);
        let text = text.trim_end();
        if IS_COMPLETE.iter().any(|said| text.starts_with(said)) {
            self.is_open = false;
        } else if BEGINS.iter().any(|said| text == *said || (said.ends_with(' ') && text.starts_with(said))) {
            self.is_open = true;
        }
        self.pass_line()
    }

    /// Passes over the rest of a line.
    pub(super) fn pass_line(&mut self) -> Result<()> {
        loop {
            let buffer = self.reader.fill_buf().map_err(text_of)?;
            if buffer.is_empty() {
                return Ok(());
            }
            let (used, ended) = buffer.iter().position(|byte| *byte == b'\n').map_or((buffer.len(), false), |at| (at + 1, true));
            self.reader.consume(used);
            if ended {
                self.line += 1;
                return Ok(());
            }
        }
    }

    pub(super) fn token(&mut self) -> Result<Token> {
        loop {
            let Some(byte) = self.byte()? else { return Ok(Token::End) };
            match byte {
                byte if byte.is_ascii_whitespace() => {}
                b'-' if self.peek()? == Some(b'-') => self.pass_comment_line()?,
                b'/' if self.peek()? == Some(b'*') => self.pass_comment()?,
                b'#' if self.escapes => self.pass_line()?,
                // What is for `psql`.
                b'\\' => self.pass_line()?,
                b'\'' => return Ok(Token::Text(self.quoted(b'\'', self.escapes)?)),
                b'"' | b'`' => {
                    self.escapes |= byte == b'`';
                    return utf8(self.quoted(byte, false)?).map(Token::Name);
                }
                b'$' if self.peek()?.is_some_and(|next| next == b'$' || next.is_ascii_alphabetic() || next == b'_') => {
                    self.pass_dollars()?;
                    return Ok(Token::Text(Vec::new()));
                }
                byte if is_word(byte) => {
                    let mut word = vec![byte];
                    while let Some(next) = self.peek()?.filter(|next| is_word(*next)) {
                        self.byte()?;
                        word.push(next);
                    }
                    if let [prefix @ (b'e' | b'E' | b'n' | b'N' | b'x' | b'X' | b'b' | b'B')] = *word
                        && self.peek()? == Some(b'\'')
                    {
                        self.byte()?;
                        return self.prefixed(prefix.to_ascii_lowercase()).map(Token::Text);
                    }
                    // How `--hex-blob` writes bytes.
                    if let Some(digits) = word.strip_prefix(b"0x").filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                        return from_hex(digits).map(Token::Text);
                    }
                    return utf8(word).map(Token::Word);
                }
                mark => return Ok(Token::Mark(mark)),
            }
        }
    }

    /// A text in quotes behind a letter that says how it is to be read.
    fn prefixed(&mut self, prefix: u8) -> Result<Vec<u8>> {
        let text = self.quoted(b'\'', prefix == b'e' || (prefix == b'n' && self.escapes))?;
        match prefix {
            b'x' => from_hex(&text),
            b'b' => {
                let bits = std::str::from_utf8(&text).ok().and_then(|bits| u64::from_str_radix(bits, 2).ok());
                bits.map(|bits| bits.to_string().into_bytes()).ok_or_else(|| "bits that are none".to_owned())
            }
            _ => Ok(text),
        }
    }

    /// A dump of MySQL says what it is in its first lines, whether or not names stand in backquotes.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.has_begun = true;
        let buffer = self.reader.fill_buf().map_err(text_of)?;
        if buffer.starts_with(b"PGDMP") {
            return Err("a dump in a form of pg_dump's own; make a text of it with pg_restore -f FILE".to_owned());
        }
        let head = String::from_utf8_lossy(buffer.get(..buffer.len().min(2048)).unwrap_or_default()).into_owned();
        let mut comments =
            head.lines().map(str::trim).take_while(|line| line.is_empty() || line.starts_with("--") || line.starts_with("/*"));
        self.escapes |= comments.any(|line| line.contains("MySQL dump") || line.contains("MariaDB dump") || line.starts_with("/*!"));
        Ok(())
    }

    fn pass_comment(&mut self) -> Result<()> {
        let mut last = 0;
        while let Some(byte) = self.byte()? {
            if last == b'*' && byte == b'/' {
                return Ok(());
            }
            last = byte;
        }
        Err("the file ends inside a comment".to_owned())
    }

    /// A text between `$tag$` and `$tag$`, as PostgreSQL quotes functions.
    fn pass_dollars(&mut self) -> Result<()> {
        let mut tag = vec![b'$'];
        while let Some(byte) = self.byte()? {
            tag.push(byte);
            if byte == b'$' {
                break;
            }
        }
        let mut seen = Vec::new();
        while let Some(byte) = self.byte()? {
            seen.push(byte);
            if seen.ends_with(&tag) {
                return Ok(());
            }
        }
        Err("the file ends inside a quoted text".to_owned())
    }

    fn quoted(&mut self, quote: u8, escapes: bool) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            let Some(byte) = self.byte()? else { return Err("the file ends inside a quoted text".to_owned()) };
            match byte {
                b'\\' if escapes => {
                    let Some(next) = self.byte()? else { continue };
                    text.push(match next {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        b'b' => 8,
                        b'f' if !self.escapes => 12,
                        b'0' => 0,
                        b'Z' => 26,
                        other => other,
                    });
                }
                byte if byte == quote => {
                    if self.peek()? != Some(quote) {
                        return Ok(text);
                    }
                    self.byte()?;
                    text.push(quote);
                }
                byte => text.push(byte),
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || byte >= 0x80
}

#[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
fn text_of(error: io::Error) -> String {
    error.to_string()
}

fn from_hex(digits: &[u8]) -> Result<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.chunks(2).map(|pair| match *pair {
        [high, low] => Some((digit(high)? << 4) | digit(low)?),
        _ => None,
    });
    pairs.collect::<Option<Vec<u8>>>().ok_or_else(|| "bytes whose digits are none".to_owned())
}
