//! `vestibule keys`: the server's own keys.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use server::Rotation;

use crate::output::{Output, fail, refuse};
use crate::{Where, passwords};

/// The environment variable with the password of the keystore.
const KEYSTORE_PASSWORD: &str = "VESTIBULE_KEYSTORE_PASSWORD";

/// Manage the keys of a server: those in its data directory, or in the file that the `[keys]` of its project name.
#[derive(Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the keys: which seals, and which open what they sealed before.
    List(Where),
    /// Make new keys. What former keys sealed can still be opened; values at rest are sealed again at the next start of the server. With several nodes,
    /// prepare them first, bring the file to every node and start it again, and then have them seal, node by node.
    Rotate(Rotate),
    /// Bring in the pair of an IDM, with the secret that signs: of a keystore, JCEKS or PKCS #12, or a private key in PEM. What former keys sealed
    /// can still be opened.
    Import(Import),
    /// Write the keys into a new file that only its owner may read. Who has it opens every token.
    Export {
        /// The file to write.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        at: Where,
    },
}

#[derive(Args)]
struct Rotate {
    /// Make keys that open and do not seal yet.
    #[arg(long)]
    prepare: bool,
    /// Have the keys seal that were prepared.
    #[arg(long, conflicts_with = "prepare")]
    seal: bool,
    #[command(flatten)]
    at: Where,
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
    at: Where,
}

impl Keys {
    pub(crate) fn run(self) -> ExitCode {
        let mut output = Output::new();
        let parts = |at: Where| (at.project.project, at.data.data);
        let done = match self.command {
            Command::List(at) => {
                let (project, data) = parts(at);
                server::list_keys(project.as_deref(), &data).map(|keys| {
                    for key in keys {
                        output.line(format_args!("{}\tRSA {}\t{}", key.use_of_it, key.bits, key.fingerprint));
                    }
                })
            }
            Command::Rotate(Rotate { prepare, seal, at }) => {
                let (project, data) = parts(at);
                let how = match (prepare, seal) {
                    (true, _) => Rotation::Prepare,
                    (_, true) => Rotation::Seal,
                    _ => Rotation::AtOnce,
                };
                server::rotate_keys(project.as_deref(), &data, how).map(|(path, changed)| {
                    let said = match how {
                        Rotation::AtOnce => "new keys are in",
                        Rotation::Prepare if changed => "keys that do not seal yet are in",
                        Rotation::Prepare => "keys that do not seal yet were there already, in",
                        Rotation::Seal => "the keys that were prepared seal now, in",
                    };
                    let path = path.display();
                    output.line(format_args!("{said} {path}; start the server again to use them"));
                })
            }
            Command::Import(Import { file, pem, password_file, alias, signing_alias, at }) => {
                let password = (!pem).then(|| passwords::secret(password_file.as_deref(), KEYSTORE_PASSWORD, "--password-file"));
                let password = match password.transpose() {
                    Ok(password) => password,
                    Err(error) => return refuse(&error),
                };
                let (project, data) = parts(at);
                let brought = server::bring_keys((project.as_deref(), &data), &file, password.as_deref(), &alias, signing_alias.as_deref());
                brought.map(|path| match path {
                    Some(path) => output.line(format_args!("the keys are in {}; start the server again to use them", path.display())),
                    None => output.line("these keys seal already"),
                })
            }
            Command::Export { file, at } => {
                let (project, data) = parts(at);
                server::take_out_keys(project.as_deref(), &data, &file)
                    .map(|()| output.line(format_args!("wrote the keys into {}", file.display())))
            }
        };
        match done {
            Ok(()) => output.finish(ExitCode::SUCCESS),
            Err(error) => fail(&error),
        }
    }
}
