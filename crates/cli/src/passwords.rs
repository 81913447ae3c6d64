//! Passwords that commands need: out of a file, or out of the environment. Never out of an argument, which others on the machine see.

use std::path::Path;

/// A password, out of a file or else out of the environment; `option` names the file.
pub(crate) fn secret(file: Option<&Path>, variable: &str, option: &str) -> Result<String, String> {
    match file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        None => std::env::var(variable).map_err(|_| format!("which password? Name a file with {option}, or set {variable}")),
    }
}
