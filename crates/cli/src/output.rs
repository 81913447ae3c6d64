//! What commands print. A reader that has seen enough (`vestibule user list | head`) closes its end of the pipe; that ends the printing
//! and is no failure. Anything else that keeps lines from being written is one.

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
            self.outcome = writeln!(self.to, "{line}");
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

/// Says something on standard error. Where nobody listens, there is nobody to tell.
pub(crate) fn complain(what: &dyn Display) {
    let _ = writeln!(io::stderr(), "vestibule: {what}");
}
