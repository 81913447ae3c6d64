//! `[pages]`: the pages that the server writes itself, whose name and colours they bear, and another client's build beside them.

use crate::diagnostic::Severity;
use crate::loose::Node;

/// Keys of the section.
pub(super) const KEYS: [&str; 8] = ["builtin", "dir", "content_security_policy", "name", "logo", "color", "color_dark", "links"];

/// `[pages]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages {
    /// Are the server's own pages served?
    pub builtin: bool,
    /// Directory with another client's static build, relative to the project.
    pub dir: Option<String>,
    /// The `Content-Security-Policy` of that build's pages, in place of the one made from its `index.html`.
    pub content_security_policy: Option<String>,
    /// The name at the top and in the titles of pages.
    pub name: Option<String>,
    /// A picture below `pages/assets` of the project.
    pub logo: Option<String>,
    /// The colour of buttons and links, `#rrggbb`.
    pub colour: Option<String>,
    /// The same for people who read light on dark.
    pub colour_dark: Option<String>,
    /// Links at the foot of every page: text and address, in the order of the file.
    pub links: Vec<(String, String)>,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            builtin: true,
            dir: None,
            content_security_policy: None,
            name: None,
            logo: None,
            colour: None,
            colour_dark: None,
            links: Vec::new(),
        }
    }
}

impl Pages {
    pub(super) fn read(node: &Node<'_>) -> Self {
        let colour = |name: &str| {
            let written = node.get(name).filled_text()?;
            let digits = written.trim().strip_prefix('#').unwrap_or_default();
            let good = matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !good {
                node.get(name).report(Severity::Error, "wrong-value", format!("'{written}' is not a colour like '#1d70b8'"), None);
            }
            good.then(|| written.trim().to_owned())
        };
        Self {
            builtin: node.get("builtin").boolean().unwrap_or(true),
            dir: node.get("dir").filled_text(),
            content_security_policy: node.get("content_security_policy").filled_text(),
            name: node.get("name").filled_text(),
            logo: node.get("logo").filled_text(),
            colour: colour("color"),
            colour_dark: colour("color_dark"),
            links: node.get("links").members().into_iter().filter_map(|(text, address)| link(text, &address)).collect(),
        }
    }
}

/// A link that leads where a browser may be sent.
fn link(text: &str, node: &Node<'_>) -> Option<(String, String)> {
    let address = node.filled_text()?;
    let good = ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| address.starts_with(scheme))
        || (address.starts_with('/') && !address.starts_with("//"));
    if !good {
        let message = format!("'{address}' is not an address like 'https://example.com/privacy' or a path like '/privacy'");
        node.report(Severity::Error, "wrong-value", message, None);
    }
    good.then(|| (text.to_owned(), address))
}
