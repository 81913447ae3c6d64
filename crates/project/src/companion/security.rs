//! What a module says beside who its users are: for whom they may act (`runAsProperties`), and the script that has a say in what a
//! sign-in is worth (`augmentSecurityContext`; authentication guide, "Authenticate as a different user").
//!
//! The rule easiest to break: both lower what somebody may do. What of them cannot be honoured closes the way it stands at, and never
//! leaves the caller with what they came with.

use identity::{PEOPLE, ScriptFiles};
use script::Program;
use serde_json::{Map, Value};

use crate::diagnostic::Severity;
use crate::keys;
use crate::loose::Node;

/// Which property holds what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyMapping {
    /// The name a person signs in with, `username`.
    pub authentication_id: String,
    /// The password, `password`.
    pub user_credential: String,
    /// The roles, `authzRoles`.
    pub user_roles: Option<String>,
}

impl Default for PropertyMapping {
    fn default() -> Self {
        Self { authentication_id: "username".to_owned(), user_credential: "password".to_owned(), user_roles: Some("authzRoles".to_owned()) }
    }
}

impl PropertyMapping {
    /// Where roles are.
    #[must_use]
    pub fn roles_property(&self) -> &str {
        self.user_roles.as_deref().unwrap_or("authzRoles")
    }
}

/// For whom, and on which conditions, a module's users may act by `X-OpenIDM-RunAs`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunAs {
    /// Whoever has one of these roles may; nobody where there is none.
    pub admin_roles: Vec<String>,
    /// Nobody may act for whoever has one of these.
    pub disallowed_roles: Vec<String>,
    /// Roles of everybody who is acted for, beside their own.
    pub roles: Vec<String>,
    /// Where the people are, `managed/user`.
    pub resource: String,
    /// The stored query that finds them; shown in the login answer.
    pub query_id: Option<String>,
    /// Their properties.
    pub mapping: PropertyMapping,
    /// What has a say in it.
    pub script: SecurityScript,
}

/// `augmentSecurityContext`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SecurityScript {
    /// There is none, or it is the product's own, whose effect is native.
    #[default]
    None,
    /// The project's own, with the variables that it finds: what it makes of `security` counts.
    Own(Program, Map<String, Value>),
    /// It cannot be run, so nobody gets in this way.
    Refused,
}

impl RunAs {
    pub(crate) fn read(node: &Node<'_>, files: &ScriptFiles) -> Option<Self> {
        node.object()?;
        node.expect(&keys::RUN_AS);
        node.get("propertyMapping").expect(&keys::PROPERTY_MAPPING);
        let admin_roles = node.get("adminRoles").texts();
        if admin_roles.is_empty() {
            let message = "there are no 'adminRoles', so nobody may act for anybody";
            node.report(Severity::Warning, "run-as", message, Some("name the roles of those who may".to_owned()));
        }
        let written = node.get("queryOnResource");
        let resource = written.filled_text().map_or_else(|| PEOPLE.to_owned(), |text| text.trim_matches('/').to_owned());
        if !resource.starts_with("managed/") {
            let message = format!("only managed objects can be acted for, and '{resource}' are none; every such request is refused");
            written.report(Severity::Warning, "run-as", message, Some(format!("say \"{PEOPLE}\"")));
        }
        let (query_id, found) = query_id(node);
        let disallowed = node.get("disallowedRunAsRoles").all_texts();
        // Whoever may not be acted for is not known, or where the people are.
        let refused = !found || disallowed.is_err() || written.strictly(Node::filled_text).is_err();
        Some(Self {
            admin_roles,
            disallowed_roles: disallowed.unwrap_or_default(),
            roles: node.get_any(&["defaultUserRoles", "defaultRoles"]).texts(),
            resource,
            query_id,
            mapping: mapping(&node.get("propertyMapping")),
            script: SecurityScript::read(&node.get("augmentSecurityContext"), files).unless(refused),
        })
    }
}

/// The product's own queries for people and internal users; what another one finds, or leaves out, is not known here.
const QUERIES: [&str; 4] = ["credential-query", "for-userName", "credential-internaluser-query", "for-internalcredentials"];
/// The word that waives a query of the project's own.
const QUERY_ID: &str = "queryId";

