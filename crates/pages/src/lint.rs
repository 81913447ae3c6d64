//! What is wrong with a page: labels that lead nowhere, ids that stand twice, forms without their token, values that were not escaped. For our own
//! pages in tests, and for an operator's templates in `check`.

use std::collections::{BTreeMap, BTreeSet};

/// What every text of a sample ends in: quotation marks of both kinds, a tag that no page has, and an attribute that none has.
pub(crate) const MARK: &str = " unquoted=1 \"'><value>";
/// The tag: where it comes out as one, a template did not escape a text.
const TAG: &str = "value";
/// The attribute: where it comes out as one, a text stands in an attribute that has no quotation marks.
const ATTRIBUTE: &str = "unquoted";
/// Kinds of `input` that a person does not fill in.
const SILENT: [&str; 4] = ["hidden", "submit", "button", "reset"];

/// A tag with its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Its name; with a slash before it for an end.
    pub(crate) name: String,
    /// Its attributes.
    pub(crate) attributes: BTreeMap<String, String>,
    /// It stands within a `label`.
    labelled: bool,
}

/// The tags of a page. What stands in `script` and `style` is none.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    let mut found: Vec<Tag> = Vec::new();
    let mut rest = html;
    let mut labels = 0_i32;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let name: String = rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || "/-!".contains(*letter)).collect();
        if !name.trim_start_matches('/').starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            continue;
        }
        rest = rest.get(name.len()..).unwrap_or_default();
        let (attributes, after) = attributes(rest);
        rest = after;
        let name = name.to_ascii_lowercase();
        labels += i32::from(name == "label") - i32::from(name == "/label");
        if matches!(name.as_str(), "script" | "style") {
            rest = rest.split_once(&format!("</{name}")).map_or("", |(_, after)| after);
        }
        found.push(Tag { name, attributes, labelled: labels > 0 });
    }
    found
}

/// The attributes of a tag, and what comes after it.
fn attributes(text: &str) -> (BTreeMap<String, String>, &str) {
    let mut found = BTreeMap::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() && !rest.starts_with('>') {
        let name: String = rest.chars().take_while(|letter| !letter.is_whitespace() && !"=>\"'".contains(*letter)).collect();
        if name.is_empty() {
            let skipped = rest.chars().next().map_or(1, char::len_utf8);
            rest = rest.get(skipped..).unwrap_or_default().trim_start();
            continue;
        }
        rest = rest.get(name.len()..).unwrap_or_default().trim_start();
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|letter| ['"', '\''].contains(letter));
            (value, rest) = if let Some(quote) = quote {
                let quoted = after.get(1..).unwrap_or_default().split_once(quote);
                quoted.map_or((String::new(), ""), |(value, rest)| (value.to_owned(), rest))
            } else {
                let value: String = after.chars().take_while(|letter| !letter.is_whitespace() && *letter != '>').collect();
                let length = value.len();
                (value, after.get(length..).unwrap_or_default())
            };
            rest = rest.trim_start();
        }
        found.entry(name.to_ascii_lowercase()).or_insert(value);
    }
    (found, rest.strip_prefix('>').unwrap_or(rest))
}

/// Everything that is wrong with a page. `ours` is the same page by the built-in template, which an operator's must not fall behind.
pub(crate) fn lint(html: &str, ours: &str) -> Vec<String> {
    let tags = tags(html);
    let mut wrong = Vec::new();
    let get = |tag: &Tag, name: &str| tag.attributes.get(name).cloned().unwrap_or_default();
    let mut ids = BTreeSet::new();
    for id in tags.iter().filter_map(|tag| tag.attributes.get("id")) {
        if !ids.insert(id.as_str()) {
            wrong.push(format!("the id '{id}' stands twice"));
        }
    }
    let labels: BTreeSet<String> = tags.iter().filter(|tag| tag.name == "label").map(|tag| get(tag, "for")).collect();
    for tag in tags.iter().filter(|tag| matches!(tag.name.as_str(), "input" | "textarea" | "select")) {
        if tag.name == "input" && SILENT.contains(&get(tag, "type").as_str()) || get(tag, "aria-hidden") == "true" {
            continue;
        }
        let named = ["aria-label", "aria-labelledby"].iter().any(|name| tag.attributes.contains_key(*name));
        if !named && !tag.labelled && !labels.contains(&get(tag, "id")) {
            wrong.push(format!("the field '{}' has no label", get(tag, "name")));
        }
    }
    for label in labels.iter().filter(|label| !label.is_empty() && !ids.contains(label.as_str())) {
        wrong.push(format!("a label is for '{label}', which is not there"));
    }
    for tag in &tags {
        for name in ["aria-describedby", "aria-labelledby", "aria-controls"] {
            for id in get(tag, name).split_whitespace().filter(|id| !ids.contains(id)) {
                wrong.push(format!("'{name}' names '{id}', which is not there"));
            }
        }
        if get(tag, "href").starts_with("#f-") && !ids.contains(get(tag, "href").trim_start_matches('#')) {
            wrong.push(format!("a link leads to '{}', which is not there", get(tag, "href")));
        }
        let marks = |value: &String| value.contains(['\u{2068}', '\u{2069}']) || value.contains("<bdi>");
        if tag.attributes.values().any(marks) {
            wrong.push(format!("an attribute of '{}' holds a mark of direction: use ta() in place of t()", tag.name));
        }
    }
    if tags.iter().any(|tag| tag.name == TAG) {
        wrong.push("a value was not escaped".to_owned());
    } else if tags.iter().any(|tag| tag.attributes.contains_key(ATTRIBUTE)) {
        wrong.push("a value stands in an attribute without quotation marks".to_owned());
    }
    if !tags.iter().any(|tag| tag.name == "html" && !get(tag, "lang").is_empty()) {
        wrong.push("the element 'html' has no 'lang'".to_owned());
    }
    wrong.extend(forms(&tags));
    wrong.extend(lost(&tags, &self::tags(ours)));
    wrong
}

