//! What is wrong with a page: labels that lead nowhere or say nothing, ids that stand twice, forms without their token, button or address, values that
//! were not escaped. For our own pages in tests, and for an operator's templates in `check`.

use std::collections::{BTreeMap, BTreeSet};

/// What every text of a sample ends in: quotation marks of both kinds, a tag that no page has, and an attribute that none has.
pub(crate) const MARK: &str = " unquoted=1 \"'><value>";
/// The tag: where it comes out as one, a template did not escape a text.
const TAG: &str = "value";
/// The attribute: where it comes out as one, a text stands in an attribute that has no quotation marks.
const ATTRIBUTE: &str = "unquoted";
/// What is left of a mark that was escaped: where nothing is to be escaped so, a text does not belong.
const TRACE: &str = " unquoted=1 ";
/// Kinds of `input` that a person does not fill in.
const SILENT: [&str; 5] = ["hidden", "submit", "button", "reset", "image"];
/// Attributes that hold an address which is gone to.
const ADDRESSES: [&str; 5] = ["href", "src", "action", "formaction", "srcset"];
/// What an address begins with that a text of somebody's may go on.
const BEGINNINGS: [&str; 8] = ["/", "#", "?", "https://", "http://", "mailto:", "tel:", "data:"];

/// A tag with its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Its name; with a slash before it for an end.
    pub(crate) name: String,
    /// Its attributes.
    pub(crate) attributes: BTreeMap<String, String>,
    /// What is read between it and the next one.
    text: String,
}

impl Tag {
    fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    fn is_field(&self) -> bool {
        matches!(self.name.as_str(), "input" | "textarea" | "select")
    }

    /// Whether pressing it sends a form (HTML, "The button element").
    fn sends(&self) -> bool {
        match self.name.as_str() {
            "button" => !["button", "reset"].contains(&self.get("type").to_ascii_lowercase().as_str()),
            "input" => ["submit", "image"].contains(&self.get("type").to_ascii_lowercase().as_str()),
            _ => false,
        }
    }
}

/// The tags of a page. What stands in `script` and `style` is none.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    parts(html).0
}

/// The tags of a page, and what stands where no tag is one: in scripts, styles and comments, each with the name of where it stands.
fn parts(html: &str) -> (Vec<Tag>, Vec<(String, &str)>) {
    let mut found: Vec<Tag> = Vec::new();
    let mut raw = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        if let (Some(tag), Some(text)) = (found.last_mut(), rest.get(..at)) {
            tag.text.push_str(text);
        }
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(comment) = rest.strip_prefix("!--") {
            let (inside, after) = comment.split_once("-->").unwrap_or((comment, ""));
            raw.push(("comment".to_owned(), inside));
            rest = after;
            continue;
        }
        let name: String = rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || "/-!".contains(*letter)).collect();
        if !name.trim_start_matches('/').starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            if let Some(tag) = found.last_mut() {
                tag.text.push('<');
            }
            continue;
        }
        rest = rest.get(name.len()..).unwrap_or_default();
        let (attributes, after) = attributes(rest);
        rest = after;
        let name = name.to_ascii_lowercase();
        if matches!(name.as_str(), "script" | "style") {
            let (inside, after) = rest.split_once(&format!("</{name}")).unwrap_or((rest, ""));
            raw.push((name.clone(), inside));
            rest = after.split_once('>').map_or("", |(_, after)| after);
        }
        found.push(Tag { name, attributes, text: String::new() });
    }
    (found, raw)
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
    let (tags, raw) = parts(html);
    let mut wrong = Vec::new();
    let mut ids = BTreeSet::new();
    for id in tags.iter().filter_map(|tag| tag.attributes.get("id")) {
        if !ids.insert(id.as_str()) {
            wrong.push(format!("the id '{id}' stands twice"));
        }
    }
    wrong.extend(labels(&tags, &ids));
    for tag in &tags {
        for name in ["aria-describedby", "aria-labelledby", "aria-controls"] {
            for id in tag.get(name).split_whitespace().filter(|id| !ids.contains(id)) {
                wrong.push(format!("'{name}' names '{id}', which is not there"));
            }
        }
        if tag.get("href").starts_with("#f-") && !ids.contains(tag.get("href").trim_start_matches('#')) {
            wrong.push(format!("a link leads to '{}', which is not there", tag.get("href")));
        }
        let marks = |value: &String| value.contains(['\u{2068}', '\u{2069}']) || value.contains("<bdi>");
        if tag.attributes.values().any(marks) {
            wrong.push(format!("an attribute of '{}' holds a mark of direction: use ta() in place of t()", tag.name));
        }
    }
    wrong.extend(escapes(&tags, &raw));
    if !tags.iter().any(|tag| tag.name == "html" && !tag.get("lang").is_empty()) {
        wrong.push("the element 'html' has no 'lang'".to_owned());
    }
    let forms = forms(&tags);
    wrong.extend(forms.iter().flat_map(|form| unsent(form, &tags)));
    wrong.extend(lost(&forms, &self::forms(&self::tags(ours))));
    wrong
}

