//! `vestibule export`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use server::MovingIn;

use crate::Where;
use crate::output::{Output, fail};

/// Write everything that is kept of people and other objects into a file of JSON lines, also while a server is running. `vestibule import` reads it.
/// Hashes of passwords and answers are in it, and what is encrypted at rest is in clear.
#[derive(Args)]
pub(crate) struct Export {
    /// The file to write. One of this name is replaced when the new one is whole.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The collections; without any, all of the project.
    #[arg(long = "collection", value_name = "COLLECTION")]
    collections: Vec<String>,
    #[command(flatten)]
    at: Where,
}

impl Export {
    pub(crate) async fn run(self) -> ExitCode {
        let store = match MovingIn::open_there(self.at.project.project.as_deref(), &self.at.data.data).await {
            Ok(store) => store,
            Err(error) => return fail(&error),
        };
        let exported = store.export(&self.file, &self.collections).await;
        store.close().await;
        match exported {
            Ok(objects) => {
                let mut output = Output::new();
                output.line(format_args!("wrote {objects} objects into {}", self.file.display()));
                output.finish(ExitCode::SUCCESS)
            }
            Err(error) => fail(&error),
        }
    }
}
