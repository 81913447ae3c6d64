//! What of a script is not offered here, found before it runs: calls of Java, of parts of the product that do not exist, of modules
//! that are not there.
//!
//! Easiest to break: the scan reads text, not a syntax tree. It may miss a call that is made up at run time, which then throws; it must
//! not take what stands in a comment or a text for a call.

use std::collections::BTreeSet;

use script::Operation;

use super::declared::declared;
use super::java::{in_javascript, of_java};
use super::words::{is_part, line, masked, words};

/// Functions of `openidm` beside the operations of a host.
const OWN: [&str; 2] = ["isEncrypted", "isHashed"];
/// Operations that only look.
const LOOKS: &[&str] = &["read", "query"];
/// Resources that scripts may ask, with what they may ask of them; a name with a slash at its end stands for everything below.
const RESOURCES: [(&str, &[&str]); 8] = [
    ("managed/", &["read", "query", "create", "update", "patch", "delete", "action"]),
    ("internal/user", LOOKS),
    ("internal/role", LOOKS),
    ("internal/usermeta/", LOOKS),
    ("schema/", LOOKS),
    ("external/email", &["action"]),
    ("policy", &["action"]),
    ("policy/", &["action"]),
];
/// Actions that scripts may ask for, by the beginning of their resource.
const ACTIONS: [(&str, &[&str]); 3] = [
    ("managed/", &["create", "patch"]),
    ("external/email", &["send", "sendEmail", "sendTemplate"]),
    ("policy", &["validateObject", "validateProperty"]),
];
/// The names of Java, and of Rhino's own functions.
const FOREIGN: [&str; 9] = ["java", "javax", "org", "com", "Packages", "JavaImporter", "importPackage", "importClass", "load"];
/// What `require` finds by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Module {
    /// A script of the project, or one of the product's whose effect is native.
    Script,
    /// A library of the product's, with the functions that are known here.
    Library,
    /// One of the product's whose functions give their caller a value, which is computed after all scripts.
    Giving,
    /// Nothing.
    Missing,
}

/// The first thing in a script that is not offered here, with its line. `module` says what a name leads to; `given` is whether a name is a variable
/// that stands beside the script.
pub(crate) fn obstacle(text: &str, module: &dyn Fn(&str) -> Module, given: &dyn Fn(&str) -> bool) -> Option<String> {
    let text = &*in_javascript(text);
    let masked = masked(text);
    let libraries = libraries(text, &masked, module);
    let own = declared(&masked);
    // What a module of the project's gives may have any method.
    let alone = !required(text).iter().any(|name| module(name) == Module::Script);
    let found = words(&masked).find_map(|(at, word)| {
        let is_own = own.contains(word) || given(word);
        let lacks = || of_library(&masked, at, word, &libraries);
        let java = || if alone { of_java(&masked, at, word) } else { None };
        Some((at, judge(text, &masked, (at, word, is_own), module).or_else(lacks).or_else(java)?))
    });
    found.map(|(at, what)| format!("line {}: {what}", line(text, at)))
}

/// The first call of a script that does more than read, with its line.
pub(crate) fn change(text: &str) -> Option<String> {
    let masked = masked(text);
    let calls = words(&masked).filter(|(_, word)| *word == "openidm");
    let named = calls.filter_map(|(at, word)| match member(text, &masked, at + word.len()) {
        Some(Member::Named(name, _)) => Some((at, name)),
        _ => None,
    });
    let more = |name: &str| !OWN.contains(&name) && !matches!(Operation::named(name), None | Some(Operation::Read | Operation::Query));
    let mut changes = named.filter(|(_, name)| more(name));
    changes.next().map(|(at, name)| format!("line {}: openidm.{name} is not offered here, where a script may only read", line(text, at)))
}

/// The first use of a variable that a script is not given and does not declare, with its line.
pub(crate) fn use_of(text: &str, names: &[&str]) -> Option<String> {
    let masked = masked(text);
    let own = declared(&masked);
    let mut uses = words(&masked).filter(|(at, word)| {
        let before = masked.get(..*at).unwrap_or_default().trim_end();
        let after = masked.get(at + word.len()..).unwrap_or_default().trim_start();
        let is_key = after.starts_with(':') && before.ends_with(['{', ',']);
        let is_member = before.ends_with('.') || is_key || before.ends_with("typeof");
        names.contains(word) && !is_member && !own.contains(*word)
    });
    uses.next().map(|(at, word)| format!("line {}: there is no '{word}' here", line(text, at)))
}