/// Fields, buttons and links that nobody can call by a name.
fn labels(tags: &[Tag], ids: &BTreeSet<&str>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut labels: BTreeMap<&str, bool> = BTreeMap::new();
    // Whether each tag stands in a label, and whether that says something.
    let mut within: Vec<Option<bool>> = vec![None; tags.len()];
    for (at, tag) in tags.iter().enumerate().filter(|(_, tag)| tag.name == "label") {
        let end = end_of(tags, at);
        let says = !said(tags, at, end).is_empty();
        *labels.entry(tag.get("for")).or_default() |= says;
        within.iter_mut().take(end).skip(at).for_each(|place| *place = Some(says));
    }
    for (at, tag) in tags.iter().enumerate().filter(|(_, tag)| tag.is_field()) {
        if tag.name == "input" && SILENT.contains(&tag.get("type")) || tag.get("aria-hidden") == "true" {
            continue;
        }
        let named = ["aria-label", "aria-labelledby"].iter().any(|name| !tag.get(name).trim().is_empty());
        let label = within.get(at).copied().flatten().or_else(|| labels.get(tag.get("id")).copied().filter(|_| !tag.get("id").is_empty()));
        match label {
            _ if named => {}
            None => wrong.push(format!("the field '{}' has no label", tag.get("name"))),
            Some(false) => wrong.push(format!("the label of the field '{}' is empty", tag.get("name"))),
            Some(true) => {}
        }
    }
    for label in labels.keys().filter(|label| !label.is_empty() && !ids.contains(**label)) {
        wrong.push(format!("a label is for '{label}', which is not there"));
    }
    for (at, tag) in
        tags.iter().enumerate().filter(|(_, tag)| tag.name == "button" || tag.name == "a" && tag.attributes.contains_key("href"))
    {
        let named = ["aria-label", "aria-labelledby", "title"].iter().any(|name| !tag.get(name).trim().is_empty());
        if !named && tag.get("aria-hidden") != "true" && said(tags, at, end_of(tags, at)).is_empty() {
            let what = if tag.name == "a" {
                format!("the link to '{}'", plain(tag.get("href")))
            } else {
                format!("the button '{}'", tag.get("name"))
            };
            wrong.push(format!("{what} has no text"));
        }
    }
    wrong
}

/// Where an element ends that has none of its own kind in it.
fn end_of(tags: &[Tag], at: usize) -> usize {
    let name = tags.get(at).map_or("", |tag| tag.name.as_str());
    let ends = |tag: &Tag| tag.name.strip_prefix('/') == Some(name);
    tags.iter().skip(at + 1).position(ends).map_or(tags.len(), |length| at + 1 + length)
}

