//! The buttons of identity providers, by what their files say of them (`uiConfig`).
//!
//! Easiest to get wrong: what an operator writes there is styles and addresses for another client's pages. Ours take a colour, made readable, and a
//! picture that lies in the project; nothing is loaded from elsewhere, and no style is written into a page.

use identity::PEOPLE;
use serde::Serialize;
use serde_json::Value;
use social::Provider;
use wire::client;

use crate::look::Look;
use crate::visit::Visit;
use crate::way::encoded;

/// A way to a provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Button {
    /// The provider's name.
    pub name: String,
    /// What it is called: `buttonDisplayName`.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// `buttonImage`, where the project has it.
    pub picture: String,
}

/// `buttonImage` by its path or by its name alone: other clients keep it in a folder of theirs.
fn picture(look: &Look, provider: &Provider) -> String {
    let button = provider.button();
    let Some(image) = button.pointer("/uiConfig/buttonImage").and_then(Value::as_str) else { return String::new() };
    let names = [image.trim_start_matches('/'), image.rsplit('/').next().unwrap_or_default()];
    names.iter().map(|name| look.assets.path(name)).find(|path| !path.is_empty()).unwrap_or_default().to_owned()
}

impl Visit {
    /// Whether accounts elsewhere can be linked to whoever is signed in.
    pub(crate) fn links_are_offered(&self) -> bool {
        self.principal.component == PEOPLE && self.runtime.social_module().is_some() && !self.runtime.social.is_empty()
    }

    /// A provider that people come back from to our pages, while signing in with one is on.
    pub(crate) fn provider(&self, name: &str) -> Option<&Provider> {
        self.runtime.social_module()?;
        self.runtime.social.get(name).filter(|provider| self.comes_back_here(provider))
    }

    /// Whether `redirectUri` is an address of this server: by its own name, or by the one that it was asked for by.
    fn comes_back_here(&self, provider: &Provider) -> bool {
        let Some((_, rest)) = provider.redirect_uri().split_once("://") else { return false };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let public = self.runtime.public_url.split_once("://").map_or("", |(_, rest)| rest).split('/').next().unwrap_or_default();
        let asked = client::host(&self.parts.headers).unwrap_or_default();
        let ours = host.eq_ignore_ascii_case(public) || host.eq_ignore_ascii_case(asked);
        ours && path != "openidm" && !path.starts_with("openidm/")
    }

    /// The buttons; `query` says what they are for ([`crate::away::Purpose`]).
    pub(crate) fn buttons(&self, query: &str) -> Vec<Button> {
        let usable = self.runtime.social.iter().filter(|provider| self.provider(&provider.name).is_some());
        usable.map(|provider| self.button(provider, query)).collect()
    }

    fn button(&self, provider: &Provider, query: &str) -> Button {
        let name = encoded(&provider.name);
        Button {
            name: provider.name.clone(),
            label: provider.label().to_owned(),
            href: format!("/sign-in/{name}{}{query}", if query.is_empty() { "" } else { "?" }),
            picture: picture(&self.look, provider),
        }
    }
}

/// Buttons to look at.
pub(crate) fn samples() -> Vec<Button> {
    let button = |name: &str, label: &str| Button {
        name: name.to_owned(),
        label: label.to_owned(),
        href: format!("/sign-in/{name}"),
        picture: String::new(),
    };
    vec![button("acme", "Acme <value>"), Button { picture: "data:,".to_owned(), ..button("other.id", "Other") }]
}
