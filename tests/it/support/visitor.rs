//! A browser without scripts: it keeps cookies, follows redirects, reads the forms of a page and sends them. And nothing else.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::http::{Request, Response};

/// A form of a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pub(crate) action: String,
    /// What it would send, as it stands.
    pub(crate) fields: Vec<(String, String)>,
    /// Every control with its `autocomplete`, hidden ones aside.
    pub(crate) controls: BTreeMap<String, String>,
    /// Its buttons, name and value.
    pub(crate) buttons: Vec<(String, String)>,
}

/// Somebody before a browser.
#[derive(Clone)]
pub(crate) struct Visitor {
    address: SocketAddr,
    headers: Vec<(String, String)>,
    pub(crate) cookies: BTreeMap<String, String>,
    /// The page they see.
    pub(crate) page: Page,
}

/// A page as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) status: u16,
    /// The address bar.
    pub(crate) path: String,
    pub(crate) html: String,
    pub(crate) headers: Vec<(String, String)>,
    /// Every address that was asked for on the way.
    pub(crate) way: Vec<String>,
}

impl Visitor {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, headers: vec![("Accept-Language".into(), "en".into())], cookies: BTreeMap::new(), page: Page::default() }
    }

    /// The same with another header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends one request with the cookies, and keeps those that come back. Follows nothing.
    pub(crate) fn send(&mut self, request: Request) -> Response {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = if cookies.is_empty() { request } else { request.header("Cookie", &cookies.join("; ")) };
        let answer = request.send(self.address);
        for (_, set) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (pair, rest) = set.split_once(';').unwrap_or((set, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if rest.contains("Max-Age=0") || value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.into(), value.into());
            }
        }
        answer
    }

    /// Opens an address; one of another host is opened here.
    #[track_caller]
    pub(crate) fn open(&mut self, url: &str) -> &Page {
        let path = url.split_once("://").map_or(url.to_owned(), |(_, rest)| rest[rest.find('/').unwrap_or(rest.len())..].to_owned());
        // What stands behind # stays in the browser.
        let path = path.split('#').next().unwrap_or_default().to_owned();
        let answer = self.send(Request::new("GET", &path));
        self.arrive(path, answer)
    }

    #[track_caller]
    fn arrive(&mut self, path: String, answer: Response) -> &Page {
        let mut way = vec![path];
        let mut answer = answer;
        while let (303, Some(to)) = (answer.status, answer.header("location").map(str::to_owned)) {
            assert!(way.len() < 8, "it never ends: {way:?}");
            assert!(to.starts_with('/'), "sent elsewhere: {to}");
            way.push(to.clone());
            answer = self.send(Request::new("GET", to.split('#').next().unwrap()));
        }
        self.page =
            Page { status: answer.status, path: way.last().unwrap().clone(), html: answer.text(), headers: answer.headers.clone(), way };
        &self.page
    }

    /// Fills in the form of the page's main part and presses a button: the first one, or the one of this name.
    #[track_caller]
    pub(crate) fn submit(&mut self, values: &[(&str, &str)], button: Option<&str>) -> &Page {
        let form = self.page.form();
        let pressed = match button {
            None => form.buttons.first().cloned().unwrap_or_default(),
            Some(name) => form
                .buttons
                .iter()
                .find(|(known, _)| known == name)
                .cloned()
                .unwrap_or_else(|| panic!("no button {name}: {}", self.page.html)),
        };
        let known = |name: &str| self.page.html.contains(&format!("name=\"{name}\""));
        for (name, _) in values {
            assert!(known(name), "there is no field {name}: {}", self.page.html);
        }
        self.send_form(&form, values, Some(pressed))
    }

    /// Sends a form with these values in it, by a button or by none.
    #[track_caller]
    pub(crate) fn send_form(&mut self, form: &Form, values: &[(&str, &str)], button: Option<(String, String)>) -> &Page {
        let mut fields: Vec<(String, String)> =
            form.fields.iter().filter(|(name, _)| values.iter().all(|(given, _)| given != name)).cloned().collect();
        fields.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        fields.extend(button.filter(|(name, _)| !name.is_empty()));
        let body = encode(&fields);
        let request = Request::new("POST", &form.action).header("Content-Type", "application/x-www-form-urlencoded").body(body);
        let answer = self.send(request);
        self.arrive(form.action.clone(), answer)
    }

    /// Signs in by the page.
    #[track_caller]
    pub(crate) fn sign_in(&mut self, name: &str, password: &str) -> &Page {
        self.open("/sign-in");
        self.submit(&[("user", name), ("password", password)], None)
    }
}

