//! `info/*`: what a client asks before and after anything else.

use async_trait::async_trait;
use crest::ResourceError;
use project::Feature;
use serde_json::{Value, json};
use wire::language;
use wire::request::QueryRequest;

use super::authentication::signed_in;
use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{Route, Who, get, perhaps};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "info/{name}",
    chapter: "Server",
    resource: |_, at| perhaps(at.first().and_then(|name| Info::named(name))),
    operations: &[
        get("/info/login", Who::Everybody, "Who one is."),
        get("/info/ping", Who::Everybody, "Whether requests can be served."),
        get("/info/version", Who::Everybody, "The version."),
        get("/info/uiconfig", Who::Everybody, "The configuration of the user interface."),
        get("/info/features", Who::Everybody, "Which processes are switched on.").with(&["_queryFilter"]),
    ],
}];

/// One of the resources.
#[derive(Clone, Copy)]
pub(super) enum Info {
    /// Whether the server can serve.
    Ping,
    /// Who the caller is.
    Login,
    /// `info/version`: the product's name and version.
    Version,
    /// What the pages need to know.
    UiConfig,
    /// Which features are on.
    Features,
}

impl Info {
    /// The resource of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ping" => Self::Ping,
            "login" => Self::Login,
            "version" => Self::Version,
            "uiconfig" => Self::UiConfig,
            "features" => Self::Features,
            _ => return None,
        })
    }
}

#[async_trait]
impl Resource for Info {
    fn kind(&self) -> &'static str {
        "info"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        match self {
            Self::Ping if cx.app.health.is_ready().await => {
                Ok(Reply::resource(json!({"_id": "", "state": "ACTIVE_READY", "shortDesc": "OpenIDM ready"})))
            }
            Self::Ping => Ok(Reply::Unavailable(json!({"_id": "", "state": "ACTIVE_NOT_READY", "shortDesc": "OpenIDM not ready"}))),
            Self::Login => Ok(Reply::resource(signed_in(cx))),
            Self::Version => {
                Ok(Reply::resource(json!({"_id": "", "productVersion": env!("CARGO_PKG_VERSION"), "productRevision": "vestibule"})))
            }
            Self::UiConfig => Ok(Reply::resource(json!({"_id": "", "configuration": configuration(cx)}))),
            Self::Features => Err(ResourceError::bad_request("The resource collection info/features cannot be read").into()),
        }
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        if !matches!(self, Self::Features) {
            return Err(ResourceError::not_implemented("Queries are not supported for resource instances").into());
        }
        let all = features(cx).into_iter().filter(|feature| request.query.filter.matches(feature));
        Ok(Reply::list(all.map(|feature| cx.presentation.fields.select(&feature)).collect()))
    }

    async fn action(&self, _cx: &Context<'_>, _name: &str) -> Answer {
        Err(ResourceError::not_implemented("Actions are not supported for resource instances").into())
    }
}

/// `configuration` of `ui-configuration.json`, its switches as they count. Clients read booleans from it
/// (docs/protocol/clients.md, "Newer client").
pub(super) fn configuration(cx: &Context<'_>) -> Value {
    let ui = &cx.runtime.project.ui_configuration;
    let mut configuration = ui.configuration.clone();
    for feature in Feature::ALL {
        configuration.insert(feature.flag().to_owned(), Value::Bool(cx.runtime.feature_enabled(feature.name())));
    }
    let language = language(&language::locales(cx.headers()), &known_languages(cx), &cx.runtime.services.default_locale);
    configuration.insert("lang".to_owned(), Value::from(language));
    Value::Object(configuration)
}

/// The languages that the project's questions and terms are in, as they are spelled there: clients look their texts up by the very same
/// letters.
fn known_languages<'c>(cx: &'c Context<'_>) -> Vec<&'c str> {
    let questions = cx.runtime.managed.kba.questions.iter().flat_map(|question| &question.texts);
    let terms = cx.runtime.terms.active().into_iter().flat_map(identity::terms::TermsVersion::texts);
    questions.chain(terms).map(|(locale, _)| locale.as_str()).collect()
}

/// The language for somebody who reads `locales`, best first, chosen as texts of mails are: each tag with its parents before the next.
/// `own` is the project's, and what is left where it has texts and none that fits; a project without texts speaks whatever is wanted.
fn language(locales: &[String], known: &[&str], own: &str) -> String {
    let normal = |tag: &str| tag.replace('_', "-").to_ascii_lowercase();
    for tag in locales {
        if tag == "*" {
            return own.to_owned();
        }
        let mut tag = normal(tag);
        loop {
            if let Some(found) = known.iter().chain([&own]).find(|spelled| normal(spelled) == tag) {
                return (*found).to_owned();
            }
            match tag.rsplit_once('-') {
                Some((parent, _)) if !locales.iter().any(|other| normal(other) == parent) => tag = parent.to_owned(),
                _ => break,
            }
        }
    }
    let first = locales.first().filter(|_| known.is_empty()).map(|tag| normal(tag));
    first.and_then(|tag| Some(tag.split('-').next()?.to_owned())).unwrap_or_else(|| own.to_owned())
}

fn features(cx: &Context<'_>) -> Vec<Value> {
    let item =
        |name: &str, enabled: bool, endpoints: Vec<String>| json!({"_id": name, "name": name, "enabled": enabled, "endpoints": endpoints});
    let mut items: Vec<Value> = Feature::ALL
        .into_iter()
        .map(|feature| {
            let enabled = cx.runtime.feature_enabled(feature.name());
            let served = feature.processes().iter().filter(|process| cx.runtime.processes.contains_key(**process));
            item(feature.name(), enabled, served.map(|process| format!("selfservice/{process}")).collect())
        })
        .collect();
    items.push(item("kba", cx.runtime.feature_enabled("kba"), vec!["selfservice/kba".into()]));
    items.push(item("workflow", false, Vec::new()));
    items
}

#[cfg(test)]
mod tests {
    use super::language;

    #[test]
    fn the_language_is_the_requests_in_the_spelling_of_the_projects_texts() {
        let choose = |tags: &str, known: &[&str]| {
            let tags: Vec<String> = tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
            language(&tags, known, "en")
        };
        for (tags, expected) in [
            ("fr-CA,en;", "fr"),
            ("fr-CA", "fr"),
            ("en-gb", "en_GB"),
            ("de,en", "en"),
            ("de", "en"),
            ("en-US,en_GB,en", "en_GB"),
            ("*", "en"),
            ("", "en"),
        ] {
            assert_eq!(choose(tags, &["en", "fr", "en_GB"]), expected, "{tags}");
        }
        assert_eq!(choose("de-AT", &[]), "de");
    }
}
