//! Text for HTML, and HTML that an operator wrote, made harmless. The stock client inserts terms and consent texts raw (docs/protocol/clients.md,
//! "Progressive profile in the client"), so a script in such a text would run in everybody's session.
//!
//! Easiest to break: the list names what is allowed, never what is removed.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;

/// Formatting, tables and links. Nothing that loads (`img`, `video`), submits (`form`) or styles beyond its own place.
const ELEMENTS: [&str; 53] = [
    "a",
    "abbr",
    "article",
    "aside",
    "b",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "section",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "u",
    "ul",
    "var",
    "wbr",
];
const TABLE_ELEMENTS: [&str; 7] = ["table", "tbody", "td", "tfoot", "th", "thead", "tr"];

/// `javascript:` and `data:` are not among them.
const URL_SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let set = |names: &[&'static str]| names.iter().copied().collect::<HashSet<_>>();
    let cell = ["align", "colspan", "rowspan", "scope"];
    let attributes: HashMap<&str, HashSet<&str>> = HashMap::from([
        ("a", set(&["href", "hreflang"])),
        ("ol", set(&["start", "reversed", "type"])),
        ("td", set(&cell)),
        ("th", set(&cell)),
        ("col", set(&["span"])),
        ("colgroup", set(&["span"])),
        ("details", set(&["open"])),
    ]);
    let mut builder = Builder::empty();
    builder
        .tags(ELEMENTS.into_iter().chain(TABLE_ELEMENTS).collect())
        .clean_content_tags(set(&["script", "style", "noscript", "template", "title", "iframe", "object", "svg", "math"]))
        .tag_attributes(attributes)
        .tag_attribute_values(HashMap::from([("a", HashMap::from([("target", set(&["_blank"]))]))]))
        .generic_attributes(set(&["dir", "lang", "title"]))
        .url_schemes(set(&URL_SCHEMES))
        .url_relative(ammonia::UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer"))
        .strip_comments(true);
    builder
});

/// The text with formatting, tables and links, and nothing else: no script, no style, no picture, no form, no `on…` attribute. Links get
/// `rel="noopener noreferrer"`. What browsers repair differently the second time may change again, but never into more than this.
#[must_use]
pub fn sanitise(html: &str) -> String {
    SANITISER.clean(html).to_string()
}

/// `text` for a place in an HTML text or attribute value (SEC-51).
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// Names of elements that [`sanitise`] takes out, each once, for the operator. A hint, not a parse.
pub(crate) fn dropped_elements(html: &str) -> Vec<String> {
    let mut dropped: Vec<String> = Vec::new();
    for rest in html.split('<').skip(1) {
        let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let begins_a_tag = name.starts_with(|first: char| first.is_ascii_alphabetic());
        let stays = ELEMENTS.contains(&name.as_str()) || TABLE_ELEMENTS.contains(&name.as_str()) || is_frame_of_a_page(&name);
        if begins_a_tag && !stays && !dropped.contains(&name) {
            dropped.push(name);
        }
    }
    dropped
}

/// A text that was written as a whole page loses nothing by losing these.
fn is_frame_of_a_page(name: &str) -> bool {
    matches!(name, "html" | "head" | "body" | "meta" | "title")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sec_51_values_cannot_open_a_tag_or_end_an_attribute() {
        assert_eq!(escape("<a href='x'>&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&lt;/a&gt;");
        assert_eq!(escape("bjensen"), "bjensen");
    }

    #[test]
    fn formatting_tables_and_links_stay() {
        let text = "<h3>Terms</h3><p dir=\"rtl\" lang=\"ar\">One <strong>two</strong><br>three</p><ul><li>a &amp; b</li></ul>\
                    <table><tbody><tr><td colspan=\"2\">x</td></tr></tbody></table>";
        assert_eq!(sanitise(text), text);
        assert!(dropped_elements(text).is_empty());
    }

    #[test]
    fn a_link_cannot_reach_back_and_leads_only_to_the_web_mail_or_a_telephone() {
        let link = sanitise("<a href='https://example.test/terms' target='_blank'>x</a>");
        assert!(link.contains("rel=\"noopener noreferrer\"") && link.contains("target=\"_blank\""), "{link}");
        for scheme in ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "vbscript:x", "file:///x"]
        {
            let link = sanitise(&format!("<a href=\"{scheme}\">x</a>"));
            assert!(!link.contains("href"), "{link}");
        }
        for kept in ["mailto:a@example.test", "tel:+1555", "/help", "#part"] {
            assert!(sanitise(&format!("<a href=\"{kept}\">x</a>")).contains(&format!("href=\"{kept}\"")), "{kept}");
        }
    }

    #[test]
    fn nothing_that_runs_loads_or_submits_leaves() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<p onclick=\"alert(1)\">p</p>",
            "<svg><script>alert(1)</script></svg>",
            "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
            "<iframe src=https://evil.test></iframe>",
            "<form action=https://evil.test><input name=password></form>",
            "<style>*{background:url(https://evil.test)}</style>",
            "<p style=\"position:fixed\">p</p>",
            "<a href=\"https://x.test\" target=\"_top\">x</a>",
            "<base href=https://evil.test>",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "<!--[if IE]><script>alert(1)</script><![endif]-->",
        ] {
            let clean = sanitise(hostile);
            for part in ["<script", "onerror", "onclick", "<img", "<iframe", "<form", "<input", "style", "<base", "_top", "<svg", "<!--"] {
                assert!(!clean.contains(part), "{hostile} left {clean}");
            }
        }
    }

    #[test]
    fn the_operator_hears_what_is_taken_out_and_nothing_about_a_plain_page() {
        assert_eq!(dropped_elements("<html><body><P>a < b <Script>x</Script><img src=a><img src=b>"), ["script", "img"]);
    }

    proptest! {
        #[test]
        fn only_listed_elements_and_attributes_leave(text in "([<>/a-z\"'= &;!-]|<p |<a href=\"|javascript:|onclick=|style=|<script>|<table>|</td>|<svg>|<math>|<b>){0,40}") {
            let clean = sanitise(&text);
            prop_assert!(dropped_elements(&clean).is_empty(), "{}", clean);
            for tag in clean.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
                let names = tag.split('"').step_by(2).filter_map(|outside| outside.strip_suffix('=')).map(str::trim_start);
                for name in names.filter_map(|name| name.rsplit(' ').next()) {
                    prop_assert!(["href", "rel"].contains(&name), "{}", clean);
                }
            }
            prop_assert!(!clean.contains("href=\"javascript"), "{}", clean);
        }
    }
}
