//! The keys of the files that are read here, each declared once: the readers find unknown keys by these tables, and the reference is
//! made of them.
//!
//! The rule easiest to break: a key that is read and not honoured is `Refused` or has `NoMeaning`, with the reason; only what takes
//! effect is `InForce`.

use std::fmt::Write as _;

use crate::diagnostic::Severity;

use crate::loose::Node;

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// What it says happens.
    InForce,
    /// What it asks for does not exist here; the part of the file it belongs to is refused, with the reason.
    Refused,
    /// It is about a part of the product that does not exist here, or about nothing any more.
    NoMeaning,
}

/// A key of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What becomes of it.
    pub standing: Standing,
    /// What it says, or why it has no meaning.
    pub text: &'static str,
}

/// The keys of one object of a file.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The file in `conf`.
    pub file: &'static str,
    /// Which object of it; empty for the whole.
    pub object: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

const fn used(name: &'static str, text: &'static str) -> Key {
    Key { name, standing: Standing::InForce, text }
}

const fn refused(name: &'static str, text: &'static str) -> Key {
    Key { name, standing: Standing::Refused, text }
}

const fn idle(name: &'static str, text: &'static str) -> Key {
    Key { name, standing: Standing::NoMeaning, text }
}

macro_rules! tables {
    ($shown:vis list; $($name:ident = $file:literal, $object:literal: [$($key:expr),* $(,)?];)*) => {
        $(pub(crate) const $name: Table = Table { file: $file, object: $object, keys: &[$($key),*] };)*
        /// Every table, in the order of the reference.
        $shown const TABLES: &[Table] = &[$($name),*];
    };
}

pub(crate) mod objects;

