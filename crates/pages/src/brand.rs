//! Whose pages they are: name, logo, colours and links, from `[pages]` of `vestibule.toml` or, where that says nothing, from
//! `conf/ui-themeconfig.json` as 7.5 has it.

use serde::Serialize;
use serde_json::Value;

use project::Project;

/// The brand of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Brand {
    /// The name in titles and at the top; a message of ours where the project has none.
    pub name: String,
    /// Path of the logo below the project's assets.
    pub logo: String,
    /// What the logo says to who cannot see it.
    pub logo_alt: String,
    /// The colour of buttons and links, `#rrggbb`.
    pub colour: String,
    /// The same for dark pages.
    pub colour_dark: String,
    /// Links at the foot of every page.
    pub links: Vec<Link>,
}

/// A link at the foot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Link {
    /// What it says.
    pub text: String,
    /// Where it leads: a path or an `https`, `http` or `mailto` address.
    pub href: String,
}

impl Brand {
    /// The brand of what is served.
    pub(crate) fn of(project: &Project) -> Self {
        let pages = &project.settings.pages;
        let theme = project.theme.as_ref().map_or(&Value::Null, |document| &document.value);
        let text = |pointer: &str| theme.pointer(pointer).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(str::to_owned);
        let logo = pages.logo.clone().or_else(|| text("/settings/logo/src"));
        let mail = text("/settings/footer/mailto").map(|mail| Link { href: format!("mailto:{mail}"), text: mail });
        let links: Vec<Link> = pages.links.iter().map(|(text, href)| Link { text: text.clone(), href: href.clone() }).collect();
        Self {
            name: pages.name.clone().or_else(|| text("/settings/logo/title")).unwrap_or_default(),
            logo_alt: text("/settings/logo/alt").unwrap_or_default(),
            logo: logo.filter(|logo| is_path(logo)).unwrap_or_default(),
            colour: pages.colour.clone().unwrap_or_default(),
            colour_dark: pages.colour_dark.clone().unwrap_or_default(),
            links: if links.is_empty() { mail.into_iter().collect() } else { links },
        }
    }
}

/// Whether a picture lies with the project: pages load nothing from elsewhere.
fn is_path(logo: &str) -> bool {
    !logo.contains(':') && !logo.starts_with("//") && !logo.split('/').any(|part| part == "..")
}
