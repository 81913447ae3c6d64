//! What is peculiar about each provider: one row of data each. A row says which values of old files the provider no longer answers, and what
//! stands in their place today; what is gone altogether; and where the provider departs from the standards.
//!
//! Sources: the providers' own public documentation as of 2026 (docs/protocol/social.md, "Dialects"). Easiest to break: a value is lifted only
//! where it is known to be dead. What the operator wrote and still works stays as it is.

use serde_json::{Map, Value, json};

/// How a dead value is recognised.
enum Dead {
    /// It is one of these texts; letters count as they are written.
    Is(&'static [&'static str]),
    /// It begins with one of these.
    Begins(&'static [&'static str]),
    /// An address whose path begins with `v<number>.`, below this number.
    VersionBelow(u32),
    /// It is a version before this one.
    Before(u32, u32),
}

impl Dead {
    /// What stands in the place of a value, if it is dead. `now` is it, or empty where the version alone is taken out.
    fn lift(&self, value: &str, now: &str) -> Option<String> {
        match self {
            Self::Is(texts) => texts.contains(&value).then(|| now.to_owned()),
            Self::Begins(texts) => texts.iter().any(|text| value.starts_with(text)).then(|| now.to_owned()),
            Self::VersionBelow(limit) => {
                let (scheme, rest) = value.split_once("://")?;
                let (host, path) = rest.split_once('/')?;
                let (version, behind) = path.split_once('/')?;
                let major: u32 = version.strip_prefix('v')?.split_once('.')?.0.parse().ok()?;
                (major < *limit).then(|| format!("{scheme}://{host}/{behind}"))
            }
            Self::Before(major, minor) => {
                let (own, below) = value.split_once('.').unwrap_or((value, "0"));
                let version: (u32, u32) = (own.trim().parse().ok()?, below.trim().parse().ok()?);
                (version < (*major, *minor)).then(|| now.to_owned())
            }
        }
    }
}

/// A value of old files, and today's.
struct Lift {
    key: &'static str,
    dead: Dead,
    now: &'static str,
    why: &'static str,
}

/// What a provider departs in from the standards, and from what files say of it.
pub struct Dialect {
    name: &'static str,
    lifts: &'static [Lift],
    /// Scopes that are dead, and the scopes asked for instead of all of them.
    scopes: (&'static [&'static str], &'static [&'static str], &'static str),
    /// Members of the old profile, with `/` between the parts of a path, and those of today's; taken where the address of the profile is lifted. A path that
    /// is none of them is looked for by its first part.
    members: &'static [(&'static str, &'static str)],
    /// Why the provider cannot be used where the file has one of these beginnings of an authorization endpoint; empty for any.
    gone: Option<(&'static [&'static str], &'static str)>,
    /// The provider speaks OpenID Connect, whatever the file says, once its addresses are today's.
    openid: bool,
    /// Its issuer; `{tenantid}` stands for the token's tenant.
    pub(crate) issuer: Option<&'static str>,
    /// Other spellings of its issuer.
    pub(crate) issuer_also: &'static [&'static str],
    /// Where it says so.
    pub(crate) well_known: Option<&'static str>,
    /// It leaves the nonce out of its ID tokens.
    pub(crate) nonce_is_optional: bool,
    /// It refuses a client that is known by its secret and sends a verifier as well.
    pub(crate) refuses_verifier: bool,
    /// It answers with a POST where scopes are asked for.
    pub(crate) form_post: bool,
    /// The client's secret is a token that the client signs for each request.
    pub(crate) signs_secret: bool,
    /// The names of the client's id and secret.
    pub(crate) client: (&'static str, &'static str),
    /// The access token is a parameter of the question for the profile, and not a header.
    pub(crate) token_in_query: bool,
    /// A question for the profile proves that whoever asks has the client's secret (`appsecret_proof`).
    pub(crate) proves_secret: bool,
    /// A member of the token's answer that goes along with it.
    pub(crate) token_brings: &'static [&'static str],
    /// The parameter of the question for the profile that says by which version of its interface, and the one where the file names none.
    pub(crate) version: Option<(&'static str, &'static str)>,
    /// What stands behind the address that a browser is sent to.
    pub(crate) behind: &'static str,
    /// Where the profile stands in the answer; empty for the whole of it.
    pub(crate) profile_at: &'static str,
    /// What stands between two scopes.
    pub(crate) between_scopes: &'static str,
}