/// Forms that are sent without their token.
fn forms(tags: &[Tag]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut open: Option<(String, bool)> = None;
    for tag in tags {
        match tag.name.as_str() {
            "form" if tag.attributes.get("method").is_some_and(|method| method.eq_ignore_ascii_case("post")) => {
                open = Some((tag.attributes.get("action").cloned().unwrap_or_default(), false));
            }
            "input" if tag.attributes.get("name").is_some_and(|name| name == "form_token") => {
                if let Some((_, token)) = &mut open {
                    *token = true;
                }
            }
            "/form" => {
                if let Some((action, false)) = open.take() {
                    wrong.push(format!("the form that is sent to '{action}' has no form token: {{% include \"_form-token.html\" %}}"));
                }
            }
            _ => {}
        }
    }
    wrong
}

/// Tokens of `autocomplete`, fields and buttons with a name that the built-in page has and this one has not.
fn lost(tags: &[Tag], ours: &[Tag]) -> Vec<String> {
    let of = |tags: &[Tag]| -> BTreeMap<String, String> {
        let fields = tags.iter().filter(|tag| matches!(tag.name.as_str(), "input" | "textarea" | "select"));
        fields
            .filter_map(|tag| Some((tag.attributes.get("name")?.clone(), tag.attributes.get("autocomplete").cloned().unwrap_or_default())))
            .collect()
    };
    let (here, there) = (of(tags), of(ours));
    let mut wrong = Vec::new();
    for (name, token) in there.iter().filter(|(name, _)| name.as_str() != "form_token") {
        match here.get(name) {
            None => wrong.push(format!("the field '{name}' is missing")),
            Some(written) if !token.is_empty() && written != token => {
                wrong.push(format!("the field '{name}' has lost autocomplete=\"{token}\""));
            }
            Some(_) => {}
        }
    }
    let named = |tags: &[Tag]| -> BTreeSet<String> {
        tags.iter().filter(|tag| tag.name == "button").filter_map(|tag| tag.attributes.get("name").cloned()).collect()
    };
    let buttons = named(tags);
    wrong.extend(named(ours).difference(&buttons).map(|name| format!("the button '{name}' is missing")));
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_a_page_hard_to_use_is_found() {
        let ours = "<html lang=en><label for=a>A</label><input id=a name=a autocomplete=username><input type=hidden name=at>";
        let html = "<html><p id=x><p id=x><label for=b>A</label><input id=a name=a><value><form method=POST action='/s'></form>\
                    <p title=\"\u{2068}x\u{2069}\"><a href=\"#f-z\">z</a>";
        let wrong = lint(html, ours).join("\n");
        for part in [
            "the id 'x' stands twice",
            "the field 'a' has no label",
            "a label is for 'b'",
            "not escaped",
            "no 'lang'",
            "sent to '/s' has no form token",
            "a mark of direction",
            "leads to '#f-z'",
            "the field 'at' is missing",
            "lost autocomplete=\"username\"",
        ] {
            assert!(wrong.contains(part), "{part} is not in\n{wrong}");
        }
        assert_eq!(lint(ours, ours), [""; 0]);
    }

    #[test]
    fn text_that_is_no_tag_is_none() {
        assert_eq!(tags("a < b <!-- <input> --> <script>if (a<input) {}</script> &lt;value&gt;").len(), 1);
        assert_eq!(tags("<a title='<b>' x>")[0].attributes["title"], "<b>");
    }
}