/// The first function of `policyImpl` or `_` that a text of policies calls and that is not there, with its line. What the text itself assigns to
/// `policyImpl` is.
pub(crate) fn lack_of_policies(text: &str, product: &[&str]) -> Option<String> {
    let masked = masked(text);
    let own = declared(&masked);
    let is_own = |name: &str| {
        masked.match_indices(name).any(|(at, _)| {
            let after = masked.get(at + name.len()..).unwrap_or_default().trim_start();
            after.starts_with('=') && !after.starts_with("==") || after.starts_with(':')
        })
    };
    let found = words(&masked).find_map(|(at, word)| {
        let is_member = masked.get(..at)?.trim_end().ends_with('.');
        match word {
            "_" if !is_member && !own.contains("_") => Some((at, lacks(&masked, at + 1)?)),
            "policyImpl" | "policyFunctions" if !is_member && !own.contains(word) => {
                let Some(Member::Named(name, _)) = member(&masked, &masked, at + word.len()) else { return None };
                let lacks = !name.trim().is_empty() && !product.contains(&name.as_str()) && name != "hasOwnProperty" && !is_own(&name);
                lacks.then(|| (at, format!("there is no function '{word}.{name}'")))
            }
            _ => None,
        }
    });
    found.map(|(at, what)| format!("line {}: {what}", line(text, at)))
}

/// The variables that hold a library.
fn libraries<'m>(text: &str, masked: &'m str, module: &dyn Fn(&str) -> Module) -> Vec<&'m str> {
    let requires = words(masked).filter(|(_, word)| *word == "require");
    let of_library = requires.filter(|(at, word)| {
        let name = argument(text, masked, at + word.len(), 0);
        matches!(name, Some(Literal::Whole(name)) if module(&name) == Module::Library)
    });
    let assigned = of_library.filter_map(|(at, _)| {
        let before = masked.get(..at)?.trim_end().strip_suffix('=')?.trim_end();
        before.rsplit(|c: char| !is_part(c)).next().filter(|name| !name.is_empty())
    });
    assigned.collect()
}

/// A function of a library that is not known here.
fn of_library(masked: &str, at: usize, word: &str, libraries: &[&str]) -> Option<String> {
    let before = masked.get(..at)?.trim_end();
    if !libraries.contains(&word) || before.ends_with('.') {
        return None;
    }
    lacks(masked, at + word.len())
}

/// What follows a library at this place, where it is not known.
fn lacks(masked: &str, from: usize) -> Option<String> {
    // What stands in brackets is masked, and throws where it is not there.
    let Some(Member::Named(name, _)) = member(masked, masked, from) else { return None };
    if name.trim().is_empty() {
        return None;
    }
    (!script::LODASH_FUNCTIONS.contains(&name.as_str())).then(|| format!("'{name}' of the library 'lodash' is not offered"))
}

/// The names of modules that a script requires, where they are plain text.
pub(crate) fn required(text: &str) -> BTreeSet<String> {
    let masked = masked(text);
    let requires = words(&masked).filter(|(_, word)| *word == "require");
    let names = requires.filter_map(|(at, word)| argument(text, &masked, at + word.len(), 0));
    names.filter_map(|name| if let Literal::Whole(name) = name { Some(name) } else { None }).collect()
}

fn judge(text: &str, masked: &str, (at, word, is_own): (usize, &str, bool), module: &dyn Fn(&str) -> Module) -> Option<String> {
    let before = masked.get(..at)?.trim_end();
    let of_all = ["this.", "globalThis."].iter().any(|all| before.ends_with(all));
    if before.ends_with('.') && !of_all || before.ends_with("function") {
        return None;
    }
    let end = at + word.len();
    let after = masked.get(end..)?.trim_start();
    // What is handed on is asked for things under another name, where nobody sees them.
    let is_key = after.starts_with(':') && before.ends_with(['{', ',']);
    let is_plain = is_key || before.ends_with("typeof") || is_own;
    let handed_on = || (!is_plain).then(|| format!("'{word}' is handed on, so it is not known what is asked of it"));
    match word {
        "require" => match argument(text, masked, end, 0) {
            None => handed_on(),
            Some(Literal::Whole(name)) if module(&name) == Module::Library => lacks(masked, end + masked.get(end..)?.find(')')? + 1),
            Some(Literal::Whole(name)) if module(&name) == Module::Giving => {
                Some(format!("what '{name}' gives is computed by the server itself, after all scripts, so a script cannot ask for it"))
            }
            Some(Literal::Whole(name)) if module(&name) != Module::Missing => None,
            Some(Literal::Whole(name)) if is_library(&name) => {
                let own = name.trim_end_matches(".js");
                Some(format!("the product's library '{name}' is not here; put a copy of your own at script/{own}.js"))
            }
            Some(Literal::Whole(name)) => {
                Some(format!("the module '{name}' is neither a script of the project nor one of the product's that is known"))
            }
            Some(_) => Some("the name of the module that is required is not written as a text".to_owned()),
        },
        "openidm" => match member(text, masked, end) {
            Some(Member::Named(name, end)) => of_openidm(text, masked, &name, end),
            Some(Member::Computed) => Some("the function of openidm that is called is not written as a text".to_owned()),
            None => handed_on(),
        },
        "identityServer" => {
            let Some(Member::Named(name, _)) = member(text, masked, end) else { return handed_on() };
            (name != "getProperty").then(|| format!("identityServer.{name} is not offered"))
        }
        known if FOREIGN.contains(&known) => {
            let begins = if known.starts_with("import") || matches!(known, "load" | "JavaImporter") { '(' } else { '.' };
            // What the script names, or is given, is a variable of its own.
            let foreign = after.starts_with(begins) && !is_own;
            foreign.then(|| format!("'{known}' is Java, of which nothing can be called"))
        }
        _ => None,
    }
}

