//! `identityProviders.json` and `identityProvider-<name>.json`: the providers people may sign in with (docs/protocol/social.md).
//!
//! The rule easiest to break: a file of its own comes before an element of the list, and takes its place among the buttons.

use identity::ScriptFiles;
use serde_json::Value;
use social::Provider;

use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::loose::Document;
use crate::secret::SecretText;
use crate::source::Location;

/// One provider as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderFile {
    /// Where it stands.
    pub location: Location,
    /// What it says, names substituted. Secrets may be encrypted ([`ProviderFile::secrets`]).
    pub value: Value,
    /// The files that its scripts name.
    pub scripts: ScriptFiles,
}

impl ProviderFile {
    /// The name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        Provider::name_of(&self.value)
    }

    /// Whether it is in use, and no template.
    #[must_use]
    pub fn is_meant(&self) -> bool {
        Provider::is_meant(&self.value)
    }

    /// Opens encrypted secrets by `open`, which gives the text, or nothing where it cannot.
    pub fn open_secrets(&mut self, mut open: impl FnMut(&mut SecretText, &str)) {
        let what = format!("the secret of the identity provider '{}'", self.name().unwrap_or_default());
        for pointer in ["/clientSecret", "/client_secret", "/vestibule/privateKey"] {
            let Some(value) = self.value.pointer_mut(pointer) else { continue };
            let Some(mut secret) = SecretText::from_crypto(value) else { continue };
            open(&mut secret, &what);
            if let Some(text) = secret.plain() {
                *value = Value::String(text.expose().to_owned());
            }
        }
    }
}

/// The name in the name of a provider's own file in `conf`.
pub(crate) fn name_of(file_name: &str) -> Option<&str> {
    let name = file_name.strip_prefix("identityProvider-")?.strip_suffix(".json")?;
    (!name.is_empty()).then_some(name)
}

/// The providers of the list, each in the form of its own file where it has one, and then the others. `scripts` reads the files that
/// a value names.
pub(crate) fn read(
    list: Option<&Document>,
    own: &[(&str, Document)],
    scripts: &dyn Fn(&Value) -> ScriptFiles,
    sink: &Sink,
) -> Vec<ProviderFile> {
    let listed = list.and_then(|list| list.value.get("providers")).and_then(Value::as_array).into_iter().flatten().enumerate();
    let mut found: Vec<ProviderFile> = Vec::new();
    for (index, value) in listed {
        let place = || Location::file("conf/identityProviders.json");
        let location = list.map_or_else(place, |list| list.file.locate(&format!("/providers/{index}")));
        take(&mut found, ProviderFile { location, value: value.clone(), scripts: ScriptFiles::default() }, false, sink);
    }
    for (name, document) in own {
        document.root(sink).expect_some(&crate::keys::IDENTITY_PROVIDER);
        let mut value = document.value.clone();
        if Provider::name_of(&value).is_none()
            && let Some(members) = value.as_object_mut()
        {
            members.insert("provider".to_owned(), Value::String((*name).to_owned()));
        }
        take(&mut found, ProviderFile { location: document.file.locate(""), value, scripts: ScriptFiles::default() }, true, sink);
    }
    for one in &mut found {
        one.scripts = scripts(&one.value);
    }
    found
}

fn take(found: &mut Vec<ProviderFile>, one: ProviderFile, replaces: bool, sink: &Sink) {
    match found.iter_mut().find(|earlier| earlier.name().is_some() && earlier.name() == one.name()) {
        Some(earlier) if replaces => *earlier = one,
        Some(_) => {
            let message = format!("there is a provider '{}' already; the first one counts", one.name().unwrap_or_default());
            sink.push(Diagnostic::new(Severity::Warning, "identity-provider", one.location, message));
        }
        None => found.push(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn document(path: &str, text: &str) -> Document {
        Document::read(SourceFile::new(path, text), &|_: &str| None, &Sink::default()).unwrap()
    }

    #[test]
    fn a_file_of_its_own_takes_the_place_of_the_element() {
        let list = document(
            "conf/identityProviders.json",
            r#"{"providers": [{"provider": "google"}, {"name": "facebook"}, {"provider": "google", "scope": []}]}"#,
        );
        let own = [
            ("google", document("conf/identityProvider-google.json", r#"{"provider": "google", "clientId": "me"}"#)),
            ("acme", document("conf/identityProvider-acme.json", r#"{"clientId": "me"}"#)),
        ];
        let sink = Sink::default();
        let found = read(Some(&list), &own, &|_| ScriptFiles::default(), &sink);
        let names: Vec<_> = found.iter().filter_map(ProviderFile::name).collect();
        assert_eq!(names, ["google", "facebook", "acme"]);
        assert_eq!(found.iter().map(ProviderFile::is_meant).collect::<Vec<_>>(), [true, false, true]);
        assert!(found[0].location.file.ends_with("identityProvider-google.json"));
        assert_eq!(sink.into_sorted().len(), 1, "two of one name in the list");
    }
}
