//! A browser before the server's own pages: one cookie, and the form of the page that it is on.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Failure;
use crate::client::{Answer, Connection};

/// A browser.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    cookie: String,
}

/// A page that was read.
#[derive(Debug)]
pub(crate) struct Page {
    html: String,
}

impl Reader {
    /// Opens a page.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn open(&mut self, connection: &mut Connection, path: &str) -> Result<Page, Failure> {
        let request = connection.request("GET", path, &self.headers(), None);
        let answer = connection.exchange(&request).await?;
        self.keep(&answer);
        if answer.status != 200 {
            return Err(format!("GET {path}: {}", answer.status).into());
        }
        Ok(Page { html: String::from_utf8(answer.body().to_vec())? })
    }

    /// Fills in the form of a page, sends it, and goes where that leads.
    ///
    /// # Errors
    /// When there is no form, or it leads nowhere.
    pub(crate) async fn send(&mut self, connection: &mut Connection, page: &Page, typed: &[(&str, &str)]) -> Result<Page, Failure> {
        let form = page.form().ok_or("the page has no form")?;
        let path = between(form, "action=\"", "\"").ok_or("the form goes nowhere")?.replace("&amp;", "&");
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pairs = hidden(form).chain(typed.iter().copied()).map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let headers = format!("{}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", self.headers(), body.len());
        let mut request = connection.request("POST", &path, &headers, None);
        request.extend_from_slice(body.as_bytes());
        let answer = connection.exchange(&request).await?;
        self.keep(&answer);
        let to = answer.headers("location").next().filter(|_| answer.status == 303).map(str::to_owned);
        let to = to.ok_or_else(|| format!("POST {path}: {} {}", answer.status, String::from_utf8_lossy(answer.body())))?;
        self.open(connection, &to).await
    }

    fn headers(&self) -> String {
        if self.cookie.is_empty() { String::new() } else { format!("Cookie: {}\r\n", self.cookie) }
    }

    fn keep(&mut self, answer: &Answer) {
        if let Some(set) = answer.headers("set-cookie").find_map(|header| header.split(';').next()) {
            set.clone_into(&mut self.cookie);
        }
    }
}

impl Page {
    /// Whether it says this.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.html.contains(words)
    }

    /// What it loads from the same server.
    pub(crate) fn loads(&self) -> impl Iterator<Item = &str> {
        let links = self.html.split("<link ").skip(1).filter(|tag| tag.starts_with("rel=")).filter_map(|tag| between(tag, "href=\"", "\""));
        let scripts = self.html.split("<script ").skip(1).filter_map(|tag| between(tag, "src=\"", "\""));
        links.chain(scripts).filter(|path| path.starts_with('/'))
    }

    /// How long it is, in bytes.
    pub(crate) fn length(&self) -> usize {
        self.html.len()
    }

    fn form(&self) -> Option<&str> {
        between(between(&self.html, "<main", "</main>")?, "<form method=\"post\" ", "</form>")
    }
}

/// The fields of a form that nobody types.
fn hidden(form: &str) -> impl Iterator<Item = (&str, &str)> {
    let tags = form.split("<input type=\"hidden\" ").skip(1);
    tags.filter_map(|tag| Some((between(tag, "name=\"", "\"")?, between(tag, "value=\"", "\"")?)))
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_in_the_middle_is_read_with_what_nobody_types() {
        let html = "<link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"/a.css\"><script src=\"/a.js\" defer></script>\
                    <form method=\"post\" action=\"/out\"></form><main><form method=\"post\" action=\"/x?a=1&amp;b=2\">\
                    <input type=\"hidden\" name=\"at\" value=\"1\"><input name=\"who\"></form></main>";
        let page = Page { html: html.to_owned() };
        let form = page.form().unwrap();
        assert_eq!(between(form, "action=\"", "\""), Some("/x?a=1&amp;b=2"));
        assert_eq!(hidden(form).collect::<Vec<_>>(), [("at", "1")]);
        assert_eq!(page.loads().collect::<Vec<_>>(), ["/a.css", "/a.js"]);
    }
}
