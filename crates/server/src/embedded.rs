//! The default project, inside the binary: what `vestibule serve` runs without `--project`.

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../conf"]
struct Conf;

/// The files of the default project: path from the project's root, content.
#[must_use]
pub(crate) fn files() -> Vec<(String, Vec<u8>)> {
    Conf::iter().filter_map(|name| Some((format!("conf/{name}"), Conf::get(&name)?.data.into_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_project_registers_resets_passwords_and_finds_user_names() {
        let names: Vec<String> = files().into_iter().map(|(name, _)| name).collect();
        for process in ["registration", "reset", "username"] {
            assert!(names.contains(&format!("conf/selfservice-{process}.json")), "{names:?}");
        }
    }
}