/// Whether this is a library that the product brings for scripts.
fn is_library(name: &str) -> bool {
    let known = ["lodash", "underscore", "handlebars", "moment", "async", "xregexp", "querystring"];
    let leaf = name.trim_end_matches(".js").rsplit('/').next().unwrap_or_default();
    known.iter().any(|library| leaf.strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-'])))
}

fn of_openidm(text: &str, masked: &str, name: &str, end: usize) -> Option<String> {
    if OWN.contains(&name) {
        return None;
    }
    match Operation::named(name) {
        None => Some(format!("openidm.{name} is not offered")),
        Some(Operation::Hash | Operation::Matches | Operation::Encrypt | Operation::Decrypt) => None,
        Some(operation) => {
            let Some(resource) = argument(text, masked, end, 0) else {
                return Some(format!("openidm.{name} is handed on, so it is not known what is asked of it"));
            };
            let of_resource = of_resource(name, &resource);
            let of_action = || if operation == Operation::Action { of_action(&resource, &argument(text, masked, end, 1)?) } else { None };
            of_resource.or_else(of_action)
        }
    }
}

fn of_resource(name: &str, resource: &Literal) -> Option<String> {
    let (resource, whole) = match resource {
        Literal::Whole(resource) => (resource.trim_matches('/'), true),
        Literal::Begins(resource) => (resource.trim_matches('/'), false),
        Literal::Unknown => return None,
    };
    // Nothing of the name is written down: `${path}`, '/' + path.
    if !whole && resource.is_empty() {
        return None;
    }
    let is_of = |known: &str| {
        resource == known.trim_end_matches('/')
            || resource.strip_prefix(known.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
    };
    // A text that goes on with a variable may be the beginning of any resource of that name.
    let begins = |known: &str| !whole && known.starts_with(resource);
    let offered = RESOURCES.iter().filter(|(known, _)| is_of(known) || begins(known)).any(|(_, operations)| operations.contains(&name));
    (!offered).then(|| format!("openidm.{name} of '{resource}' is not offered"))
}

/// An action that no resource of this beginning has.
fn of_action(resource: &Literal, action: &Literal) -> Option<String> {
    let Literal::Whole(action) = action else { return None };
    let begins = match resource {
        Literal::Whole(text) | Literal::Begins(text) => text.trim_start_matches('/'),
        Literal::Unknown => "",
    };
    let mut among = ACTIONS.iter().filter(|(of, _)| begins.starts_with(of) || of.starts_with(begins));
    let offered = among.any(|(_, actions)| actions.contains(&action.as_str()));
    (!offered).then(|| format!("the action '{action}' of openidm.action is not offered"))
}

/// What is behind a dot or in brackets.
enum Member {
    /// A name, and where it ends.
    Named(String, usize),
    /// Something that is made up at run time.
    Computed,
}

fn member(text: &str, masked: &str, from: usize) -> Option<Member> {
    let rest = masked.get(from..)?;
    let trimmed = rest.trim_start();
    let inner = trimmed.strip_prefix("?.").or_else(|| trimmed.strip_prefix('.'));
    if let Some(bracket) = inner.unwrap_or(trimmed).trim_start().strip_prefix('[') {
        let start = from + (rest.len() - bracket.len());
        let end = start + bracket.find(']')?;
        return Some(match literal(text, masked, start, end) {
            Literal::Whole(name) => Member::Named(name, end + 1),
            Literal::Begins(_) | Literal::Unknown => Member::Computed,
        });
    }
    let inner = inner?.trim_start();
    let start = from + (rest.len() - inner.len());
    let length = inner.find(|c: char| !is_part(c)).unwrap_or(inner.len());
    Some(Member::Named(inner.get(..length)?.to_owned(), start + length))
}

/// A text in a script, as far as it is written there.
enum Literal {
    /// All of it.
    Whole(String),
    /// It goes on with something that is known at run time only.
    Begins(String),
    /// Nothing of it.
    Unknown,
}

/// An argument of the call that begins at `from`; `None` for no call. One that is not there is unknown.
fn argument(text: &str, masked: &str, from: usize, index: usize) -> Option<Literal> {
    let rest = masked.get(from..)?;
    let trimmed = rest.trim_start();
    let inner = trimmed.strip_prefix("?.").unwrap_or(trimmed).trim_start().strip_prefix('(')?;
    let first = from + (rest.len() - inner.len());
    let (mut depth, mut place, mut start) = (0_usize, 0, first);
    for (at, c) in inner.char_indices() {
        let ends = depth == 0 && matches!(c, ',' | ')' | ']' | '}');
        if ends && place == index {
            return Some(literal(text, masked, start, first + at));
        }
        match c {
            ',' if depth == 0 => (place, start) = (place + 1, first + at + 1),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    Some(Literal::Unknown)
}

/// The text between two places; blanks and comments around it are none of it.
fn literal(text: &str, masked: &str, start: usize, end: usize) -> Literal {
    let Some(shown) = masked.get(start..end) else { return Literal::Unknown };
    let start = start + (shown.len() - shown.trim_start().len());
    let Some(written) = text.get(start..end) else { return Literal::Unknown };
    let Some(quote) = written.chars().next().filter(|c| matches!(c, '\'' | '"' | '`')) else { return Literal::Unknown };
    let Some((inner, after)) = written.get(1..).and_then(|rest| rest.split_once(quote)) else { return Literal::Unknown };
    if inner.contains('\\') {
        return Literal::Unknown;
    }
    if let Some((begins, _)) = inner.split_once("${").filter(|_| quote == '`') {
        return Literal::Begins(begins.to_owned());
    }
    let goes_on = masked.get(end - after.len()..end).is_some_and(|after| !after.trim().is_empty());
    if goes_on { Literal::Begins(inner.to_owned()) } else { Literal::Whole(inner.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        let module = |name: &str| match name {
            "naming" | "./naming" | "onCreateUser" => Module::Script,
            "lib/lodash" => Module::Library,
            "roles/effectiveRoles" => Module::Giving,
            _ => Module::Missing,
        };
        obstacle(text, &module, &|name| name == "com")
    }

    #[test]
    fn what_is_not_offered_is_named_with_its_line() {
        for (text, line, what) in [
            ("var a = 1;\nopenidm.action('sync', 'performAction', {});", 2, "openidm.action of 'sync'"),
            ("openidm.read('system/ldap/account/' + id)", 1, "openidm.read of 'system/ldap/account'"),
            ("\n\nnew java.util.Date()", 3, "Java"),
            ("var s = org.forgerock.json.x;", 1, "Java"),
            ("require('lib/handlebars')", 1, "the product's library 'lib/handlebars'"),
            ("var x = 1;\nvar _ = require('lib/lodash');\n\n_.template('x')", 4, "'template' of the library 'lodash'"),
            ("const lo = require('lib/lodash'), y = lo.debounce(f)", 1, "'debounce'"),
            ("\nrequire('lib/lodash').defer(f)", 2, "'defer'"),
            ("require('lib/own')", 1, "the module 'lib/own'"),
            ("require(name)", 1, "not written as a text"),
            ("require('naming' + x)", 1, "not written as a text"),
            ("require('./elsewhere')", 1, "the module './elsewhere'"),
            ("openidm['action']('sync', 'performAction')", 1, "openidm.action of 'sync'"),
            ("openidm [ \"action\" ] (`sync/x`, 'y')", 1, "openidm.action of 'sync/x'"),
            ("openidm.read(`system/${x}`)", 1, "openidm.read of 'system'"),
            ("openidm.read('')", 1, "openidm.read of ''"),
            ("openidm?.read(/* which */ 'system/ldap')", 1, "openidm.read of 'system/ldap'"),
            ("this.openidm.read('config/x')", 1, "openidm.read of 'config/x'"),
            ("openidm[name]('sync')", 1, "not written as a text"),
            ("\nvar o = openidm; o.action('sync', 'x')", 2, "'openidm' is handed on"),
            ("openidm.action.call(null, 'sync', 'x')", 1, "openidm.action is handed on"),
            ("var r = require; r('x')", 1, "'require' is handed on"),
            ("openidm.action('managed/user/' + id, 'resetPassword', {})", 1, "the action 'resetPassword'"),
            ("openidm.action(path, 'liveSync')", 1, "the action 'liveSync'"),
            ("openidm.action('policy/managed/user/*', 'patch', {})", 1, "the action 'patch'"),
            ("openidm.getConfig()", 1, "openidm.getConfig"),
            ("identityServer.getWorkingLocation()", 1, "getWorkingLocation"),
            ("\nvar r = require('roles/effectiveRoles').calculateEffectiveRoles(object, 'roles')", 2, "computed by the server itself"),
            ("openidm.create('internal/role', 'x', {})", 1, "openidm.create of 'internal/role'"),
            ("openidm.create('internal/notification', null, {})", 1, "openidm.create of 'internal/notification'"),
            ("openidm.read('external/email')", 1, "openidm.read of 'external/email'"),
            ("openidm.patch('schema/' + x, null, [])", 1, "openidm.patch of 'schema'"),
            ("\nif (object.sn.length() > 3) { }", 2, "'length()' is a method of Java"),
            ("object.x.entrySet().iterator()", 1, "'entrySet()'"),
            ("x = org.forgerock.y(1)", 1, "'org' is Java"),
            ("var o = {org: 1}; org.forgerock.y(o)", 1, "'org' is Java"),
            ("java.util.UUID.randomUUID().toString()", 1, "'java' is Java"),
            ("java.time.ZonedDateTime.now(java.time.ZoneOffset.UTC).minusDays(1)", 1, "'java' is Java"),
            ("java.time.ZonedDateTime.now(java.time.ZoneId.of('X')).toString()", 1, "'java' is Java"),
        ] {
            let found = found(text).unwrap_or_else(|| panic!("{text}"));
            assert!(found.starts_with(&format!("line {line}: ")) && found.contains(what), "{text}: {found}");
        }
    }

    #[test]
    fn what_is_offered_or_only_looks_like_a_call_is_not() {
        for text in [
            "openidm.read('managed/user/' + id)",
            "openidm.query('managed/role', {_queryFilter: 'true'})",
            "openidm.action('external/email', 'send', {})",
            "openidm.action('managed/user', 'patch', ops, {_queryId: 'for-userName', uid: f(a, 'b')})",
            "openidm.action(path, action); openidm['read'](`managed/user/${id}`)",
            "typeof openidm !== 'undefined'; var all = {openidm: 1}; object.openidm = 2",
            "openidm.action('policy/managed/user/*', 'validateObject', object)",
            "openidm.create(path, null, object)",
            "openidm.read(`${path}`); openidm.read(`/${path}`); openidm.read('/' + path); openidm.read('' + path)",
            "openidm.query(`${collection}/${id}`, {_queryFilter: 'true'}); openidm.action(`${path}`, 'patch', [])",
            "// openidm.action('sync')\n/* java.lang.System */ 'java.lang' + \"require('x')\"",
            "require('naming').f; require('./naming'); require(\"onCreateUser\").setDefaultFields(object)",
            "object.org.name; var com = {}; com.x = 1; object.load(1)",
            "var r = /'java.x/; r.test(a) / 2; a = b / c; openidm.isHashed(x)",
            "identityServer.getProperty('a', 'b')",
            "var _ = require('lib/lodash'); _.map(x, 'a'); _(x).anything(); other._.template; _ .find(y)",
            "/** doc ** java. */ `java. ${1}`",
            "orgs.forEach(org => { object.out = org.name; }); function f(java) { return java.x; } try { } catch (load) { load(); }",
            "var a, org = {}; org.x = 1; const {javax} = a; javax.y = 2; com.given = 3",
            "openidm.read('internal/role/x'); openidm.query('internal/user', {_queryFilter: 'true'}); openidm.read('schema/' + resourceName.head(2))",
            "openidm.action('external/email', 'sendEmail', {}, {_to: 'a'}); openidm.read('' + a); openidm.create('m' + x, null, {})",
            "var o = {length: function () { return 1; }}; o.length(); object.sn.length > 3; a.length\n(b)",
            "require('naming').map().containsKey('a'); class A { keySet() { } } new A().keySet()",
            "var d = {date: java.time.ZonedDateTime.now( java.time.ZoneOffset.UTC ).toString()}; java.time.Instant.now().toString()",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
