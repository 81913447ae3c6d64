//! The product's rules, from the table in docs/protocol/access.md, "Stock rules".

use super::{AccessRule, AccessRules, Condition};

const EVERYBODY: &str = "*";
const AUTHORIZED: &str = "internal/role/openidm-authorized";
const REGISTERING: &str = "internal/role/openidm-reg";
const ADMINISTRATOR: &str = "internal/role/openidm-admin";

fn list(text: &str) -> Vec<String> {
    text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn rule(pattern: &str, roles: &str, methods: &str, actions: &str, conditions: Vec<Condition>) -> AccessRule {
    AccessRule {
        pattern: pattern.to_owned(),
        exclude: Vec::new(),
        roles: list(roles),
        methods: list(methods),
        actions: list(actions),
        conditions,
    }
}

fn feature(names: &str) -> Vec<Condition> {
    vec![Condition::FeatureEnabled(list(names))]
}

fn only_editable() -> Condition {
    Condition::OnlyEditableProperties { object: "user".to_owned(), also: Vec::new() }
}

/// Everything but the repository itself.
pub(super) fn administrators() -> AccessRule {
    AccessRule { exclude: list("repo,repo/*"), ..rule("*", ADMINISTRATOR, "*", "*", vec![Condition::NoQueryExpression]) }
}

pub(super) fn rules() -> AccessRules {
    const SUBMIT: &str = "submitRequirements";
    const ANY_FEATURE: &str = "registration,passwordReset,retrieveUsername";
    let own = || vec![Condition::OwnDataOnly];
    let internal = |also: Vec<Condition>| std::iter::once(Condition::SelfServiceRequest).chain(also).collect::<Vec<_>>();
    let registering = || vec![Condition::FeatureEnabled(list("registration")), Condition::SelfServiceRequest, only_editable()];
    let process = |name: &str, conditions| rule(&format!("selfservice/{name}"), EVERYBODY, "read,action", SUBMIT, conditions);
    let rules = vec![
        rule("info/*", EVERYBODY, "read", "", Vec::new()),
        rule("info/features", EVERYBODY, "query", "", Vec::new()),
        rule("authentication", EVERYBODY, "read,action", "login,logout", Vec::new()),
        rule("authentication", AUTHORIZED, "action", "reauthenticate", Vec::new()),
        rule("identityProviders", EVERYBODY, "action", "getAuthRedirect,handlePostAuth,getLogoutUrl", Vec::new()),
        rule("identityProviders", AUTHORIZED, "read,action", "normalizeProfile", Vec::new()),
        // Pages of 4.5 and 5.0 read their switches here instead of in info/uiconfig.
        rule("config/ui/configuration", EVERYBODY, "read", "", Vec::new()),
        rule("config/ui/themeconfig", EVERYBODY, "read", "", Vec::new()),
        rule("config/ui/themerealm", EVERYBODY, "read", "", Vec::new()),
        rule("config/selfservice/kbaConfig", EVERYBODY, "read", "", feature("registration,passwordReset")),
        rule("config/ui/dashboard", AUTHORIZED, "read", "", Vec::new()),
        process("registration", feature("registration")),
        process("socialUserClaim", feature("registration")),
        process("reset", feature("passwordReset")),
        process("username", feature("retrieveUsername")),
        process("profile", Vec::new()),
        process("termsAndConditions", Vec::new()),
        process("kbaUpdate", Vec::new()),
        rule("selfservice/kba", AUTHORIZED, "read", "", feature("kba")),
        rule("selfservice/terms", AUTHORIZED, "read", "", Vec::new()),
        rule("policy/selfservice/registration", EVERYBODY, "read,action", "validateObject", feature("registration")),
        rule("policy/selfservice/reset", EVERYBODY, "read,action", "validateObject", feature("passwordReset")),
        rule("policy/*", AUTHORIZED, "read,action", "*", Vec::new()),
        rule("managed/user", REGISTERING, "create", "", registering()),
        rule("managed/user", EVERYBODY, "query", "", internal(feature(ANY_FEATURE))),
        rule("managed/user/*", EVERYBODY, "read", "", internal(Vec::new())),
        rule("managed/user/*", EVERYBODY, "patch,action", "patch", internal(vec![only_editable()])),
        rule("external/email", EVERYBODY, "action", "send", internal(Vec::new())),
        rule("schema/*", AUTHORIZED, "read", "", Vec::new()),
        rule("consent", AUTHORIZED, "action,query", "*", Vec::new()),
        administrators(),
        rule("*", AUTHORIZED, "read,action,delete", "bind,unbind", own()),
        rule(
            "*",
            AUTHORIZED,
            "update,patch,action",
            "patch",
            [own(), vec![only_editable(), Condition::ReauthIfProtectedAttributeChange]].concat(),
        ),
        rule("selfservice/user/*", AUTHORIZED, "patch,action", "patch", own()),
        rule("internal/usermeta/*", AUTHORIZED, "read", "", vec![Condition::OwnRelationship]),
        rule("internal/notification/*", AUTHORIZED, "read,delete", "", vec![Condition::OwnRelationship]),
        rule("managed/user/*", AUTHORIZED, "read,query", "", vec![Condition::OwnRelationshipCollection(list("_meta,_notifications,idps"))]),
        rule("notification", AUTHORIZED, "action", "deleteNotificationsForTarget", own()),
        rule("privilege", EVERYBODY, "action", "listPrivileges", Vec::new()),
        rule("privilege/*", EVERYBODY, "read", "", Vec::new()),
    ];
    AccessRules { rules, of_project: false }
}