/// A provider that keeps to the standards.
const PLAIN: Dialect = Dialect {
    name: "",
    lifts: &[],
    scopes: (&[], &[], ""),
    members: &[],
    gone: None,
    openid: false,
    issuer: None,
    issuer_also: &[],
    well_known: None,
    nonce_is_optional: false,
    refuses_verifier: false,
    form_post: false,
    signs_secret: false,
    client: ("client_id", "client_secret"),
    token_in_query: false,
    proves_secret: false,
    token_brings: &[],
    version: None,
    behind: "",
    profile_at: "",
    between_scopes: " ",
};

/// A version of VKontakte's interface that it answers by today.
const VK_VERSION: &str = "5.199";

const DIALECTS: &[Dialect] = &[
    Dialect {
        name: "google",
        lifts: &[
            Lift {
                key: "authorizationEndpoint",
                dead: Dead::Is(&["https://accounts.google.com/o/oauth2/auth"]),
                now: "https://accounts.google.com/o/oauth2/v2/auth",
                why: "Google's first endpoint",
            },
            Lift {
                key: "tokenEndpoint",
                dead: Dead::Begins(&["https://www.googleapis.com/oauth2/v", "https://accounts.google.com/o/oauth2/token"]),
                now: "https://oauth2.googleapis.com/token",
                why: "Google's discovery document names another one today",
            },
            Lift {
                key: "userInfoEndpoint",
                dead: Dead::Begins(&["https://www.googleapis.com/oauth2/v", "https://www.googleapis.com/plus/"]),
                now: "https://openidconnect.googleapis.com/v1/userinfo",
                why: "Google's discovery document names another one today",
            },
        ],
        members: &[
            ("id", "sub"),
            ("verified_email", "email_verified"),
            ("displayName", "name"),
            ("name/givenName", "given_name"),
            ("name/familyName", "family_name"),
            ("emails", "email"),
            ("image", "picture"),
        ],
        issuer: Some("https://accounts.google.com"),
        issuer_also: &["accounts.google.com"],
        well_known: Some("https://accounts.google.com/.well-known/openid-configuration"),
        openid: true,
        ..PLAIN
    },
    Dialect {
        name: "apple",
        issuer: Some("https://appleid.apple.com"),
        well_known: Some("https://appleid.apple.com/.well-known/openid-configuration"),
        form_post: true,
        signs_secret: true,
        openid: true,
        ..PLAIN
    },
    Dialect { name: "microsoft", issuer: Some("https://login.microsoftonline.com/{tenantid}/v2.0"), ..PLAIN },
    Dialect {
        name: "facebook",
        lifts: &[
            Lift { key: "authorizationEndpoint", dead: Dead::VersionBelow(20), now: "", why: "Facebook's versions end after two years" },
            Lift { key: "tokenEndpoint", dead: Dead::VersionBelow(20), now: "", why: "Facebook's versions end after two years" },
            Lift { key: "userInfoEndpoint", dead: Dead::VersionBelow(20), now: "", why: "Facebook's versions end after two years" },
        ],
        between_scopes: ",",
        proves_secret: true,
        ..PLAIN
    },
    Dialect {
        name: "linkedin",
        lifts: &[
            Lift {
                key: "authorizationEndpoint",
                dead: Dead::Begins(&["https://www.linkedin.com/uas/oauth2/"]),
                now: "https://www.linkedin.com/oauth/v2/authorization",
                why: "LinkedIn's first endpoint",
            },
            Lift {
                key: "tokenEndpoint",
                dead: Dead::Begins(&["https://www.linkedin.com/uas/oauth2/"]),
                now: "https://www.linkedin.com/oauth/v2/accessToken",
                why: "LinkedIn's first endpoint",
            },
            Lift {
                key: "userInfoEndpoint",
                dead: Dead::Begins(&[
                    "https://api.linkedin.com/v1/",
                    "https://api.linkedin.com/v2/me",
                    "https://api.linkedin.com/v2/people",
                ]),
                now: "https://api.linkedin.com/v2/userinfo",
                why: "LinkedIn's profile needs scopes that it ended on 1 August 2023",
            },
        ],
        scopes: (
            &["r_basicprofile", "r_liteprofile", "r_emailaddress", "r_fullprofile"],
            &["openid", "profile", "email"],
            "LinkedIn ended these scopes on 1 August 2023",
        ),
        members: &[
            ("id", "sub"),
            ("firstName", "given_name"),
            ("lastName", "family_name"),
            ("localizedFirstName", "given_name"),
            ("localizedLastName", "family_name"),
            ("emailAddress", "email"),
            ("formattedName", "name"),
            ("pictureUrl", "picture"),
            ("profilePicture", "picture"),
        ],
        issuer: Some("https://www.linkedin.com/oauth"),
        well_known: Some("https://www.linkedin.com/oauth/.well-known/openid-configuration"),
        nonce_is_optional: true,
        refuses_verifier: true,
        openid: true,
        ..PLAIN
    },
    Dialect {
        name: "yahoo",
        lifts: &[
            Lift {
                key: "userInfoEndpoint",
                dead: Dead::Begins(&["https://social.yahooapis.com/"]),
                now: "https://api.login.yahoo.com/openid/v1/userinfo",
                why: "Yahoo's social directory is gone",
            },
            Lift {
                key: "wellKnownEndpoint",
                dead: Dead::Begins(&["https://login.yahoo.com/"]),
                now: "https://api.login.yahoo.com/.well-known/openid-configuration",
                why: "Yahoo's issuer has another address today",
            },
        ],
        scopes: (
            &["sdpp-r", "sdpp-w", "sdps-r", "sdps-w", "sdct-r", "sdct-w"],
            &["openid", "profile", "email"],
            "these scopes were those of Yahoo's social directory, which is gone",
        ),
        members: &[("guid", "sub"), ("givenName", "given_name"), ("familyName", "family_name"), ("image", "picture")],
        issuer: Some("https://api.login.yahoo.com"),
        issuer_also: &["https://login.yahoo.com"],
        ..PLAIN
    },
    Dialect { name: "amazon", ..PLAIN },
    Dialect { name: "salesforce", ..PLAIN },
    Dialect { name: "wordpress", ..PLAIN },
    Dialect {
        name: "vkontakte",
        lifts: &[Lift {
            key: "apiVersion",
            dead: Dead::Before(5, 131),
            now: VK_VERSION,
            why: "VKontakte ends the versions of its interface",
        }],
        version: Some(("v", VK_VERSION)),
        token_in_query: true,
        token_brings: &["email", "user_id"],
        profile_at: "/response/0",
        between_scopes: ",",
        ..PLAIN
    },
    Dialect {
        name: "wechat",
        client: ("appid", "secret"),
        token_in_query: true,
        token_brings: &["openid", "unionid"],
        behind: "#wechat_redirect",
        between_scopes: ",",
        ..PLAIN
    },
    Dialect {
        name: "instagram",
        gone: Some((
            &[],
            "Instagram's Basic Display API was switched off on 4 December 2024, and nothing in its place tells who a person is",
        )),
        ..PLAIN
    },
    Dialect {
        name: "twitter",
        gone: Some((
            &["https://api.twitter.com/oauth/"],
            "this is OAuth 1.0a, which is not spoken here; X has OAuth 2.0 at https://x.com/i/oauth2/authorize",
        )),
        ..PLAIN
    },
];