/// What an element says to whoever hears it.
fn said(tags: &[Tag], from: usize, to: usize) -> String {
    let silent = |tag: &Tag| matches!(tag.name.as_str(), "script" | "style" | "textarea" | "select" | "option");
    let inside = tags.iter().take(to).skip(from);
    let texts = inside.map(|tag| if silent(tag) { String::new() } else { format!("{} {}", tag.text, tag.get("alt")) });
    texts.collect::<Vec<_>>().join(" ").trim().replace("&nbsp;", "")
}

/// Texts of somebody's that come out as something else, or stand where no escaping helps.
fn escapes(tags: &[Tag], raw: &[(String, &str)]) -> Vec<String> {
    let mut wrong = Vec::new();
    if tags.iter().any(|tag| tag.name == TAG) {
        wrong.push("a value was not escaped".to_owned());
    } else if tags.iter().any(|tag| tag.attributes.contains_key(ATTRIBUTE)) {
        wrong.push("a value stands in an attribute without quotation marks".to_owned());
    }
    for (place, text) in raw {
        match place.as_str() {
            "comment" if text.contains(&format!("<{TAG}>")) => wrong.push("a value was not escaped, in a comment".to_owned()),
            "comment" => {}
            place if text.contains(TRACE) => {
                wrong.push(format!("a value stands in a '{place}', where escaping does not help: put it into a data- attribute"));
            }
            _ => {}
        }
    }
    for tag in tags {
        for (name, value) in &tag.attributes {
            if (name.starts_with("on") || name == "style") && value.contains(TRACE) {
                wrong.push(format!("a value stands in the attribute '{name}', where escaping does not help"));
            }
            let begins = BEGINNINGS.iter().any(|start| value.starts_with(start));
            if ADDRESSES.contains(&name.as_str()) && value.contains(TRACE) && !begins {
                wrong.push(format!("a value is the beginning of an address, in '{name}' of '{}'", tag.name));
            }
        }
    }
    wrong
}

/// A form, or what stands in none.
#[derive(Default)]
struct Form<'t> {
    /// Where it is sent; nothing for what stands in none.
    action: Option<&'t str>,
    /// It is sent with POST.
    posts: bool,
    /// Its id.
    id: &'t str,
    /// Names of its fields, with the token of `autocomplete` and whether it hides what is typed.
    fields: BTreeMap<&'t str, (&'t str, bool)>,
    /// Names of its buttons.
    buttons: BTreeSet<&'t str>,
    /// Something sends it.
    sends: bool,
    /// There is something to type or to choose in it.
    asks: bool,
}

/// The forms of a page; the first is what stands in none.
fn forms(tags: &[Tag]) -> Vec<Form<'_>> {
    let mut forms = vec![Form::default()];
    let mut inside = false;
    for tag in tags {
        match tag.name.as_str() {
            "form" => {
                let posts = tag.get("method").eq_ignore_ascii_case("post");
                forms.push(Form { action: Some(tag.get("action")), posts, id: tag.get("id"), ..Form::default() });
                inside = true;
            }
            "/form" => inside = false,
            _ => {
                let of = tag.get("form");
                let named = forms.iter().position(|form| !of.is_empty() && form.id == of);
                let at = named.unwrap_or(if inside { forms.len() - 1 } else { 0 });
                let Some(form) = forms.get_mut(at) else { continue };
                form.sends |= tag.sends();
                form.asks |= tag.is_field() && !SILENT.contains(&tag.get("type"));
                if tag.is_field() && tag.attributes.contains_key("name") {
                    form.fields.insert(tag.get("name"), (tag.get("autocomplete"), tag.get("type") == "password"));
                } else if tag.name == "button" && tag.attributes.contains_key("name") {
                    form.buttons.insert(tag.get("name"));
                }
            }
        }
    }
    forms
}

/// An address without the mark of a sample.
fn plain(address: &str) -> String {
    address.split(TRACE).next().unwrap_or_default().to_owned()
}