tables! {
    pub list;
    ACCESS = "access.json", "": [used("configs", "The rules; a request is allowed if one of them allows it.")];
    ACCESS_RULE = "access.json", "configs": [
        used("pattern", "The resources it speaks of."),
        used("roles", "To whom."),
        used("methods", "Which methods it allows."),
        used("actions", "Which actions it allows."),
        used("customAuthz", "An expression that must hold, too."),
        used("excludePatterns", "Resources it does not speak of."),
        idle("description", "A comment."),
        idle("comment", "A comment."),
    ];
    AUTH_PROFILE = "auth.profile.json", "": [
        used("profileEnhancementProcesses", "The processes a person may owe at sign-in."),
        used("authorizationRole", "The role that is withheld meanwhile."),
        idle("authenticationRole", "In shipped files and documented nowhere."),
    ];
    AUTHENTICATION = "authentication.json", "": [
        used("serverAuthContext", "How people sign in."),
        idle("rsFilter", "Tokens of an access manager are not accepted; the documented default modules are used."),
    ];
    AUTH_CONTEXT = "authentication.json", "serverAuthContext": [
        used("sessionModule", "The session."),
        used("authModules", "The ways to sign in, in order."),
        idle("auditLogger", "Every sign-in is audited."),
        idle("noAuthFallback", "Nobody is somebody without signing in; what is open to everybody is said by the access rules, and metrics have an address of their own."),
    ];
    AUTH_MODULE = "authentication.json", "serverAuthContext/authModules": [
        used("name", "What the module does; one that does not exist here signs nobody in."),
        used("enabled", "Whether it is used."),
        used("properties", "What belongs to it."),
    ];
    MODULE_PROPERTIES = "authentication.json", "serverAuthContext/authModules/properties, of `STATIC_USER`, `MANAGED_USER` and `INTERNAL_USER`": [
        used("username", "With `STATIC_USER`: the name."),
        used("password", "With `STATIC_USER`: the password, in the clear or encrypted."),
        used("queryOnResource", "Where the users are."),
        used("queryId", "The product's query that finds them; with one of the project's own nobody gets in, unless it is waived."),
        used("vestibule", "`{\"waive\": [\"queryId\"]}`: the mapped property finds people in place of a query of the project's own."),
        used("defaultUserRoles", "Roles of everybody who signs in this way."),
        used("defaultRoles", "The same, as some files spell it."),
        used("propertyMapping", "Which properties hold name, password and roles."),
        used("augmentSecurityContext", "A script that has a say in a sign-in: it may refuse it, change the roles and add to `authorization`. One that cannot be run lets nobody in."),
        used("runAsProperties", "For whom the users may act by `X-OpenIDM-RunAs`."),
        idle("managedUserLink", "Users of other systems do not sign in here."),
        idle("groupMembership", "Groups of other systems are not known here."),
        idle("groupRoleMapping", "As `groupMembership`."),
        idle("groupComparisonMethod", "As `groupMembership`."),
    ];
    PROPERTY_MAPPING = "authentication.json", "serverAuthContext/authModules/properties/propertyMapping": [
        used("authenticationId", "The name people sign in with."),
        used("userCredential", "Their password."),
        used("userRoles", "Their roles."),
        used("effectiveUserRoles", "The same in some files. A property that computes roles stands for the one out of which it does."),
        idle("groupMembership", "Groups of other systems are not known here."),
        idle("groupRoleMapping", "As `groupMembership`."),
        idle("groupComparisonMethod", "As `groupMembership`."),
        idle("additionalUserFields", "The whole object is known here."),
    ];
    RUN_AS = "authentication.json", "serverAuthContext/authModules/properties/runAsProperties": [
        used("adminRoles", "Whoever has one of them may act for others; without any, nobody may."),
        used("disallowedRunAsRoles", "Whoever has one of them cannot be acted for."),
        used("queryOnResource", "Where the people are; only managed objects can be acted for."),
        used("queryId", "As that of the module."),
        used("vestibule", "As that of the module."),
        used("propertyMapping", "Which properties hold name and roles."),
        used("defaultUserRoles", "Roles of everybody who is acted for."),
        used("defaultRoles", "The same, as some files spell it."),
        used("augmentSecurityContext", "As that of the module."),
    ];
    SESSION = "authentication.json", "serverAuthContext/sessionModule/properties": [
        used("maxTokenLifeMinutes", "Longest life of a session."),
        used("maxTokenLifeSeconds", "The same in seconds; stronger."),
        used("tokenIdleTimeMinutes", "Longest rest of a session."),
        used("tokenIdleTimeSeconds", "The same in seconds; stronger."),
        used("sessionOnly", "Whether the cookie ends with the browser."),
        idle("isHttpOnly", "The cookie is hidden from scripts, whatever it says."),
        used("isSecure", "Whether the cookie is sent over TLS only."),
        used("sessionCookieName", "Name of the cookie."),
        used("cookieName", "The same, as other releases spell it."),
        used("jwtTokenCookieName", "The same, as other releases spell it."),
        used("cookieDomains", "Domains the cookie is sent to."),
        used("enableDynamicRoles", "Whether roles are looked up at every request."),
        idle("keyAlias", "Sessions are kept in the store; no key of the old keystore seals them."),
        idle("privateKeyPassword", "As `keyAlias`."),
        idle("keystoreType", "As `keyAlias`."),
        idle("keystoreFile", "As `keyAlias`."),
        idle("keystorePassword", "As `keyAlias`."),
        idle("encryptionKeyAlias", "As `keyAlias`."),
    ];
    CONSENT = "consent.json", "": [used("enabled", "Whether consent is asked for at all (5.5 to 6.5).")];
    EMAIL = "external.email.json", "": [
        used("type", "`smtp` or `msgraph`; another type is refused."),
        used("mailEndpoint", "With `msgraph`: the address of a mailbox's `sendMail`."),
        used("host", "The mail server."),
        used("port", "Its port."),
        used("auth", "How to sign in to it."),
        used("starttls", "Whether STARTTLS is used."),
        used("ssl", "Whether TLS is used from the first byte."),
        used("from", "The sender of mails that name none."),
        used("timeout", "Longest wait for an answer, in milliseconds."),
        used("writetimeout", "Longest time for a write, in milliseconds."),
        used("connectiontimeout", "Longest wait for a connection, in milliseconds."),
        used("smtpProperties", "Properties of the Java mail library; those without effect are named."),
        idle("debug", "What a mail server said is in the log of the outbox."),
        idle("threadPoolSize", "The courier bounds its own work."),
        idle("messageSentTemplate", "Nothing is told to the administrator per mail."),
    ];
    EMAIL_AUTH = "external.email.json", "auth": [
        used("enable", "Whether to sign in."),
        used("username", "The name."),
        used("password", "The password, in the clear or encrypted."),
        used("type", "`basic` or `oauth2`; another type is refused."),
    ];
    EMAIL_CLIENT = "external.email.json", "auth, with `oauth2` and with `msgraph`": [
        used("enable", "Whether to sign in."),
        used("username", "The mailbox that sends."),
        used("type", "`oauth2`."),
        used("clientId", "Who asks for the token."),
        used("clientSecret", "How the client shows who it is, in the clear or encrypted."),
        used("tokenEndpoint", "Who gives the token."),
        used("scope", "What the token is for."),
        used("scopeDelimiter", "What parts the scopes; a blank where nothing is said."),
        used("grantType", "`client_credentials`; another one is refused."),
        idle("password", "The token takes its place."),
    ];
    SCRIPT = "script.json", "": [
        used("sources", "Directories in which scripts are looked for, beside `script`, each with a name of its own."),
        idle("properties", "The sandbox has limits of its own."),
        idle("ECMAScript", "The sandbox has limits of its own."),
        idle("Groovy", "Nothing of Groovy is run."),
    ];
    EMAIL_TEMPLATE = "emailTemplate-*.json", "": [
        used("enabled", "Whether the mail is sent."),
        used("from", "Its sender."),
        used("subject", "Its subject by language."),
        used("message", "Its text by language."),
        used("html", "The same in newer files."),
        used("defaultLocale", "The language of people who speak none of the others."),
        used("mimeType", "`text/html` or `text/plain`."),
        used("styles", "A style sheet for HTML."),
        idle("passwordRules", "The server never chooses a password."),
        idle("passwordLength", "The server never chooses a password."),
        idle("types", "About the administration pages."),
        idle("advancedEditor", "About the administration pages."),
        idle("displayName", "About the administration pages."),
        idle("name", "About the administration pages."),
        idle("description", "About the administration pages."),
        idle("templateId", "About the administration pages."),
    ];
    IDENTITY_PROVIDERS = "identityProviders.json", "": [
        used("providers", "The identity providers; a file of its own comes before an element of the same name."),
        idle("copyright", "A comment."),
    ];
    IDENTITY_PROVIDER = "identityProviders.json", "providers": [
        used("enabled", "Whether it is used; a provider without `clientId` is a template in any case."),
        used("provider", "Its name, and that of the type of its linked accounts."),
        used("name", "Its name, in the first releases."),
        used("type", "`OPENID_CONNECT`, or OAuth 2.0."),
        used("icon", "How it looks; shown to clients."),
        used("displayIcon", "How it looks; shown to clients."),
        used("uiConfig", "How it looks; shown to clients."),
        used("authorizationEndpoint", "Where people sign in. https, or http to this machine, as every address here."),
        used("authorization_endpoint", "The same, in the first releases."),
        used("tokenEndpoint", "Who gives tokens."),
        used("token_endpoint", "The same, in the first releases."),
        used("userInfoEndpoint", "Who says who somebody is."),
        used("userinfo_endpoint", "The same, in the first releases."),
        used("user_info_endpoint", "The same, in the first releases."),
        used("wellKnownEndpoint", "Where all this can be read; the file comes first."),
        used("well-known", "The same, in the first releases."),
        used("well_known_endpoint", "The same, in the first releases."),
        used("discovery_url", "The same, in the first releases."),
        used("jwksUriEndpoint", "Its keys."),
        used("jwks_uri", "The same, in the first releases."),
        used("endSessionEndpoint", "Where a session there ends."),
        used("end_session_endpoint", "The same, in the first releases."),
        used("issuer", "What its tokens say; `{tenantid}` stands for the token's `tid`."),
        idle("issuerComparisonCheckType", "An issuer is always compared whole."),
        used("clientId", "Who asks; everybody may know it."),
        used("client_id", "The same, in the first releases."),
        used("clientSecret", "How; never shown. A PEM text with `teamId` and `keyId` signs Apple's secret for each request."),
        used("client_secret", "The same, in the first releases."),
        used("scope", "What is asked for: a list, or a text."),
        used("redirectUri", "Where people come back to; sent as it is written. A file of the first releases has none: its clients ask the provider themselves."),
        used("redirect_uri", "The same, in the first releases."),
        used("basicAuth", "Whether the secret travels in a header."),
        used("clientAuthenticationMethod", "How the client shows who it is, as `tokenEndpointAuthMethod` of `vestibule`."),
        used("authenticationIdKey", "The member of the profile that names an account; one that is an address refuses the provider."),
        used("apiVersion", "By which version of its interface VKontakte is asked for the profile."),
        used("authenticationId", "The same, in the first releases."),
        used("schema", "Members of the profile that are kept with a linked account."),
        used("propertyMap", "How its profile becomes a common one: `{source, target, transform}`; a transform is a script, inline or a file."),
        used("normalizationScript", "A script that is given `rawProfile` and gives members of the common profile; they count more than those of the map."),
        used("configClass", "Whether it speaks OpenID Connect."),
        idle("pkceMethod", "Always S256."),
        used("requestTokenEndpoint", "OAuth 1.0a, which refuses the provider."),
        used("tokenEndpointAuthMethod", "As in `vestibule`."),
        used("privateKey", "As in `vestibule`."),
        used("keyId", "As in `vestibule`."),
        used("teamId", "As in `vestibule`."),
        used("vestibule", "Ours: `tokenEndpointAuthMethod`, `privateKey`, `keyId`, `teamId`, `confirmsMail`."),
    ];
    IDENTITY_PROVIDER_OPTIONS = "identityProviders.json", "providers/vestibule": [
        used("tokenEndpointAuthMethod", "How the client shows who it is: `client_secret_basic`, `client_secret_post`, `client_secret_jwt`, `private_key_jwt`, `none`."),
        used("privateKey", "A PEM text, in the clear or encrypted, that signs what shows who the client is."),
        used("keyId", "The key's name."),
        used("teamId", "With Apple: the team the key belongs to."),
        used("confirmsMail", "`true`: an address that the provider confirmed needs no mail of ours, for somebody new."),
    ];
    IDENTITY_PROVIDER_ROW = "identityProviders.json", "providers/propertyMap": [
        used("source", "The member of the provider's profile."),
        used("target", "The member of the common one."),
        used("transform", "A script that is given `source` and gives the value."),
    ];
    IDENTITY_PROVIDER_FILE = "identityProvider-*.json", "": [
        used("…", "As an element of `providers`."),
    ];
    JSON_STORE = "jsonstore.json", "": [
        used("entryExpireSeconds", "Life of a stored token, from its last step."),
        used("cleanupDwellSeconds", "Time between two sweeps."),
        used("cleanupDwellSecondsliteral", "The same, as one edition of the documentation prints it."),
    ];
    ROUTER = "router.json", "": [
        used("filters", "Scripts in front of resources. What the product's own do happens by itself."),
    ];
    ROUTER_FILTER = "router.json", "filters": [
        used("pattern", "The resources that a filter of the project's own guards."),
        used("methods", "What is done with them."),
        used("onRequest", "A script that sees the request first, and may change or refuse it."),
        refused("onResponse", "A script of the project's own: every request that it would be run for is refused, unless it is waived."),
        refused("onFailure", "As `onResponse`."),
        used("condition", "A script that says whether the filter is run. The product's filters hold always."),
        used("vestibule", "`{\"waive\": [\"onRequest\"]}`: the script is not run, and nothing is refused for it."),
    ];
    ROLE = "repo.init.json", "insert/internal/role": [
        used("id", "The role's id."),
        used("_id", "The same in newer files."),
        used("name", "Its name."),
        used("description", "What it is for."),
        used("privileges", "What its holders may do."),
        refused("condition", "Roles are given by name, not by a condition; with one, nobody has the role."),
        refused("temporalConstraints", "Roles are given for good; with a limit of time, nobody has the role. A grant of it may have one."),
    ];
    PRIVILEGE = "repo.init.json", "insert/internal/role/privileges": [
        used("name", "Its name."),
        used("path", "The objects it is about."),
        used("permissions", "`VIEW`, `CREATE`, `UPDATE`, `DELETE`."),
        used("filter", "Which of the objects."),
        used("accessFlags", "Which properties, and which of them for reading only."),
        idle("description", "A comment."),
        idle("actions", "No actions are delegated."),
    ];
    ACCESS_FLAG = "repo.init.json", "insert/internal/role/privileges/accessFlags": [
        used("attribute", "The property."),
        used("readOnly", "Whether it may be read only."),
    ];
    NOTIFICATION_FACTORY = "notificationFactory.json", "": [
        used("enabled", "Whether there are notifications at all."),
        idle("threadPool", "A notification is written with what it is about."),
    ];
    NOTIFICATION = "notification-*.json", "": [
        used("enabled", "Whether it is made."),
        used("path", "The objects it is about: `managed/user/*`."),
        used("methods", "The operations it is about: `create`, `update`, `patch`."),
        used("condition", "The product's `propertiesModifiedFilter` with `globals.propertiesToCheck`, or a script of one's own, which says `true` of a write."),
        used("target", "`managed/user/{{response/_id}}`, the object that was written, or another one by a property of it: `managed/user/{{response/manager/_refResourceId}}`."),
        used("notification", "`notificationType` and `message`, with `{{response/…}}` for members of the object."),
    ];
    QUESTIONS = "selfservice.kba.json", "": [
        used("kbaPropertyName", "The property that holds people's questions."),
        used("questions", "The questions by id and language."),
        used("minimumAnswersToDefine", "How many answers a person gives."),
        used("minimumAnswersToVerify", "How many are asked for."),
        used("numberOfAttemptsAllowed", "Wrong answers after which the questions are locked."),
        used("kbaAttemptsPropertyName", "The property that counts them."),
        used("vestibule", "Options of ours."),
    ];
    QUESTIONS_OPTIONS = "selfservice.kba.json", "vestibule": [
        used("minimumAnswerLength", "Characters that an answer has at least."),
        used("minimumQuestionLength", "Characters that a question of one's own has at least."),
    ];
    TERMS = "selfservice.terms.json", "": [
        used("versions", "The texts."),
        used("active", "The version in force."),
        used("uiConfig", "Title, button and purpose, for the pages."),
    ];
    CORS = "servletfilter-*.json", "initParams": [
        used("allowedOrigins", "Origins whose pages may call."),
        used("allowedMethods", "With which methods."),
        used("allowedHeaders", "With which headers."),
        used("exposedHeaders", "Headers such pages may read."),
        used("preflightMaxAge", "Seconds a browser may remember the answer."),
        used("allowCredentials", "Whether with the person's session."),
        idle("allowedTimingOrigins", "No timing is disclosed."),
        idle("chainPreflight", "A preflight is answered at once."),
    ];
    UI_CONFIGURATION = "ui-configuration.json", "": [used("configuration", "What `info/uiconfig` answers, with the switches of the processes.")];
}

