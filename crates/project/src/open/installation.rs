//! Names that the product's installation defines, not the project: its host and ports (`resolver/boot.properties` of the product).
//!
//! Links in mails are made of them. A project that lies beside its installation's file has none of its own, so here they stand for the
//! public address. The rule easiest to break: whatever else defines such a name is stronger.

use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::project::Project;
use crate::source::join;
use crate::substitution::ProjectNames;
use serde_json::Value;

/// The names, with what they stand for.
pub(super) fn names(public_url: &str) -> Vec<(&'static str, String)> {
    let (scheme, rest) = public_url.split_once("://").unwrap_or(("http", public_url));
    let authority = rest.split('/').next().unwrap_or(rest);
    // An IPv6 address has colons of its own, inside brackets.
    let port = authority.rsplit_once(':').filter(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    let (host, port) = port.unwrap_or((authority, if scheme == "https" { "443" } else { "80" }));
    let ports = ["openidm.port.http", "openidm.port.https", "openidm.port.mutualauth"].map(|name| (name, port.to_owned()));
    std::iter::once(("openidm.host", host.to_owned())).chain(ports).collect()
}

/// Says once which of them the processes use although nothing defines them.
pub(super) fn report(project: &Project, names: &ProjectNames<'_>, public_url: &str, sink: &Sink) {
    let undefined: Vec<&str> = self::names("").into_iter().map(|(name, _)| name).filter(|name| names.is_built_in(name)).collect();
    let mut used: Vec<&str> = Vec::new();
    let mut first = None;
    for process in project.definitions() {
        let mut find = |pointer: &str, text: &str| {
            for name in undefined.iter().filter(|name| text.contains(&format!("&{{{name}}}"))) {
                if !used.contains(name) {
                    used.push(name);
                }
                first.get_or_insert_with(|| process.file.locate(pointer));
            }
        };
        texts(&process.raw, "", &mut find);
    }
    let Some(location) = first else { return };
    let named: Vec<String> = used.iter().map(|name| format!("'{name}'")).collect();
    let stands = if named.len() == 1 { "it stands" } else { "they stand" };
    let message = format!("nothing defines {}, so {stands} for the public address, {public_url}", named.join(" and "));
    let help = "define them in resolver/boot.properties, or set [server] public_url in vestibule.toml";
    sink.push(Diagnostic::new(Severity::Hint, "installation-name", location, message).with_help(help));
}

/// Every text of a document with its pointer.
fn texts(value: &Value, pointer: &str, visit: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(pointer, text),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| texts(item, &join(pointer, &index.to_string()), visit)),
        Value::Object(members) => members.iter().for_each(|(key, member)| texts(member, &join(pointer, key), visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_ports_are_those_of_the_public_address() {
        for (url, host, port) in [
            ("https://id.example.test", "id.example.test", "443"),
            ("http://localhost:8080", "localhost", "8080"),
            ("https://id.example.test:8443/idm", "id.example.test", "8443"),
            ("http://[::1]:82", "[::1]", "82"),
            ("http://[::1]", "[::1]", "80"),
        ] {
            let names = names(url);
            assert_eq!(names[0], ("openidm.host", host.to_owned()), "{url}");
            assert!(names.iter().skip(1).all(|(_, value)| value == port), "{url}: {names:?}");
        }
    }
}
