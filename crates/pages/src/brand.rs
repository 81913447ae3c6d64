//! Whose pages they are: name, logo, colours and links, from `[pages]` of `vestibule.toml` or, where that says nothing, from
//! `conf/ui-themeconfig.json` as 7.5 has it.

use identity::MailAddress;
use project::{Diagnostic, Project, Severity};
use serde::Serialize;
use serde_json::Value;

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

/// The file of the older generation, as findings name it.
const THEME: &str = "conf/ui-themeconfig.json";

impl Brand {
    /// The brand of what is served.
    pub(crate) fn of(project: &Project) -> Self {
        Self::read(project, &mut Vec::new())
    }

    /// The same, with what of it counts for nothing.
    pub(crate) fn read(project: &Project, findings: &mut Vec<Diagnostic>) -> Self {
        let pages = &project.settings.pages;
        let theme = project.theme.as_ref().map_or(&Value::Null, |document| &document.value);
        let mut wrong = |pointer: &str, what: &str| {
            let message = format!("{what}; the pages do without");
            findings.push(Diagnostic::new(Severity::Warning, "pages", project.locate(THEME, pointer), message));
        };
        for pointer in ["/settings", "/settings/logo", "/settings/footer"] {
            if theme.pointer(pointer).is_some_and(|value| !value.is_null() && !value.is_object()) {
                wrong(pointer, "this is no object");
            }
        }
        let mut text = |pointer: &str| match theme.pointer(pointer) {
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            None | Some(Value::Null) => None,
            Some(_) => {
                wrong(pointer, "this is no text");
                None
            }
        };
        let (src, title, alt) = (text("/settings/logo/src"), text("/settings/logo/title"), text("/settings/logo/alt"));
        let mail = text("/settings/footer/mailto");
        if let Some(mail) = mail.as_ref().filter(|mail| !is_mail(mail)) {
            wrong("/settings/footer/mailto", &format!("'{mail}' is no mail address"));
        }
        if let Some(src) = src.as_ref().filter(|src| !is_path(src)) {
            wrong("/settings/logo/src", &format!("'{src}' is no path of a picture in pages/assets, and pages load nothing from elsewhere"));
        }
        let mail = mail.filter(|mail| is_mail(mail)).map(|mail| Link { href: format!("mailto:{mail}"), text: mail });
        let links: Vec<Link> = pages.links.iter().map(|(text, href)| Link { text: text.clone(), href: href.clone() }).collect();
        Self {
            name: pages.name.clone().or(title).unwrap_or_default(),
            logo_alt: alt.unwrap_or_default(),
            logo: pages.logo.clone().or(src).filter(|logo| is_path(logo)).unwrap_or_default(),
            colour: pages.colour.clone().unwrap_or_default(),
            colour_dark: pages.colour_dark.clone().unwrap_or_default(),
            links: if links.is_empty() { mail.into_iter().collect() } else { links },
        }
    }

    /// Everything that is wrong with it. `is_there` says whether the logo is among the assets of the project.
    pub(crate) fn findings(project: &Project, is_there: impl Fn(&str) -> bool) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        let brand = Self::read(project, &mut findings);
        let missing = !brand.logo.is_empty() && !is_there(&brand.logo);
        let message = format!("there is no picture '{}' in pages/assets, so the name stands in its place", brand.logo);
        match &project.settings.pages.logo {
            Some(logo) if !is_path(logo) => {
                let message = format!("'{logo}' is no path of a picture in pages/assets, so the name stands in its place");
                findings.push(Diagnostic::new(Severity::Error, "pages", project.locate("vestibule.toml", "/pages/logo"), message));
            }
            Some(_) if missing => {
                findings.push(Diagnostic::new(Severity::Error, "pages", project.locate("vestibule.toml", "/pages/logo"), message));
            }
            // It is the stock client's, which has pictures of its own.
            None if missing => {
                findings.push(Diagnostic::new(Severity::Warning, "pages", project.locate(THEME, "/settings/logo/src"), message));
            }
            _ => {}
        }
        findings
    }
}

