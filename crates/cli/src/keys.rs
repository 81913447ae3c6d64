//! `vestibule keys`: the server's own keys.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::output::{Output, fail, refuse};
use crate::{DataArgs, passwords};

/// The environment variable with the password of the keystore.
const KEYSTORE_PASSWORD: &str = "VESTIBULE_KEYSTORE_PASSWORD";

/// Manage the keys of the data directory.
#[derive(Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the keys: which seals, and which open what they sealed before.
    List(DataArgs),
    /// Make new keys. What former keys sealed can still be opened; values at rest are sealed again at the next start of the server.
    Rotate(DataArgs),
    /// Bring in the pair of an IDM, with the secret that signs: of a keystore, JCEKS or PKCS #12, or a private key in PEM. What former keys sealed
    /// can still be opened.
    Import(Import),
    /// Write the keys into a new file that only its owner may read. Who has it opens every token.
    Export {
        /// The file to write.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        data: DataArgs,
    },
}

#[derive(Args)]
struct Import {
    /// The keystore, or the private key in PEM.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file is a private key in PEM, without a password.
    #[arg(long)]
    pem: bool,
    /// The file with the password of the keystore; without it, the environment says it, VESTIBULE_KEYSTORE_PASSWORD.
    #[arg(long, value_name = "FILE", conflicts_with = "pem")]
    password_file: Option<PathBuf>,
    /// The pair in the keystore.
    #[arg(long, value_name = "ALIAS", default_value = "selfservice")]
    alias: String,
    /// The secret that signs; without it, IDM's own where the keystore has it.
    #[arg(long, value_name = "ALIAS")]
    signing_alias: Option<String>,
    #[command(flatten)]
    data: DataArgs,
}

impl Keys {
    pub(crate) fn run(self) -> ExitCode {
        let mut output = Output::new();
        let done = match self.command {
            Command::List(DataArgs { data }) => server::list_keys(&data).map(|keys| {
                for key in keys {
                    let use_of_it = if key.seals { "seals" } else { "opens" };
                    output.line(format_args!("{use_of_it}\tRSA {}\t{}", key.bits, key.fingerprint));
                }
            }),
            Command::Rotate(DataArgs { data }) => server::rotate_keys(&data)
                .map(|()| output.line(format_args!("new keys are in {}; start the server again to use them", data.display()))),
            Command::Import(Import { file, pem, password_file, alias, signing_alias, data: DataArgs { data } }) => {
                let password = (!pem).then(|| passwords::secret(password_file.as_deref(), KEYSTORE_PASSWORD, "--password-file"));
                let password = match password.transpose() {
                    Ok(password) => password,
                    Err(error) => return refuse(&error),
                };
                server::bring_keys(&data, &file, password.as_deref(), &alias, signing_alias.as_deref()).map(|changed| {
                    if changed {
                        output.line(format_args!("the keys are in {}; start the server again to use them", data.display()));
                    } else {
                        output.line("these keys seal already");
                    }
                })
            }
            Command::Export { file, data: DataArgs { data } } => {
                server::take_out_keys(&data, &file).map(|()| output.line(format_args!("wrote the keys into {}", file.display())))
            }
        };
        match done {
            Ok(()) => output.finish(ExitCode::SUCCESS),
            Err(error) => fail(&error),
        }
    }
}
