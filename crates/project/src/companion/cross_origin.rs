//! `servletfilter-<name>.json`: which pages of other origins may call the server (install guide, "Additional servlet filters"). The one
//! filter that is known is Jetty's `CrossOriginFilter`; its parameters, defaults and wildcards are those of its documentation.
//!
//! The rule easiest to break: what a file does not say must not open more than it has to. Where it names no origin the product lets
//! every page in, and with the person's cookies; here cookies count for any origin only if the file says so itself.

use std::time::Duration;

use regex::Regex;

use crate::diagnostic::{Severity, Sink};
use crate::loose::{Document, Node};

/// The filter that is known, by the last part of its class; the package changed with Jetty's releases.
const FILTER: &str = "CrossOriginFilter";
/// The filter that bounds requests; a limit of ours does.
const LARGE_PAYLOAD: &str = "LargePayloadServletFilter";
/// Packages of filters that come with the product and guard nothing else.
const SHIPPED: [&str; 2] = ["org.eclipse.jetty.", "org.forgerock.openidm."];
const MAX_AGE_SECONDS: i64 = 1800;
const WEEK_SECONDS: i64 = 7 * 24 * 3600;

/// Which pages of other origins may call, and with what.
#[derive(Clone, Debug)]
pub struct CrossOrigin {
    paths: Vec<String>,
    origins: Vec<Origin>,
    /// Methods, as `GET`.
    pub methods: Vec<String>,
    /// Request headers beside those that every page may send; `None` for any.
    pub headers: Option<Vec<String>>,
    /// Response headers that a page may read beside the usual ones.
    pub exposed: Vec<String>,
    /// Do a person's cookies count?
    pub credentials: bool,
    /// How long a browser may remember the answer to its question.
    pub max_age: Duration,
}

#[derive(Clone, Debug)]
enum Origin {
    Any,
    Exactly(String),
    Like(Regex),
}

/// Is this the name of a servlet filter's file?
pub(crate) fn is_file(file_name: &str) -> bool {
    let name = file_name.strip_prefix("servletfilter-").and_then(|rest| rest.strip_suffix(".json"));
    name.is_some_and(|name| !name.is_empty() && !name.contains('.'))
}

impl CrossOrigin {
    /// Does this answer for a path, `/openidm/info/ping`?
    #[must_use]
    pub fn applies_to(&self, path: &str) -> bool {
        self.paths.iter().any(|pattern| match (pattern.strip_suffix("/*"), pattern.strip_prefix('*')) {
            (Some(prefix), _) => path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            (None, Some(suffix)) => path.ends_with(suffix),
            (None, None) => path == pattern,
        })
    }

    /// May pages of this origin, `https://app.example`, call?
    #[must_use]
    pub fn allows(&self, origin: &str) -> bool {
        self.origins.iter().any(|allowed| match allowed {
            Origin::Any => true,
            Origin::Exactly(text) => text == origin,
            Origin::Like(pattern) => pattern.is_match(origin),
        })
    }

    /// The filter of a file; nothing for one of another class, which is named.
    pub(crate) fn read(document: &Document, sink: &Sink) -> Option<Self> {
        let root = document.root(sink);
        let class = root.get("filterClass");
        let named = class.filled_text().unwrap_or_default();
        if named.rsplit('.').next() != Some(FILTER) {
            other_filter(&class, &named);
            return None;
        }
        let parameters = root.get("initParams");
        parameters.expect(&crate::keys::CORS);
        let origins = origins(&parameters.get("allowedOrigins"));
        let any = origins.iter().any(|origin| matches!(origin, Origin::Any));
        let credentials = parameters.get("allowCredentials");
        let credentials_allowed = credentials.boolean().unwrap_or(!any);
        if any && credentials_allowed {
            let message = "pages of every origin may call with a person's session";
            credentials.report(Severity::Warning, "any-origin", message, Some("name the origins in 'allowedOrigins'".to_owned()));
        }
        let headers = listed(&parameters, "allowedHeaders", &["X-Requested-With", "Content-Type", "Accept", "Origin"]);
        let max_age = parameters.get("preflightMaxAge").integer_in(0..=WEEK_SECONDS).unwrap_or(MAX_AGE_SECONDS);
        let paths = root.get("urlPatterns").texts();
        Some(Self {
            paths: if paths.is_empty() { vec!["/*".to_owned()] } else { paths },
            origins,
            methods: listed(&parameters, "allowedMethods", &["GET", "POST", "HEAD"]),
            headers: (!headers.iter().any(|header| header == "*")).then_some(headers),
            exposed: listed(&parameters, "exposedHeaders", &[]),
            credentials: credentials_allowed,
            max_age: Duration::from_secs(u64::try_from(max_age).unwrap_or_default()),
        })
    }
}