/// The stored query that finds the users of a module, and whether they can be found at all: a query of the project's own may leave people
/// out, so nobody gets in by it, unless `"vestibule": {"waive": ["queryId"]}` stands beside it.
pub(crate) fn query_id(properties: &Node<'_>) -> (Option<String>, bool) {
    let node = properties.get(QUERY_ID);
    let Ok(id) = node.strictly(Node::filled_text) else { return (None, false) };
    let own = id.as_ref().filter(|id| !QUERIES.contains(&id.as_str()));
    let waived = waives_query(properties, own.is_some());
    if let Some(id) = own {
        let (severity, message, help) = if waived {
            let message =
                format!("waived by the project: the query '{id}' is not run, and the mapped property finds people, if they are active");
            (Severity::Warning, message, None)
        } else {
            let message = format!("the query '{id}' is the project's own and is not run here, so nobody gets in this way");
            let near = crate::diagnostic::suggestion(id, QUERIES);
            let way_out =
                "say \"credential-query\", or \"vestibule\": {\"waive\": [\"queryId\"]} beside it to find people by the mapped property";
            (Severity::Error, message, near.or_else(|| Some(way_out.to_owned())))
        };
        node.report(severity, "own-query", message, help);
    }
    let found = own.is_none() || waived;
    (id, found)
}

/// Whether the project waives its own query; any other word, and one that waives nothing, is an error.
fn waives_query(properties: &Node<'_>, own: bool) -> bool {
    let listed = properties.get("vestibule").get("waive");
    let mut waived = false;
    for word in listed.items() {
        if own && word.text().as_deref() == Some(QUERY_ID) {
            waived = true;
        } else {
            let message = "this waives nothing that stands here; 'queryId', where it is a query of the project's own, is all that can be";
            word.report(Severity::Error, "unknown-waiver", message, None);
        }
    }
    waived
}

pub(crate) fn mapping(node: &Node<'_>) -> PropertyMapping {
    let default = PropertyMapping::default();
    PropertyMapping {
        authentication_id: node.get("authenticationId").filled_text().unwrap_or(default.authentication_id),
        user_credential: node.get("userCredential").filled_text().unwrap_or(default.user_credential),
        user_roles: node.get_any(&["userRoles", "effectiveUserRoles"]).filled_text(),
    }
}

/// Keys of a script that are no variables.
const OF_SCRIPT: [&str; 4] = ["type", "source", "file", "globals"];

/// Variables that such a script has in IDM and not here.
const ELSEWHERE: [&str; 3] = ["httpRequest", "request", "context"];

impl SecurityScript {
    /// The same, or nobody gets in for another reason.
    pub(crate) fn unless(self, refused: bool) -> Self {
        if refused { Self::Refused } else { self }
    }

    pub(crate) fn read(node: &Node<'_>, files: &ScriptFiles) -> Self {
        if !node.is_said() {
            return Self::None;
        }
        // That it is no object is said.
        let Some(members) = node.object() else { return Self::Refused };
        let refused = |at: &Node<'_>, reason: &str| {
            let message = format!("the script cannot be run here ({reason}), so nobody gets in this way");
            at.report(Severity::Error, "security-script", message, Some("take it out, or write it in JavaScript".to_owned()));
            Self::Refused
        };
        let written = node.get("source");
        let (Ok(file), Ok(source)) = (node.get("file").strictly(Node::filled_text), written.script_text()) else {
            return Self::Refused;
        };
        let text = match (file, source) {
            (Some(file), _) if files.is_of_sign_in(&file) => return Self::None,
            (Some(file), _) => match files.text(&file) {
                Some(text) => text.to_owned(),
                None => return refused(&node.get("file"), &format!("there is no file '{file}'")),
            },
            (None, Some(source)) if only_calls_product(&source, files) => return Self::None,
            (None, Some(source)) => source,
            // An empty script does nothing.
            (None, None) if written.is_present() => return Self::None,
            (None, None) => return refused(node, "there is neither a 'source' nor a 'file'"),
        };
        let is_groovy = |text: Option<String>| text.is_some_and(|text| text.to_ascii_lowercase().contains("groovy"));
        if is_groovy(node.get("type").filled_text()) || is_groovy(node.get("file").filled_text().filter(|file| file.ends_with(".groovy"))) {
            return refused(node, "it is Groovy");
        }
        if let Some(obstacle) = files.obstacle_to_reading(&text).or_else(|| files.use_of(&text, &ELSEWHERE)) {
            return refused(node, &obstacle);
        }
        // The last expression of a script is its value.
        match identity::compile(&format!("{text}\n;security"), "augmentSecurityContext") {
            Ok(program) => {
                let mut globals: Map<String, Value> =
                    members.iter().filter(|(name, _)| !OF_SCRIPT.contains(&name.as_str())).map(pair).collect();
                globals.extend(node.get("globals").value().and_then(Value::as_object).into_iter().flatten().map(pair));
                Self::Own(program, globals)
            }
            Err(error) => refused(node, &error.to_string()),
        }
    }
}

