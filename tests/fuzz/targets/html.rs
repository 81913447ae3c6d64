//! Whatever an operator or an intruder wrote as HTML, only listed elements with listed attributes are left, and no address that runs.
#![no_main]

use identity::html::sanitise;
use libfuzzer_sys::fuzz_target;

/// Elements that load, run, submit, or change how the rest is read.
const NEVER: [&str; 24] = [
    "script", "style", "img", "iframe", "object", "embed", "form", "input", "button", "textarea", "select", "svg", "math", "link", "meta",
    "base", "video", "audio", "template", "noscript", "title", "frame", "applet", "xmp",
];
const ATTRIBUTES: [&str; 15] = [
    "href", "hreflang", "target", "rel", "start", "reversed", "type", "align", "colspan", "rowspan", "scope", "span", "open", "dir", "lang",
];

fuzz_target!(|text: &str| {
    let clean = sanitise(text);
    look(&clean);
    // A browser may repair it once more; nothing new may come of that.
    look(&sanitise(&clean));
});

fn look(clean: &str) {
    let mut rest = clean;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, after) = take_tag(after);
        rest = after;
        let Some(opened) = (!tag.starts_with('/')).then_some(tag) else { continue };
        let (name, attributes) = opened.split_once(' ').unwrap_or((opened, ""));
        assert!(
            name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{clean}"
        );
        assert!(!NEVER.contains(&name), "{clean}");
        let mut attributes = attributes;
        while let Some((name, value)) = attributes.split_once("=\"") {
            let name = name.trim();
            assert!(ATTRIBUTES.contains(&name) || name == "title", "{name} in {clean}");
            let (value, after) = value.split_once('"').unwrap_or_else(|| panic!("{clean}"));
            attributes = after;
            if name == "href" {
                // As browsers read it (URL Standard, basic URL parser): other control characters inside make it no scheme at all.
                let value = value.trim_start_matches(|c: char| c <= ' ');
                let start: String = value.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).take(11).collect();
                let start = start.to_ascii_lowercase();
                assert!(!["javascript:", "vbscript:", "data:"].iter().any(|scheme| start.starts_with(scheme)), "{clean}");
            }
            assert!(name != "target" || value.eq_ignore_ascii_case("_blank"), "{clean}");
        }
    }
}

/// What stands in a tag, and what follows it: `>` inside quotes does not end it.
fn take_tag(text: &str) -> (&str, &str) {
    let mut quoted = false;
    let end = text.find(|c| {
        quoted ^= c == '"';
        c == '>' && !quoted
    });
    let end = end.unwrap_or_else(|| panic!("a tag without an end: {text}"));
    (&text[..end], &text[end + 1..])
}