/// Whether a picture lies with the project: pages load nothing from elsewhere.
fn is_path(logo: &str) -> bool {
    !logo.contains(':') && !logo.starts_with("//") && !logo.split(['/', '\\']).any(|part| part == "..")
}

/// Whether this can stand after `mailto:`: one address, and perhaps what a mail to it begins with (RFC 6068 §2).
fn is_mail(mail: &str) -> bool {
    let (address, more) = mail.split_once('?').unwrap_or((mail, ""));
    address.parse::<MailAddress>().is_ok() && more.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\".contains(&byte))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use project::DirectoryFiles;
    use serde_json::json;

    use super::*;

    /// The brand of a project with these files, and what is found: the file with its line, and what is said.
    fn brand(theme: Option<&Value>, settings: &str) -> (Brand, Vec<String>) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("conf")).unwrap();
        fs::write(root.path().join("vestibule.toml"), settings).unwrap();
        if let Some(theme) = theme {
            fs::write(root.path().join(THEME), serde_json::to_string_pretty(theme).unwrap()).unwrap();
        }
        let project = Project::open(&DirectoryFiles::new(root.path()), &|_: &str| None);
        let said = |finding: Diagnostic| {
            let line = finding.location.position.map_or(0, |position| position.line);
            format!("{:?} {}:{line} {}", finding.severity, finding.location.file, finding.message)
        };
        (Brand::of(&project), Brand::findings(&project, |logo| logo == "logo.svg").into_iter().map(said).collect())
    }

    #[test]
    fn what_of_a_theme_counts_for_nothing_is_found_and_is_on_no_page() {
        let good =
            json!({"settings": {"logo": {"src": "logo.svg", "title": "T", "alt": null}, "footer": {"mailto": "a@example.test?subject=x"}}});
        let (read, found) = brand(Some(&good), "");
        assert_eq!(
            (read.name.as_str(), read.logo.as_str(), read.links[0].href.as_str()),
            ("T", "logo.svg", "mailto:a@example.test?subject=x")
        );
        assert_eq!(found, [""; 0]);
        for (theme, part) in [
            (json!({"settings": {"footer": {"mailto": "javascript:alert(1)"}}}), "'javascript:alert(1)' is no mail address"),
            (json!({"settings": {"footer": {"mailto": "a@b.test?subject=x\"><i>"}}}), "is no mail address"),
            (json!({"settings": {"logo": {"title": 5}}}), "json:4 this is no text"),
            (json!({"settings": {"logo": {"src": []}}}), "this is no text"),
            (json!({"settings": {"footer": "x"}}), "json:3 this is no object"),
            (json!({"settings": {"footer": [{"mailto": "a@b.test"}]}}), "this is no object"),
            (json!({"settings": []}), "this is no object"),
            (json!({"settings": {"logo": {"src": "https://elsewhere.test/x.png"}}}), "pages load nothing from elsewhere"),
            (json!({"settings": {"logo": {"src": "../../conf/a.json"}}}), "is no path of a picture"),
            (json!({"settings": {"logo": {"src": "images/logo.png"}}}), "there is no picture 'images/logo.png'"),
        ] {
            let (read, found) = brand(Some(&theme), "");
            assert!(
                found.len() == 1 && found[0].starts_with("Warning conf/ui-themeconfig.json") && found[0].contains(part),
                "{theme}: {found:?}"
            );
            assert_eq!((read.name.as_str(), read.links.len()), ("", 0), "{theme}");
        }
        assert_eq!(brand(Some(&json!({"settings": null})), "").1, [""; 0]);
    }

    #[test]
    fn a_logo_that_lies_elsewhere_is_found_whichever_way_it_is_named() {
        for logo in ["../../conf/a.json", "https://elsewhere.test/x.png", "//elsewhere.test/x.png", "nope.svg", "..\\\\a.svg"] {
            let (_, found) = brand(None, &format!("[pages]\nlogo = \"{logo}\"\n"));
            assert!(found.len() == 1 && found[0].starts_with("Error vestibule.toml:2 "), "{logo}: {found:?}");
        }
        assert_eq!(brand(None, "[pages]\nlogo = \"logo.svg\"\n").1, [""; 0]);
    }
}
