//! What commands print. A reader that has seen enough (`vestibule user list | head`) closes its end of the pipe; that ends the printing
//! and is no failure. Anything else that keeps lines from being written is one.
//!
//! Easiest to break: names come from files that somebody else wrote. What would move a terminal about is not printed as it is.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};
use std::process::ExitCode;

/// Standard output, line by line.
pub(crate) struct Output {
    to: BufWriter<StdoutLock<'static>>,
    outcome: io::Result<()>,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self { to: BufWriter::new(io::stdout().lock()), outcome: Ok(()) }
    }

    /// Prints a line, unless an earlier one could not be printed.
    pub(crate) fn line(&mut self, line: impl Display) {
        if self.outcome.is_ok() {
            self.outcome = writeln!(self.to, "{}", printable(&line.to_string()));
        }
    }

    /// Hands on what was printed so far, for whoever reads along while the command goes on.
    pub(crate) fn hand_on(&mut self) {
        if self.outcome.is_ok() {
            self.outcome = self.to.flush();
        }
    }

    /// Ends the command: with `code` when everything was printed or nobody wanted more, with a failure otherwise.
    pub(crate) fn finish(mut self, code: ExitCode) -> ExitCode {
        match self.outcome.and_then(|()| self.to.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => fail(&format!("standard output: {error}")),
            _ => code,
        }
    }
}

/// Says why a command failed.
pub(crate) fn fail(error: &dyn Display) -> ExitCode {
    complain(error);
    ExitCode::FAILURE
}

/// Says why a command could not even begin: a wrong option, no such project. Exit status 2, as for arguments that cannot be read.
pub(crate) fn refuse(error: &dyn Display) -> ExitCode {
    complain(error);
    ExitCode::from(2)
}

/// What somebody probably meant by a name that is not there, to go behind it: ` (is 'reset' meant?)`; nothing where nothing is near.
pub(crate) fn meant<'c>(name: &str, known: impl IntoIterator<Item = &'c str>) -> String {
    server::nearest(name, known).map(|like| format!(" (is '{like}' meant?)")).unwrap_or_default()
}

/// Most characters that are said on standard error: a name that is not there may be of any length.
const MOST: usize = 4_000;

/// Says something on standard error. Where nobody listens, there is nobody to tell.
pub(crate) fn complain(what: &dyn Display) {
    let what = what.to_string();
    let (said, more) = match what.char_indices().nth(MOST) {
        Some((end, _)) => (what.get(..end).unwrap_or_default(), "…"),
        None => (what.as_str(), ""),
    };
    let _ = writeln!(io::stderr(), "vestibule: {}{more}", printable(said));
}

/// A text of lines without anything that moves a terminal about.
fn printable(text: &str) -> Cow<'_, str> {
    let moves = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if text.contains(moves) { text.chars().map(|letter| if moves(letter) { '\u{fffd}' } else { letter }).collect() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_terminal_about_is_not_printed() {
        assert_eq!(printable("re\u{1b}[2J\u{9b}set\r\n\tnext"), "re\u{fffd}[2J\u{fffd}set\u{fffd}\n\tnext");
        assert!(matches!(printable("café\n"), Cow::Borrowed(_)));
    }
}
