//! `vestibule export`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use moving::{ExportForm, Exported, Form};
use server::MovingIn;

use crate::Where;
use crate::output::{Output, complain, fail, refuse};

/// Write everything that is kept of people and other objects into a file, also while a server is running: as JSON lines, or one collection as a table,
/// both of which `vestibule import` reads again; or people as entries for a directory. Hashes of passwords and answers are in it, and what is
/// encrypted at rest is in clear.
#[derive(Args)]
pub(crate) struct Export {
    /// The file to write. One of this name is replaced when the new one is whole. Beside a table, `FILE.mapping.json` says how it is imported.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What form it gets; without it, its name says so, and is that of JSON lines where it ends with nothing else.
    #[arg(long, value_enum)]
    form: Option<FormArg>,
    /// The collections; without any, all of the project with internal roles, and people in a table or for a directory.
    #[arg(long = "collection", value_name = "COLLECTION")]
    collections: Vec<String>,
    /// The entry of the directory below which people get theirs.
    #[arg(long, value_name = "DN", default_value = "ou=people,dc=example,dc=com")]
    base: String,
    #[command(flatten)]
    at: Where,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormArg {
    /// One object on each line.
    JsonLines,
    /// Comma-separated values, or with tabs between them in a file named `.tsv`. What a spreadsheet would run as a formula has a `'` before it.
    Csv,
    /// Entries of people for a directory: names, addresses, and passwords in the schemes that directories know.
    Ldif,
}

impl FormArg {
    fn of(file: &Path) -> Result<Self, String> {
        match Form::of(file) {
            Some(Form::Csv) => Ok(Self::Csv),
            Some(Form::Ldif) => Ok(Self::Ldif),
            Some(Form::JsonLines) | None => Ok(Self::JsonLines),
            Some(Form::Dump) => Err(format!(
                "{}: the name is that of a dump of a repository, which is no form of an export; name another file, or the form with --form",
                file.display()
            )),
        }
    }
}

impl Export {
    pub(crate) async fn run(self) -> ExitCode {
        let form = match self.form.map_or_else(|| FormArg::of(&self.file), Ok) {
            Err(error) => return refuse(&error),
            Ok(form) => form,
        };
        let form = match form {
            FormArg::JsonLines => ExportForm::JsonLines,
            FormArg::Csv => ExportForm::Csv { separator: moving::separator(&self.file) },
            FormArg::Ldif => ExportForm::Ldif { base: self.base },
        };
        let store = match Box::pin(MovingIn::open_there(self.at.project.project.as_deref(), &self.at.data.data)).await {
            Ok(store) => store,
            Err(error) => return fail(&error),
        };
        let exported = store.export(&self.file, &self.collections, &form).await;
        store.close().await;
        let Exported { objects, left_out, mapping } = match exported {
            Ok(exported) => exported,
            Err(error) => return fail(&error),
        };
        let mut output = Output::new();
        output.line(format_args!("wrote {objects} objects into {}", self.file.display()));
        for (what, count) in left_out {
            complain(&format_args!("left out {count} times: {what}"));
        }
        if let Some(mapping) = mapping {
            let mut path = self.file.into_os_string();
            path.push(".mapping.json");
            let path = PathBuf::from(path);
            if let Err(error) = std::fs::write(&path, format!("{mapping:#}\n")) {
                return fail(&format_args!("{}: {error}", path.display()));
            }
            output.line(format_args!("it is imported with --mapping {}", path.display()));
        }
        output.finish(ExitCode::SUCCESS)
    }
}