/// The row of a provider, by its name; one that keeps to the standards has none of its own.
#[must_use]
pub(crate) fn dialect(name: &str) -> &'static Dialect {
    DIALECTS.iter().find(|row| row.name.eq_ignore_ascii_case(name)).unwrap_or(&PLAIN)
}

/// A value that the provider no longer answers, and what is used instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifted {
    /// The key of the provider's file.
    pub key: String,
    /// As it stands there.
    pub old: String,
    /// As it is used.
    pub new: String,
    /// Why.
    pub why: &'static str,
}

impl Dialect {
    /// Whether an issuer is another spelling of a provider's own, which its documentation gives: in either direction.
    pub(crate) fn is_spelling(&self, own: &str, named: &str) -> bool {
        self.issuer_also.contains(&named) || (self.issuer == Some(named) && self.issuer_also.contains(&own))
    }

    /// Why a provider cannot be used at all.
    pub(crate) fn gone(&self, file: &Map<String, Value>) -> Option<&'static str> {
        let (beginnings, why) = self.gone?;
        let endpoint = file.get("authorizationEndpoint").and_then(Value::as_str).unwrap_or_default();
        let asks_first = file.contains_key("requestTokenEndpoint");
        (beginnings.is_empty() || asks_first || beginnings.iter().any(|begin| endpoint.starts_with(begin))).then_some(why)
    }

    /// Whether the provider is asked for an ID token.
    pub(crate) fn is_openid(&self, file: &Map<String, Value>) -> bool {
        let says = file.get("type").and_then(Value::as_str).is_some_and(|kind| kind.to_ascii_uppercase().contains("OPENID"));
        let class = file.get("configClass").and_then(Value::as_str).is_some_and(|class| class.contains("OpenIDConnect"));
        says || class || self.openid
    }

    /// Puts today's values into a file, and says what was put.
    pub(crate) fn lift(&self, file: &mut Map<String, Value>) -> Vec<Lifted> {
        let mut lifted = Vec::new();
        for row in self.lifts {
            let Some(old) = file.get(row.key).and_then(Value::as_str).map(str::to_owned) else { continue };
            let Some(new) = row.dead.lift(&old, row.now) else { continue };
            file.insert(row.key.to_owned(), json!(new));
            lifted.push(Lifted { key: row.key.to_owned(), old, new, why: row.why });
        }
        self.lift_scopes(file, &mut lifted);
        if lifted.iter().any(|lifted| lifted.key == "userInfoEndpoint") {
            self.lift_members(file, &mut lifted);
        }
        lifted
    }

    fn lift_scopes(&self, file: &mut Map<String, Value>, lifted: &mut Vec<Lifted>) {
        let (dead, now, why) = self.scopes;
        let scopes: Vec<&str> = file.get("scope").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        if !scopes.iter().any(|scope| dead.contains(scope)) {
            return;
        }
        let mut new: Vec<&str> = now.to_vec();
        new.extend(scopes.iter().copied().filter(|scope| !dead.contains(scope) && !now.contains(scope)));
        lifted.push(Lifted { key: "scope".to_owned(), old: scopes.join(" "), new: new.join(" "), why });
        let new = json!(new);
        file.insert("scope".to_owned(), new);
    }

    fn lift_members(&self, file: &mut Map<String, Value>, lifted: &mut Vec<Lifted>) {
        let today = |name: &str| {
            let path = name.trim_matches('/').replace('.', "/");
            let find = |wanted: &str| self.members.iter().find(|(old, _)| *old == wanted).map(|(_, new)| *new);
            find(&path).or_else(|| find(path.split('/').next().unwrap_or_default()))
        };
        const WHY: &str = "the profile has other members today";
        if let Some(old) = file.get("authenticationIdKey").and_then(Value::as_str).map(str::to_owned)
            && let Some(new) = today(&old)
        {
            file.insert("authenticationIdKey".to_owned(), json!(new));
            lifted.push(Lifted { key: "authenticationIdKey".to_owned(), old, new: new.to_owned(), why: WHY });
        }
        let rows = file.get_mut("propertyMap").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut);
        for row in rows {
            let Some(old) = row.get("source").and_then(Value::as_str).map(str::to_owned) else { continue };
            let Some(new) = today(&old) else { continue };
            row.insert("source".to_owned(), json!(new));
            // It took the old member apart.
            row.remove("transform");
            lifted.push(Lifted { key: "propertyMap".to_owned(), old, new: new.to_owned(), why: WHY });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifted(name: &str, file: &Value) -> (Map<String, Value>, Vec<Lifted>) {
        let mut file = file.as_object().cloned().unwrap();
        let lifted = dialect(name).lift(&mut file);
        (file, lifted)
    }

    #[test]
    fn every_lift_is_of_a_value_that_is_not_lifted_again() {
        for row in DIALECTS {
            for lift in row.lifts {
                let again = if lift.now.is_empty() { None } else { lift.dead.lift(lift.now, lift.now) };
                assert_eq!(again, None, "{} {}", row.name, lift.key);
                assert!(lift.now.is_empty() || lift.now.starts_with("https://") || lift.key == "apiVersion");
            }
        }
    }

    #[test]
    fn a_version_that_ended_is_taken_out_and_a_later_one_stays() {
        let (file, found) = lifted("facebook", &json!({"tokenEndpoint": "https://graph.facebook.com/v2.7/oauth/access_token"}));
        assert_eq!((file["tokenEndpoint"].as_str(), found.len()), (Some("https://graph.facebook.com/oauth/access_token"), 1));
        for kept in ["https://graph.facebook.com/v25.0/me", "https://graph.facebook.com/me", "https://graph.facebook.com/vx.1/me"] {
            assert_eq!(lifted("facebook", &json!({"userInfoEndpoint": kept})).1, [], "{kept}");
        }
    }

    #[test]
    fn linkedin_of_any_year_speaks_openid_connect() {
        let old = json!({
            "authorizationEndpoint": "https://www.linkedin.com/oauth/v2/authorization", "userInfoEndpoint": "https://api.linkedin.com/v2/me",
            "scope": ["r_liteprofile", "r_emailaddress"], "authenticationIdKey": "id",
            "propertyMap": [{"source": "id", "target": "id"}, {"source": "firstName", "target": "givenName", "transform": {"source": "x"}}],
        });
        let (file, found) = lifted("linkedIn", &old);
        assert_eq!(file["scope"], json!(["openid", "profile", "email"]));
        assert_eq!(file["authenticationIdKey"], "sub");
        assert_eq!(file["propertyMap"], json!([{"source": "sub", "target": "id"}, {"source": "given_name", "target": "givenName"}]));
        assert_eq!(file["authorizationEndpoint"], old["authorizationEndpoint"]);
        assert_eq!(found.len(), 5);
        assert!(dialect("linkedIn").is_openid(&file));
    }

    #[test]
    fn members_of_an_old_profile_are_known_in_every_spelling_of_a_path() {
        let old = json!({
            "userInfoEndpoint": "https://www.googleapis.com/plus/v1/people/me", "authenticationIdKey": "/id",
            "propertyMap": [
                {"source": "id", "target": "id"}, {"source": "name.givenName", "target": "givenName"}, {"source": "/name/familyName", "target": "familyName"},
                {"source": "emails/0/value", "target": "email"}, {"source": "image.url", "target": "photoUrl"}, {"source": "name", "target": "displayName"},
            ],
        });
        let sources = |file: &Map<String, Value>| {
            file["propertyMap"].as_array().unwrap().iter().map(|row| row["source"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let (file, _) = lifted("google", &old);
        assert_eq!(file["authenticationIdKey"], "sub");
        assert_eq!(sources(&file), ["sub", "given_name", "family_name", "email", "picture", "name"]);
        let of_2018 = json!({
            "userInfoEndpoint": "https://api.linkedin.com/v2/me",
            "propertyMap": [{"source": "firstName/localized/en_US", "target": "givenName"}, {"source": "/lastName/localized/en_US", "target": "familyName"}],
        });
        assert_eq!(sources(&lifted("linkedIn", &of_2018).0), ["given_name", "family_name"]);
    }

    #[test]
    fn a_version_of_an_interface_that_ended_is_todays() {
        for (old, new) in
            [("5.73", "5.199"), ("5.9", "5.199"), ("4", "5.199"), ("5.131", "5.131"), ("5.200", "5.200"), ("newest", "newest")]
        {
            let (file, found) = lifted("vkontakte", &json!({"apiVersion": old}));
            assert_eq!((file["apiVersion"].as_str(), found.len()), (Some(new), usize::from(old != new)), "{old}");
        }
    }

    #[test]
    fn what_is_gone_says_why() {
        assert!(dialect("instagram").gone(&Map::new()).is_some());
        let old = json!({"authorizationEndpoint": "https://api.twitter.com/oauth/authenticate"});
        assert!(dialect("twitter").gone(old.as_object().unwrap()).unwrap().contains("OAuth 1.0a"));
        let new = json!({"authorizationEndpoint": "https://x.com/i/oauth2/authorize"});
        assert_eq!(dialect("twitter").gone(new.as_object().unwrap()), None);
        assert_eq!(dialect("of-ours").gone(&Map::new()), None);
    }
}
