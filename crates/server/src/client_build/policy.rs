//! The `Content-Security-Policy` of a client's page, made from the page itself: its own scripts by their hash, and the origins it names.
//!
//! Easiest to get wrong: strictness that breaks the page people know. The stock client compiles templates while it runs, so `eval` stays
//! allowed; everything an injected tag would need (inline scripts, foreign origins, plug-ins, frames, other form targets) does not. And a
//! hash is of the text as the browser reads it, with its line ends made one kind.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use accounts::Runtime;

/// Most inline scripts and origins of one page.
pub(super) const MOST: usize = 32;

/// What a page says about itself.
#[derive(Debug)]
pub(super) struct Page {
    /// The sources of its inline scripts, as a policy names them.
    scripts: Vec<String>,
    /// The origins that its script and link tags name.
    origins: Vec<(&'static str, String)>,
    is_piece: bool,
}

impl Page {
    /// Reads a page.
    pub(super) fn of(page: &str) -> Self {
        let page = page.replace("\r\n", "\n").replace('\r', "\n");
        let hash = |inline: &str| format!("'sha256-{}'", STANDARD.encode(digest::digest(&digest::SHA256, inline.as_bytes())));
        let begins = page.trim_start();
        let is_page =
            ["<!doctype", "<html", "<!--"].iter().any(|start| begins.get(..start.len()).is_some_and(|b| b.eq_ignore_ascii_case(start)));
        Self {
            scripts: scripts(&page).into_iter().map(hash).collect(),
            origins: origins(&page),
            is_piece: !page.is_empty() && !is_page && !begins.starts_with('\u{feff}'),
        }
    }

    /// Whether it is a piece of a page, a template, and no page of its own.
    pub(super) fn is_piece(&self) -> bool {
        self.is_piece
    }

    /// The policy it is sent with.
    pub(super) fn policy(&self, runtime: &Runtime) -> String {
        build(self, asks_for_captcha(runtime))
    }
}

fn build(page: &Page, captcha: bool) -> String {
    let mut script: Vec<String> = ["script-src", "'self'", "'unsafe-eval'"].map(str::to_owned).into();
    script.extend_from_slice(&page.scripts);
    // Style sheets, too, import fonts from there, and those of a build are not read here.
    let mut style: Vec<String> = ["style-src", "'self'", "'unsafe-inline'", "https://fonts.googleapis.com"].map(str::to_owned).into();
    for (tag, origin) in &page.origins {
        let list = if *tag == "script" { &mut script } else { &mut style };
        if !list.contains(origin) {
            list.push(origin.clone());
        }
    }
    let mut frame = String::from("frame-src 'self'");
    let mut connect = String::from("connect-src 'self'");
    if captcha {
        // Its script loads the rest from these (reCAPTCHA's own guide), the last where the first is out of reach.
        script.push("https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/ https://www.recaptcha.net/recaptcha/".to_owned());
        frame.push_str(" https://www.google.com/recaptcha/ https://recaptcha.google.com/recaptcha/ https://www.recaptcha.net/recaptcha/");
        connect.push_str(" https://www.google.com/recaptcha/ https://www.recaptcha.net/recaptcha/");
    }
    let (script, style) = (script.join(" "), style.join(" "));
    format!(
        "default-src 'self'; {script}; worker-src 'self' blob:; {style}; font-src 'self' data: https://fonts.gstatic.com; \
         img-src 'self' data: blob: https:; {connect}; {frame}; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
    )
}

fn asks_for_captcha(runtime: &Runtime) -> bool {
    runtime.project.processes.iter().any(|process| {
        let stages = process.value.get("stageConfigs").and_then(Value::as_array).into_iter().flatten();
        // Within an all-in-one stage the captcha is nested.
        stages.into_iter().any(|stage| stage.to_string().contains("\"recaptchaSiteKey\""))
    })
}

/// The texts of inline scripts.
fn scripts(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let lower = page.to_ascii_lowercase();
    let mut from = 0;
    while let Some(start) = lower.get(from..).and_then(|rest| rest.find("<script")).map(|at| from + at) {
        let Some(open) = lower.get(start..).and_then(|rest| rest.find('>')).map(|at| start + at) else { break };
        let Some(end) = lower.get(open..).and_then(|rest| rest.find("</script")).map(|at| open + at) else { break };
        let has_source = lower.get(start..open).is_some_and(|tag| tag.contains(" src=") || tag.contains("\nsrc="));
        match page.get(open + 1..end) {
            Some(text) if !has_source && !text.trim().is_empty() && found.len() < MOST => found.push(text),
            _ => {}
        }
        from = end;
    }
    found
}

/// The https origins that script and link tags name, each once.
fn origins(page: &str) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for tag in page.split('<').skip(1) {
        let kind = ["script", "link"].into_iter().find(|kind| tag.get(..kind.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind)));
        let (Some(kind), Some(tag)) = (kind, tag.split('>').next()) else { continue };
        // `//host` is one of https, too: of http there is nothing to protect.
        let Some(host) = tag.split("https://").nth(1).or_else(|| tag.split("=\"//").nth(1)).or_else(|| tag.split("=//").nth(1)) else {
            continue;
        };
        let host: String = host.chars().take_while(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | ':')).collect();
        let origin = format!("https://{host}");
        if !host.is_empty() && found.len() < MOST && !found.iter().any(|(known, name)| *known == kind && *name == origin) {
            found.push((kind, origin));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<html><head><link href=\"https://fonts.googleapis.com/css?family=Roboto\" rel=stylesheet>\
        <script type=\"text/javascript\">var context='/openidm'</script><script src=./js/app.js></script></head></html>";

    #[test]
    fn a_pages_own_scripts_and_origins_are_allowed_and_no_others() {
        let policy = build(&Page::of(PAGE), false);
        let hash = STANDARD.encode(digest::digest(&digest::SHA256, b"var context='/openidm'"));
        assert!(policy.contains(&format!("'sha256-{hash}'")), "{policy}");
        assert!(policy.contains("style-src 'self' 'unsafe-inline' https://fonts.googleapis.com;"), "{policy}");
        assert!(policy.contains("font-src 'self' data: https://fonts.gstatic.com;"), "{policy}");
        let script = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap();
        assert!(!script.contains("unsafe-inline") && !policy.contains("www.google.com"), "{policy}");
        assert_eq!(policy.matches("sha256-").count(), 1);
        assert!(
            build(&Page::of("<script src=\"//cdn.example.test/x.js\"></script>"), false)
                .contains("'unsafe-eval' https://cdn.example.test;")
        );
    }

    #[test]
    fn a_script_with_the_line_ends_of_windows_has_the_hash_the_browser_computes() {
        assert_eq!(build(&Page::of("<script>\r\nlet a\r</script>"), false), build(&Page::of("<script>\nlet a\n</script>"), false));
    }

    #[test]
    fn the_captcha_is_let_in_only_where_it_is_asked_for() {
        assert!(build(&Page::of(PAGE), true).contains("https://www.google.com/recaptcha/"));
    }

    #[test]
    fn a_page_cannot_write_into_the_policy() {
        for page in [
            "<script src=\"https://x; object-src *\">",
            "<link href='https://;default-src *'>",
            "<script",
            "<script>x",
            "<SCRIPT></SCRIPT>",
        ] {
            let policy = build(&Page::of(page), false);
            assert!(!policy.contains("default-src *") && !policy.contains("object-src *"), "{policy}");
        }
    }
}