/// Fields as a form sends them.
pub(crate) fn encode(fields: &[(String, String)]) -> String {
    let one =
        |text: &str| -> String {
            text.bytes()
                .map(|byte| {
                    if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
                        char::from(byte).to_string()
                    } else {
                        format!("%{byte:02X}")
                    }
                })
                .collect()
        };
    fields.iter().map(|(name, value)| format!("{}={}", one(name), one(value))).collect::<Vec<_>>().join("&")
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The first heading.
    pub(crate) fn heading(&self) -> String {
        text(between(&self.html, "<h1>", "</h1>"))
    }

    /// The words of the page.
    pub(crate) fn text(&self) -> String {
        text(&self.html)
    }

    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> &Self {
        assert!(self.text().contains(words), "'{words}' is not on the page {}:\n{}", self.path, self.text());
        self
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16, heading: &str) -> &Self {
        assert_eq!((self.status, self.heading().as_str()), (status, heading), "{}\n{}", self.path, self.text());
        self
    }

    /// The form of the main part.
    #[track_caller]
    pub(crate) fn form(&self) -> Form {
        self.forms().into_iter().next().unwrap_or_else(|| panic!("no form on {}:\n{}", self.path, self.html))
    }

    /// The forms of the main part.
    pub(crate) fn forms(&self) -> Vec<Form> {
        let main = between(&self.html, "<main", "</main>");
        main.split("<form").skip(1).map(|form| read(form.split("</form>").next().unwrap())).collect()
    }

    /// The link with these words in it.
    #[track_caller]
    pub(crate) fn link(&self, words: &str) -> String {
        let found =
            self.html.split("<a ").skip(1).find(|link| text(link.split("</a>").next().unwrap().split_once('>').unwrap().1).contains(words));
        let link = found.unwrap_or_else(|| panic!("no link '{words}' on {}:\n{}", self.path, self.text()));
        unescape(between(link, "href=\"", "\""))
    }
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    text.split_once(from).map_or("", |(_, rest)| rest.split(to).next().unwrap_or_default())
}

fn read(html: &str) -> Form {
    let attribute = |tag: &str, name: &str| {
        let at = format!(" {name}=\"");
        tag.contains(&at).then(|| unescape(between(tag, &at, "\"")))
    };
    let (open, rest) = html.split_once('>').unwrap();
    let mut form = Form { action: attribute(&format!(" {open}"), "action").unwrap_or_default(), ..Form::default() };
    for part in rest.split('<').skip(1) {
        let (tag, after) = part.split_once('>').unwrap_or((part, ""));
        let tag = format!(" {tag}");
        let Some(name) = attribute(&tag, "name") else {
            if tag.starts_with(" button") {
                form.buttons.push((String::new(), String::new()));
            }
            continue;
        };
        let value = attribute(&tag, "value");
        if tag.starts_with(" button") {
            form.buttons.push((name, value.unwrap_or_default()));
        } else if tag.starts_with(" textarea") {
            form.fields.push((name.clone(), unescape(after).trim_start_matches('\n').to_owned()));
            form.controls.insert(name, attribute(&tag, "autocomplete").unwrap_or_default());
        } else if tag.starts_with(" input") {
            let kind = attribute(&tag, "type").unwrap_or_default();
            let ticked = tag.contains(" checked");
            if !["checkbox", "radio"].contains(&kind.as_str()) || ticked {
                form.fields.push((name.clone(), value.unwrap_or_default()));
            }
            if kind != "hidden" {
                form.controls.insert(name, attribute(&tag, "autocomplete").unwrap_or_default());
            }
        }
    }
    form
}

/// The words of a piece of HTML.
pub(crate) fn text(html: &str) -> String {
    let words: String = html
        .split('<')
        .enumerate()
        .map(|(at, part)| if at == 0 { part } else { part.split_once('>').map_or("", |(_, text)| text) })
        .collect::<Vec<_>>()
        .join(" ");
    unescape(&words).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}