/// A filter that does not run here. One that an operator added may have guarded something.
fn other_filter(class: &Node<'_>, named: &str) {
    let (severity, message, help) = if named.is_empty() {
        (Severity::Warning, "the file names no 'filterClass'; no filter is made of it".to_owned(), None)
    } else if named.ends_with(LARGE_PAYLOAD) {
        let help = "'max_body_bytes' of vestibule.toml bounds what a request may hold".to_owned();
        (Severity::Hint, format!("the filter '{named}' does not run here"), Some(help))
    } else if SHIPPED.iter().any(|package| named.starts_with(package)) {
        (Severity::Hint, format!("the filter '{named}' does not run here"), None)
    } else {
        let help = "put what it did into the proxy in front of the server".to_owned();
        (Severity::Warning, format!("the filter '{named}' does not run here; what it guarded is not guarded"), Some(help))
    };
    class.report(severity, "servlet-filter", message, help);
}

/// Origins by name, `*` for any, and patterns: there, `*` stands for any text, a dot for itself, and the rest is a regular expression.
fn origins(node: &Node<'_>) -> Vec<Origin> {
    if !node.is_present() && !node.is_flawed() {
        return vec![Origin::Any];
    }
    let read = |text: String| match text.as_str() {
        "*" => Some(Origin::Any),
        pattern if pattern.contains('*') => {
            let whole = format!("^(?:{})$", pattern.replace('.', r"\.").replace('*', ".*"));
            let compiled = Regex::new(&whole).map(Origin::Like);
            compiled.map_err(|_| node.report(Severity::Error, "wrong-value", format!("'{pattern}' is no pattern of origins"), None)).ok()
        }
        _ => Some(Origin::Exactly(text)),
    };
    node.comma_texts().into_iter().filter_map(read).collect()
}

