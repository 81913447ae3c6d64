//! `vestibule backup`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::output::{Output, fail};
use crate::{DataArgs, ProjectArgs};

#[derive(Args)]
pub(crate) struct Backup {
    /// The file to write. One of this name is replaced when the new one is whole.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    data: DataArgs,
    /// Take the keys into it, sealed with the passphrase in VESTIBULE_BACKUP_PASSPHRASE.
    #[arg(long)]
    with_keys: bool,
}

/// The passphrase; it is never asked for, because backups are made by timers.
pub(crate) fn passphrase() -> Option<String> {
    std::env::var(server::PASSPHRASE).ok().filter(|passphrase| !passphrase.is_empty())
}

impl Backup {
    pub(crate) fn run(self) -> ExitCode {
        let passphrase = passphrase().filter(|_| self.with_keys);
        if self.with_keys && passphrase.is_none() {
            return fail(&server::BackupError::NoPassphrase);
        }
        match server::backup(self.project.project.as_deref(), &self.data.data, &self.file, passphrase.as_deref()) {
            Ok(()) => {
                let keys = if self.with_keys { "with the keys" } else { "without the keys: keep keys.json elsewhere" };
                let mut output = Output::new();
                output.line(format_args!("wrote {} {keys}", self.file.display()));
                output.finish(ExitCode::SUCCESS)
            }
            Err(error) => fail(&error),
        }
    }
}