impl Table {
    fn names(&self, standing: impl Fn(Standing) -> bool) -> Vec<&'static str> {
        self.keys.iter().filter(|key| standing(key.standing)).map(|key| key.name).collect()
    }
}

impl Node<'_> {
    /// Warns of members that no table knows, with the nearest spelling of one that is in force.
    pub(crate) fn expect(&self, table: &Table) {
        let in_force = table.names(|standing| standing == Standing::InForce);
        self.expect_keys(Severity::Warning, &in_force, &table.names(|standing| standing != Standing::InForce));
    }

    /// The same for objects in which operators keep notes of their own: a hint.
    pub(crate) fn expect_some(&self, table: &Table) {
        let in_force = table.names(|standing| standing == Standing::InForce);
        self.expect_keys(Severity::Hint, &in_force, &table.names(|standing| standing != Standing::InForce));
    }
}

/// The tables as a page of the reference.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Keys of the files\n\nGenerated by `vestibule reference` from the tables that the readers themselves use. Keys of stages are in \
         [stages](stages.md), those of `vestibule.toml` in [its own page](../configuration.md). A key that is in no table is named by \
         `vestibule check`, with the nearest spelling; one that begins with `_` or `#` is switched off by custom.\n",
    );
    for table in TABLES.iter().chain(objects::TABLES) {
        let object = if table.object.is_empty() { String::new() } else { format!(", {}", table.object) };
        // Writing to a String does not fail.
        let _ = writeln!(page, "\n## `conf/{}`{object}\n\n| Key | | |\n|---|---|---|", table.file);
        for key in table.keys {
            let standing = match key.standing {
                Standing::InForce => "in force",
                Standing::Refused => "refused",
                Standing::NoMeaning => "has no meaning here",
            };
            let _ = writeln!(page, "| `{}` | {standing} | {} |", key.name, key.text);
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_declared_twice_in_one_object() {
        for table in TABLES.iter().chain(objects::TABLES) {
            let mut names: Vec<&str> = table.keys.iter().map(|key| key.name).collect();
            names.sort_unstable();
            names.windows(2).for_each(|pair| assert_ne!(pair[0], pair[1], "{} {}", table.file, table.object));
        }
    }
}