/// Names of methods or headers; what can be neither is noted and left out.
fn listed(parameters: &Node<'_>, key: &str, default: &[&str]) -> Vec<String> {
    let node = parameters.get(key);
    if !node.is_present() {
        return default.iter().map(|name| (*name).to_owned()).collect();
    }
    let is_token = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    let (good, bad): (Vec<_>, Vec<_>) = node.comma_texts().into_iter().partition(|name| is_token(name));
    for name in bad {
        node.report(Severity::Warning, "wrong-value", format!("'{name}' is no name of a method or header and is left out"), None);
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn read(text: &str) -> (Option<CrossOrigin>, Vec<(Severity, &'static str)>) {
        let sink = Sink::default();
        let names = |name: &str| (name == "openidm.port.https").then(|| "8443".to_owned());
        let document = Document::read(SourceFile::new("conf/servletfilter-cors.json", text), &names, &sink).unwrap();
        let filter = CrossOrigin::read(&document, &sink);
        (filter, sink.into_sorted().iter().map(|found| (found.severity, found.rule)).collect())
    }

    fn with(parameters: &str) -> (CrossOrigin, Vec<(Severity, &'static str)>) {
        let (filter, found) =
            read(&format!("{{\"initParams\": {{{parameters}}}, \"filterClass\": \"org.eclipse.jetty.ee10.servlets.CrossOriginFilter\"}}"));
        (filter.unwrap(), found)
    }

    #[test]
    fn the_shipped_file_is_read() {
        let (filter, found) = read(
            r#"{"classPathURLs": [], "systemProperties": {}, "requestAttributes": {}, "scriptExtensions": {}, "initParams": {
                "allowedOrigins": "https://localhost:&{openidm.port.https}", "allowedMethods": "GET,POST,PUT,DELETE,PATCH",
                "allowedHeaders": "accept,x-openidm-password,\n   x-openidm-nosession", "allowCredentials": "true", "chainPreflight": false},
                "urlPatterns": ["/*"], "filterClass": "org.eclipse.jetty.servlets.CrossOriginFilter"}"#,
        );
        let filter = filter.unwrap();
        assert!(filter.allows("https://localhost:8443"));
        assert!(!filter.allows("https://localhost") && !filter.allows("null") && !filter.allows("https://localhost:8443.evil.example"));
        assert!(filter.applies_to("/") && filter.applies_to("/openidm/info/ping"));
        assert_eq!(filter.methods.len(), 5);
        assert_eq!(filter.headers.unwrap(), ["accept", "x-openidm-password", "x-openidm-nosession"]);
        assert_eq!((filter.credentials, filter.max_age.as_secs(), filter.exposed), (true, 1800, Vec::new()));
        assert_eq!(found, []);
    }

    #[test]
    fn cookies_count_for_any_origin_only_if_the_file_says_so() {
        let (filter, found) = with("");
        assert_eq!((filter.allows("https://any.example"), filter.credentials, found), (true, false, Vec::new()));
        let (filter, found) = with(r#""allowedOrigins": "*", "allowCredentials": true"#);
        assert_eq!((filter.credentials, found), (true, vec![(Severity::Warning, "any-origin")]));
        assert!(with(r#""allowedOrigins": "https://a.example""#).0.credentials, "as in the product");
    }

    #[test]
    fn an_origin_that_nobody_can_tell_opens_nothing() {
        let (filter, found) = with(r#""allowedOrigins": "&{nobody}, https://*.[example""#);
        assert!(!filter.allows("https://a.example"));
        assert_eq!(found, [(Severity::Error, "unresolved-name")]);
        let (filter, found) = with(r#""allowedOrigins": "https://*.[example""#);
        assert!(!filter.allows("https://a.[example"));
        assert_eq!(found, [(Severity::Error, "wrong-value")]);
    }

    #[test]
    fn patterns_and_lists_are_jetty_s() {
        let (filter, found) = with(
            r#""allowedOrigins": "https?://*.example.[a-z]{3} , https://one.example", "allowedHeaders": "*", "exposedHeaders": "etag", "preflightMaxAge": "60", "allowedMethods": "GET,NO T", "allowdOrigins": 1"#,
        );
        for origin in ["http://a.example.com", "https://a.b.example.org", "https://one.example"] {
            assert!(filter.allows(origin), "{origin}");
        }
        for origin in ["https://example.com", "https://aXexample.com", "https://a.example.info", "https://two.example.info", ""] {
            assert!(!filter.allows(origin), "{origin}");
        }
        assert_eq!((filter.headers, filter.exposed, filter.max_age.as_secs()), (None, vec!["etag".to_owned()], 60));
        assert_eq!(filter.methods, ["GET"]);
        assert_eq!(found, [(Severity::Warning, "wrong-value"), (Severity::Warning, "unknown-key")]);
    }

    #[test]
    fn paths_are_matched_as_servlets_match_them() {
        let applies = |pattern: &str, path: &str| {
            let (filter, _) = with("");
            CrossOrigin { paths: vec![pattern.to_owned()], ..filter }.applies_to(path)
        };
        assert!(applies("/openidm/*", "/openidm") && applies("/openidm/*", "/openidm/x") && !applies("/openidm/*", "/openidmx"));
        assert!(applies("*.json", "/a/b.json") && !applies("*.json", "/a/b.js") && applies("/a", "/a") && !applies("/a", "/a/b"));
    }

    #[test]
    fn a_filter_of_another_class_is_named_as_loud_as_what_it_guarded() {
        let rule = |class: &str| read(&format!("{{\"filterClass\": \"{class}\"}}")).1;
        assert_eq!(rule("org.forgerock.openidm.jetty.LargePayloadServletFilter"), [(Severity::Hint, "servlet-filter")]);
        assert_eq!(rule("org.eclipse.jetty.servlets.GzipFilter"), [(Severity::Hint, "servlet-filter")]);
        assert_eq!(rule("com.example.AgentFilter"), [(Severity::Warning, "servlet-filter")]);
        assert_eq!(read("{}").1, [(Severity::Warning, "servlet-filter")]);
        assert!(is_file("servletfilter-cors.json") && !is_file("servletfilter-cors.json.patch") && !is_file("servletfilter-.json"));
    }
}