/// Why a form is not sent, or to whom it must not be.
fn unsent(form: &Form<'_>, tags: &[Tag]) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some(action) = form.action else {
        let elsewhere = tags.iter().map(|tag| tag.get("formaction")).filter(|action| is_elsewhere(action));
        return elsewhere.map(|action| format!("a button sends its form to another server: '{}'", plain(action))).collect();
    };
    let shown = plain(action);
    if is_elsewhere(action) {
        wrong.push(format!("a form is sent to another server: '{shown}'"));
    }
    if form.posts && !form.fields.contains_key("form_token") {
        wrong.push(format!("the form that is sent to '{shown}' has no form token: {{% include \"_form-token.html\" %}}"));
    }
    if !form.posts && form.fields.values().any(|(_, hides)| *hides) {
        wrong.push(format!("the form that is sent to '{shown}' has no method=\"post\", so the password is written into the address"));
    }
    if form.asks && !form.sends {
        wrong.push(format!("the form that is sent to '{shown}' has no button"));
    }
    wrong
}

fn is_elsewhere(action: &str) -> bool {
    let action = action.trim_start();
    action.starts_with("//") || action.starts_with("/\\") || action.split(['/', '?', '#']).next().is_some_and(|start| start.contains(':'))
}

/// Forms, tokens of `autocomplete`, fields and buttons with a name that the built-in page has and this one has not.
fn lost(forms: &[Form<'_>], ours: &[Form<'_>]) -> Vec<String> {
    let mut wrong = BTreeSet::new();
    for form in ours {
        // A form without an address is sent to the page that it is on.
        let same = |other: &&Form<'_>| form.action.is_none() || other.action == form.action || other.action == Some("");
        let same: Vec<&Form<'_>> = forms.iter().filter(same).collect();
        let shown = plain(form.action.unwrap_or_default());
        if same.is_empty() {
            wrong.insert(format!("the form that is sent to '{shown}' is missing"));
            continue;
        }
        if form.posts && !same.iter().any(|other| other.posts) {
            wrong.insert(format!("the form that is sent to '{shown}' has lost method=\"post\""));
        }
        if form.sends && !form.asks && form.action.is_some() && !same.iter().any(|other| other.sends) {
            wrong.insert(format!("the form that is sent to '{shown}' has no button"));
        }
        for (name, (token, hides)) in form.fields.iter().filter(|(name, _)| **name != "form_token") {
            match same.iter().find_map(|other| other.fields.get(name)) {
                None => {
                    wrong.insert(format!("the field '{name}' is missing"));
                }
                Some((written, _)) if !token.is_empty() && written != token => {
                    wrong.insert(format!("the field '{name}' has lost autocomplete=\"{token}\""));
                }
                Some((_, false)) if *hides => {
                    wrong.insert(format!("the field '{name}' shows what is typed: it has lost type=\"password\""));
                }
                Some(_) => {}
            }
        }
        for name in form.buttons.iter().filter(|name| !same.iter().any(|other| other.buttons.contains(*name))) {
            wrong.insert(format!("the button '{name}' is missing"));
        }
    }
    wrong.into_iter().collect()
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

    fn wrong(html: &str) -> Vec<String> {
        let page = format!("<html lang=en>{html}");
        lint(&page, &page)
    }

    #[test]
    fn what_has_no_name_is_found() {
        for (html, part) in [
            ("<label for=a></label><input id=a name=a>", "the label of the field 'a' is empty"),
            ("<label> <b></b> <input name=a></label>", "the label of the field 'a' is empty"),
            ("<label><textarea name=a>x</textarea></label>", "the label of the field 'a' is empty"),
            ("<input name=a aria-label=\"\">", "the field 'a' has no label"),
            ("<button name=b type=button> </button>", "the button 'b' has no text"),
            ("<a href=\"/x\"><img src=\"/i\" alt=\"\"></a>", "the link to '/x' has no text"),
        ] {
            assert_eq!(wrong(html).iter().filter(|wrong| wrong.contains(part)).count(), 1, "{html}: {:?}", wrong(html));
        }
        let good = "<label for=a>A</label><input id=a name=a><label>B <select name=b><option>x</select></label><input name=c aria-label=C>\
                    <a href=\"/x\"><img src=\"/i\" alt=\"I\"></a><button type=button aria-label=X></button>";
        assert_eq!(wrong(good), [""; 0]);
    }

    /// What a visitor types may be any text: what of it ends the place that it stands in is found wherever that is.
    #[test]
    fn a_text_is_found_wherever_escaping_does_not_help() {
        let (text, escaped) = (
            format!("x{MARK}"),
            format!("x{}", MARK.replace('"', "&quot;").replace('\'', "&#39;").replace('<', "&lt;").replace('>', "&gt;")),
        );
        for (html, part) in [
            (format!("<p>{text}</p>"), "not escaped"),
            (format!("<input type=hidden value=\"{text}\">"), "not escaped"),
            (format!("<input type=hidden value={escaped}>"), "without quotation marks"),
            (format!("<script>var a = \"{text}\";</script>"), "in a 'script'"),
            (format!("<script>var a = {escaped};</script>"), "in a 'script'"),
            (format!("<style>a {{ content: \"{text}\" }}</style>"), "in a 'style'"),
            (format!("<!-- {text} -->"), "in a comment"),
            (format!("<p onclick=\"x('{escaped}')\">x</p>"), "the attribute 'onclick'"),
            (format!("<p style=\"color:{escaped}\">x</p>"), "the attribute 'style'"),
            (format!("<a href=\"{escaped}\">x</a>"), "the beginning of an address"),
            (format!("<a href=\"javascript:x('{escaped}')\">x</a>"), "the beginning of an address"),
        ] {
            let found = wrong(&html);
            assert!(found.iter().any(|wrong| wrong.contains(part)), "{html}: {found:?}");
        }
        let good = format!("<p title=\"{escaped}\">{escaped}</p><a href=\"/{escaped}\">x</a><!-- {escaped} --><p data-x='{escaped}'>x</p>");
        assert_eq!(wrong(&good), [""; 0]);
    }

    #[test]
    fn a_form_that_is_sent_nowhere_or_elsewhere_or_in_the_open_is_found() {
        let page = |form: &str| format!("<html lang=en>{form}");
        let inside = "<input type=hidden name=form_token><input type=hidden name=to><label>P<input type=password name=p></label>";
        let ours = page(&format!(
            "<form method=post action=\"/s\">{inside}<button>S</button></form><form action=\"/o\" method=post><input type=hidden name=form_token><input type=hidden name=to><button>O</button></form>"
        ));
        let changed = |from: &str, to: &str| lint(&ours.replacen(from, to, 1), &ours).join("\n");
        assert_eq!(changed("x-nothing", ""), "");
        for (from, to, parts) in [
            ("<button>S</button>", "", &["the form that is sent to '/s' has no button"][..]),
            ("method=post ", "", &["the password is written into the address", "sent to '/s' has lost method"]),
            (
                "action=\"/s\"",
                "action=\"https://evil.example/\"",
                &["to another server: 'https://evil.example/'", "the form that is sent to '/s' is missing"],
            ),
            ("action=\"/s\"", "action=\"//evil.example/\"", &["to another server"]),
            ("<button>S", "<button formaction=\"https://evil.example\">S", &["a button sends its form to another server"]),
            ("<input type=hidden name=to>", "", &["the field 'to' is missing"]),
            ("type=password", "type=text", &["the field 'p' shows what is typed"]),
        ] {
            let found = changed(from, to);
            assert!(parts.iter().all(|part| found.contains(part)), "{from} {to}: {found}");
        }
        assert_eq!(changed("action=\"/s\"", ""), "", "a form without an address is sent to its own page");
        let outside = |of: &str| {
            let apart = ours.replacen("<button>S</button></form>", "</form><button form=f>S</button>", 1);
            lint(&apart.replacen("<form ", of, 1), &ours).join("\n")
        };
        assert_eq!((outside("<form id=f "), outside("<form id=g ").matches("no button").count()), (String::new(), 1));
    }
}