fn pair((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// Whether a script does nothing but call the product's own: statements `require('auth/…').function(names)`, whose value may be kept in a
/// variable.
fn only_calls_product(source: &str, files: &ScriptFiles) -> bool {
    let mut statements = source.split(';').map(str::trim).filter(|statement| !statement.is_empty()).peekable();
    let known = |statement: &str| {
        let called = value_kept(statement).strip_prefix("require(").and_then(|rest| {
            let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
            rest.get(1..)?.split_once(quote)
        });
        called.is_some_and(|(module, rest)| {
            let plain = |c: char| c.is_ascii_alphanumeric() || " \t\n._,()'\"".contains(c);
            files.is_of_sign_in(module) && rest.starts_with(").") && rest.matches('(').count() == 1 && rest.chars().all(plain)
        })
    };
    statements.peek().is_some() && statements.all(known)
}

/// What a statement keeps in a variable that it declares; the statement itself where it declares none.
fn value_kept(statement: &str) -> &str {
    let declared = ["var ", "let ", "const "].iter().find_map(|keyword| statement.strip_prefix(keyword));
    let kept = declared.and_then(|rest| rest.split_once('='));
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    kept.filter(|(name, _)| is_name(name.trim())).map_or(statement, |(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity::Directories;
    use serde_json::json;

    fn only_calls_product(source: &str) -> bool {
        super::only_calls_product(source, &ScriptFiles::default())
    }

    fn is_of_product(module: &str) -> bool {
        ScriptFiles::default().is_of_sign_in(module)
    }

    #[test]
    fn a_script_of_the_projects_own_is_not_the_products_whatever_its_name() {
        let own = ScriptFiles::gather([&json!({"file": "auth/customAuthz.js"})], &|path| {
            (path == "script/auth/customAuthz.js").then(|| "throw {code: 401}".to_owned())
        });
        assert!(is_of_product("auth/customAuthz.js") && !own.is_of_sign_in("auth/customAuthz.js"));
        assert!(!super::only_calls_product("require('auth/customAuthz').setProtectedAttributes(security)", &own));
        assert!(own.is_of_sign_in("bin/defaults/script/auth/customAuthz.js"), "the product's own, by its place");
        assert!(!is_of_product("auth/deny-contractors.js"));
        // `&{idm.install.dir}` makes the whole address of it.
        let shipped = "/opt/idm/bin/defaults/script/auth/populateAsManagedUserFromRelationship.js";
        let directories = Directories { home: "/opt/idm/".to_owned(), ..Directories::default() };
        let of_home = ScriptFiles::gather_in(directories, [&json!({ "file": shipped })], &|_| None);
        assert!(of_home.is_of_sign_in(shipped) && !is_of_product(shipped));
    }

    #[test]
    fn the_product_s_own_scripts_are_known_by_name() {
        for source in [
            "require('auth/customAuthz').setProtectedAttributes(security)",
            "require(\"auth/customAuthz\").setProtectedAttributes(security);\n",
            "require('auth/orgPrivileges').assignPrivilegesToUser(resource, security, properties, 'roles', privileges);",
            "require('auth/orgPrivileges').assignPrivilegesToUser(resource, security, properties, subjectMapping, privileges, \
             'privileges', 'privilegeAssignments');",
            "var augmentYield = require('auth/customAuthz').setProtectedAttributes(security);\
             require('auth/orgPrivileges').assignPrivilegesToUser(resource, security, properties, subjectMapping, privileges, \
             'privileges', 'privilegeAssignments', augmentYield);",
        ] {
            assert!(only_calls_product(source), "{source}");
        }
        for source in [
            "",
            "security.authorization.roles = []",
            "require('auth/customAuthz').setProtectedAttributes(security); security.authorization.roles.pop()",
            "require('mine').run(security)",
            "var kept = require('mine').run(security)",
            "security.authorization = require('auth/customAuthz').setProtectedAttributes(security)",
            "var a.b = require('auth/customAuthz').setProtectedAttributes(security)",
            "require('auth/customAuthz').setProtectedAttributes(function () { return security }())",
        ] {
            assert!(!only_calls_product(source), "{source}");
        }
        assert!(is_of_product("auth/populateAsManagedUser.js") && is_of_product("bin/defaults/script/auth/mapRolesFromLDAP.js"));
        assert!(!is_of_product("script/auth.js") && !is_of_product("mine/auth/x.js"));
    }
}
