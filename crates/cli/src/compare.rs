//! `vestibule compare`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use moving::Recording;
use server::Comparison;

use crate::output::{Output, fail, refuse};

/// Replay recorded self-service at two servers, and list what they answer differently, by kind. Each is sent the tokens of its own answers. What is
/// replayed has its effects at both: mails are sent, passwords are set. Exits with 1 when there are differences, and with 2 when nothing could be
/// compared.
#[derive(Args)]
pub(crate) struct Compare {
    /// The recording: a HAR file, or JSON lines with `request` (`method`, `url`, `headers`, `body`) and `answer` (`body`) on each. Requests that are
    /// no self-service are left out.
    #[arg(value_name = "FILE")]
    recording: PathBuf,
    /// The address of the old server's REST interface, up to `/openidm`.
    #[arg(long, value_name = "URL")]
    old: String,
    /// The address of the new one.
    #[arg(long, value_name = "URL")]
    new: String,
    /// Exchanges in a second, at most.
    #[arg(long, value_name = "COUNT", default_value_t = 2.0)]
    per_second: f64,
    /// A program that says the code of a mail. It is called with `old` or `new`, and writes the code of the last mail of that server. Without it,
    /// exchanges that need one are counted and left out.
    #[arg(long, value_name = "PROGRAM")]
    code_from: Option<PathBuf>,
    /// Write what was found as JSON, too, into a file that only its owner may read.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl Compare {
    pub(crate) async fn run(self) -> ExitCode {
        let recording = match Recording::read(&self.recording) {
            Ok(recording) => recording,
            Err(error) => return refuse(&error),
        };
        let Self { old, new, per_second, code_from, report, .. } = self;
        let compared = match (Comparison { old, new, per_second, code_from }).run(&recording).await {
            Ok(compared) => compared,
            Err(error) => return refuse(&error),
        };
        let mut output = Output::new();
        output.line(compared.to_string().trim_end());
        if let Some(path) = report
            && let Err(error) = server::write_private(&path, serde_json::to_string_pretty(&compared).unwrap_or_default().as_bytes())
        {
            return fail(&format!("{}: {error}", path.display()));
        }
        output.finish(if compared.alike == compared.compared { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
