//! `identityProviders.json` and `identityProvider-<name>.json`: the providers people may sign in with (docs/protocol/social.md).
//!
//! The rule easiest to break: a file of its own comes before an element of the list, and takes its place among the buttons.

use identity::ScriptFiles;
use serde_json::Value;
use social::{Misfit, Provider};

use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::loose::{Document, Node};
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
        for pointer in ["/clientSecret", "/client_secret", "/privateKey", "/vestibule/privateKey"] {
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

/// The providers of the list, each in the form of its own file where it has one, and then the others. Of several of one kind the first one counts.
/// `scripts` reads the files that a value names.
pub(crate) fn read(
    list: Option<&Document>,
    own: &[(&str, Document)],
    scripts: &dyn Fn(&Value) -> ScriptFiles,
    sink: &Sink,
) -> Vec<ProviderFile> {
    let mut found: Vec<Found> = Vec::new();
    if let Some(list) = list {
        let providers = list.root(sink).get("providers");
        match providers.value() {
            Some(Value::Array(listed)) => {
                for (index, (value, node)) in listed.iter().zip(providers.items()).enumerate() {
                    look(list, &format!("/providers/{index}"), &node, sink);
                    take(&mut found, Found::new(node.location(), value.clone(), false), sink);
                }
            }
            Some(_) => {
                let message = "a list of providers is wanted here, so that none of them is used";
                providers.report(Severity::Error, "wrong-type", message, None);
            }
            None => {}
        }
    }
    for (name, document) in own {
        look(document, "", &document.root(sink), sink);
        let mut value = document.value.clone();
        if Provider::name_of(&value).is_none()
            && let Some(members) = value.as_object_mut()
        {
            members.insert("provider".to_owned(), Value::String((*name).to_owned()));
        }
        take(&mut found, Found::new(document.file.locate(""), value, true), sink);
    }
    let files = found.into_iter().map(|found| found.file);
    files.map(|file| ProviderFile { scripts: scripts(&file.value), ..file }).collect()
}

/// Tells of what is of another type than is wanted, of keys that nothing reads, and, where the provider is used, of names that nothing defines. `at` is
/// where it stands in the document.
fn look(document: &Document, at: &str, provider: &Node<'_>, sink: &Sink) {
    provider.expect_some(&crate::keys::IDENTITY_PROVIDER);
    provider.get("vestibule").expect(&crate::keys::IDENTITY_PROVIDER_OPTIONS);
    for row in provider.get("propertyMap").items() {
        row.expect_some(&crate::keys::IDENTITY_PROVIDER_ROW);
    }
    let value = provider.value().unwrap_or(&Value::Null);
    let name = Provider::name_of(value).unwrap_or_default();
    // Else the text of a name would be sent for what it stands for. Of a template it matters whether it is one.
    let used = if Provider::is_meant(value) { at.to_owned() } else { format!("{at}/enabled") };
    document.report_flaws(&used, sink);
    let place = |misfit: &Misfit| format!("{at}{}", misfit.pointer);
    for misfit in Provider::misfits(value).into_iter().filter(|misfit| document.flaws_under(&place(misfit)).next().is_none()) {
        let (severity, consequence) = match misfit.refuses {
            true if name.is_empty() => (Severity::Error, "nobody can sign in with this provider".to_owned()),
            true => (Severity::Error, format!("nobody can sign in with {name}")),
            false => (Severity::Warning, "it is left out".to_owned()),
        };
        let location = document.file.locate(&place(&misfit));
        sink.push(Diagnostic::new(severity, "wrong-type", location, format!("{}: {consequence}", misfit.message)));
    }
}

/// A provider, and whether a file of its own says so.
struct Found {
    file: ProviderFile,
    is_own: bool,
}

impl Found {
    fn new(location: Location, value: Value, is_own: bool) -> Self {
        Self { file: ProviderFile { location, value, scripts: ScriptFiles::default() }, is_own }
    }
}

/// Takes what is said of a provider, where nothing that counts more was said of it before.
fn take(found: &mut Vec<Found>, one: Found, sink: &Sink) {
    let name = one.file.name().unwrap_or_default().to_owned();
    let Some(earlier) = found.iter_mut().find(|earlier| !name.is_empty() && earlier.file.name() == Some(name.as_str())) else {
        found.push(one);
        return;
    };
    let of_list = one.is_own && !earlier.is_own;
    let (message, location) = if of_list {
        // A template of the list is there to be filled in elsewhere.
        if !earlier.file.is_meant() {
            *earlier = one;
            return;
        }
        let message = format!("'{name}' is in {} too; what this file says is in force", earlier.file.location.file);
        (message, one.file.location.clone())
    } else {
        let message =
            format!("there is a provider '{name}' already, at {}; that one is in force, and nothing is read here", earlier.file.location);
        (message, one.file.location.clone())
    };
    sink.push(Diagnostic::new(Severity::Warning, "identity-provider", location, message));
    if of_list {
        *earlier = one;
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

    /// Each that is said of a name twice is told at the later one, with what is in force.
    #[test]
    fn of_several_that_name_one_provider_it_is_said_which_is_in_force() {
        let list = document(
            "conf/identityProviders.json",
            r#"{"providers": [{"provider": "acme", "clientId": "listed"}, {"provider": "acme", "clientId": "listed-again"}]}"#,
        );
        let own = [
            ("a", document("conf/identityProvider-a.json", r#"{"provider": "acme", "clientId": "a"}"#)),
            ("acme", document("conf/identityProvider-acme.json", r#"{"clientId": "acme"}"#)),
            ("b", document("conf/identityProvider-b.json", r#"{"name": "b", "clientId": "b"}"#)),
        ];
        let sink = Sink::default();
        let found = read(Some(&list), &own, &|_| ScriptFiles::default(), &sink);
        let clients: Vec<_> = found.iter().map(|file| (file.name(), file.value["clientId"].as_str())).collect();
        assert_eq!(clients, [(Some("acme"), Some("a")), (Some("b"), Some("b"))]);
        let said: Vec<_> = sink.into_sorted().into_iter().filter(|one| one.rule == "identity-provider").collect();
        let said: Vec<_> =
            said.iter().map(|one| (one.location.file.as_str(), one.location.pointer.as_str(), one.message.as_str())).collect();
        let [first, second, listed] = said.as_slice() else { panic!("{said:?}") };
        assert_eq!((listed.0, listed.1), ("conf/identityProviders.json", "/providers/1"));
        assert!(listed.2.contains("conf/identityProviders.json:1:16; that one is in force"), "{said:?}");
        assert_eq!(
            (first.0, first.2),
            ("conf/identityProvider-a.json", "'acme' is in conf/identityProviders.json too; what this file says is in force")
        );
        assert_eq!(second.0, "conf/identityProvider-acme.json");
        assert!(second.2.contains("at conf/identityProvider-a.json"), "{said:?}");
    }

    #[test]
    fn a_name_that_nothing_defines_is_an_error_where_the_provider_is_used() {
        let own = [
            (
                "used",
                document(
                    "conf/identityProvider-used.json",
                    r#"{"clientId": "me", "clientSecret": "&{gone}", "enabled": {"$bool": "&{gone}"}}"#,
                ),
            ),
            ("meant", document("conf/identityProvider-meant.json", r#"{"clientId": "&{gone}", "clientSecret": "s&{gone}"}"#)),
            (
                "template",
                document(
                    "conf/identityProvider-template.json",
                    r#"{"clientId": "", "clientSecret": "&{gone}", "basicAuth": {"$bool": "&{gone}"}}"#,
                ),
            ),
        ];
        let sink = Sink::default();
        read(None, &own, &|_| ScriptFiles::default(), &sink);
        let said: Vec<_> =
            sink.into_sorted().into_iter().map(|one| (one.severity, one.rule, one.location.file, one.location.pointer)).collect();
        let at = |file: &str, pointer: &str| {
            (Severity::Error, "unresolved-name", format!("conf/identityProvider-{file}.json"), pointer.to_owned())
        };
        let [client, secret, enabled] = said.as_slice() else { panic!("{said:?}") };
        assert_eq!((client, secret), (&at("meant", "/clientId"), &at("meant", "/clientSecret")));
        assert!(enabled.2.ends_with("-used.json") && enabled.3.starts_with("/enabled"), "{said:?}");
    }

    #[test]
    fn what_is_of_another_type_is_told_at_the_value_of_every_file_and_template() {
        let list = document(
            "conf/identityProviders.json",
            r#"{"providers": [{"provider": "acme", "scope": ["openid", 5], "vestibule": {"confirmMail": true}}, 5, {"provider": "b", "enabled": "maybe"}]}"#,
        );
        let own = [(
            "c",
            document(
                "conf/identityProvider-c.json",
                r#"{"uiConfig": 5, "propertyMap": [{"source": "a", "target": "b", "transfrom": {}}]}"#,
            ),
        )];
        let sink = Sink::default();
        read(Some(&list), &own, &|_| ScriptFiles::default(), &sink);
        let said = |one: &Diagnostic| (one.severity, one.rule, one.location.pointer.clone(), one.message.clone());
        let said: Vec<_> = sink.into_sorted().iter().map(said).collect();
        let has = |severity: Severity, rule: &str, pointer: &str, message: &str| {
            assert!(
                said.iter().any(|one| (one.0, one.1, one.2.as_str(), one.3.as_str()) == (severity, rule, pointer, message)),
                "{pointer}: {said:#?}"
            );
        };
        has(Severity::Error, "wrong-type", "/providers/0/scope/1", "a text is wanted here, not a number: nobody can sign in with acme");
        has(Severity::Warning, "unknown-key", "/providers/0/vestibule/confirmMail", "nothing reads the key 'confirmMail'");
        has(Severity::Error, "wrong-type", "/providers/1", "an object is wanted here, not a number: nobody can sign in with this provider");
        let maybe = "true or false is wanted here, not a text that says something else: nobody can sign in with b";
        has(Severity::Error, "wrong-type", "/providers/2/enabled", maybe);
        has(Severity::Warning, "wrong-type", "/uiConfig", "an object is wanted here, not a number: it is left out");
        has(Severity::Hint, "unknown-key", "/propertyMap/0/transfrom", "nothing reads the key 'transfrom'");
        assert_eq!(said.len(), 6, "{said:#?}");
        let sink = Sink::default();
        assert!(
            read(
                Some(&document("conf/identityProviders.json", r#"{"providers": {"provider": "acme", "clientId": "me"}}"#)),
                &[],
                &|_| ScriptFiles::default(),
                &sink
            )
            .is_empty()
        );
        let found = sink.into_sorted();
        assert_eq!((found.len(), found[0].severity, found[0].location.pointer.as_str()), (1, Severity::Error, "/providers"));
    }
}
