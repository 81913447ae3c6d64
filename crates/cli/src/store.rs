//! `vestibule store`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use server::Offline;

use crate::Where;
use crate::output::{Output, fail};

#[derive(Args)]
pub(crate) struct Store {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say that the store was put back from a copy: sessions and tokens from before end. `vestibule restore` says it by itself.
    Restored(Where),
    /// Copy everything that stands in a store into another one, on either engine, while people are served. Each further run brings over what has
    /// changed; the one that finds the source used by nobody ends the copy, and from then on the target is served and the source is not.
    Copy(Copy),
}

/// Which stores, written as `[store] url` is.
#[derive(Args)]
struct Copy {
    /// The store that is copied; without it, the project's own.
    #[arg(long, value_name = "URL", required_unless_present = "to")]
    from: Option<String>,
    /// The store that is copied to: an empty one, or one that an earlier run began to fill; without it, the project's own.
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    #[command(flatten)]
    own: Where,
}

impl Store {
    pub(crate) async fn run(self) -> ExitCode {
        match self.command {
            Command::Restored(at) => restored(&at).await,
            Command::Copy(copy) => copy.run().await,
        }
    }
}

async fn restored(at: &Where) -> ExitCode {
    let store = match Offline::open(at.project.project.as_deref(), &at.data.data).await {
        Ok(store) => store,
        Err(error) => return fail(&error),
    };
    let noted = store.was_put_back().await;
    store.close().await;
    match noted {
        Ok(()) => {
            let mut output = Output::new();
            output.line("sessions and tokens from before this moment have ended");
            output.finish(ExitCode::SUCCESS)
        }
        Err(error) => fail(&error),
    }
}

impl Copy {
    async fn run(self) -> ExitCode {
        let copied = tokio::task::spawn_blocking(move || {
            let Self { from, to, own } = &self;
            server::copy_store(own.project.project.as_deref(), &own.data.data, from.as_deref(), to.as_deref())
        });
        let copied = match copied.await {
            Ok(Ok(copied)) => copied,
            Ok(Err(error)) => return fail(&error),
            Err(error) => return fail(&error),
        };
        let mut output = Output::new();
        for table in &copied.tables {
            let (rows, written, removed, hash) = (table.rows, table.written, table.removed, &table.hash);
            output.line(format_args!("{}: {rows} rows in both, {written} written, {removed} removed, sha256 {hash}", table.name));
        }
        if copied.ended {
            output.line(format_args!("ended: {} is not served any more, {} is", copied.from, copied.to));
        } else {
            output.line(format_args!(
                "unfinished: {} is in use; run this again to bring over what changes, and once more when its servers have stopped",
                copied.from
            ));
        }
        output.finish(ExitCode::SUCCESS)
    }
}
