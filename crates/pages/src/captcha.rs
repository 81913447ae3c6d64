//! The widgets of captcha services: which one a process needs, and what a page that shows it lets in. `recaptchaUri` chooses, as it does where
//! the answer is verified.

use serde::Serialize;
use serde_json::Value;

/// The widget of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Widget {
    /// The script that makes it.
    pub(crate) script: &'static str,
    /// The class of the element that it stands in.
    pub(crate) class: &'static str,
    /// The field that it sends its answer in.
    #[serde(skip)]
    pub(crate) answer: &'static str,
    /// The host, and those below it, whose address verifies its answers.
    #[serde(skip)]
    hosts: &'static [&'static str],
    /// Where it comes from, shows itself and asks.
    #[serde(skip)]
    sources: &'static str,
}

/// Each as its own guide says ("Content Security Policy" in all three). The first one stands for services that nobody here knows.
pub(crate) const WIDGETS: [Widget; 3] = [
    Widget {
        script: "https://www.google.com/recaptcha/api.js",
        class: "g-recaptcha",
        answer: "g-recaptcha-response",
        hosts: &["google.com", "recaptcha.net"],
        sources: "https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/ https://www.recaptcha.net/recaptcha/ \
                  https://recaptcha.google.com/recaptcha/",
    },
    Widget {
        script: "https://js.hcaptcha.com/1/api.js",
        class: "h-captcha",
        answer: "h-captcha-response",
        hosts: &["hcaptcha.com"],
        sources: "https://hcaptcha.com https://*.hcaptcha.com",
    },
    Widget {
        script: "https://challenges.cloudflare.com/turnstile/v0/api.js",
        class: "cf-turnstile",
        answer: "cf-turnstile-response",
        hosts: &["cloudflare.com"],
        sources: "https://challenges.cloudflare.com",
    },
];

/// The widget that a process needs, and what a page with it lets in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Captcha {
    /// The widget.
    #[serde(flatten)]
    widget: &'static Widget,
    /// The origin of a service that nobody here knows; a template of the project's own brings its widget.
    #[serde(skip)]
    other: Option<String>,
}

impl From<&'static Widget> for Captcha {
    fn from(widget: &'static Widget) -> Self {
        Self { widget, other: None }
    }
}

impl Captcha {
    /// Of a process file.
    pub(crate) fn of(file: Option<&Value>) -> Self {
        Self::at(file.and_then(address).unwrap_or_default())
    }

    /// Of the address that verifies its answers.
    fn at(address: &str) -> Self {
        let (origin, host) = origin(address).unzip();
        let host = host.unwrap_or_default();
        let below = |known: &str| host == known || host.strip_suffix(known).is_some_and(|rest| rest.ends_with('.'));
        let known = WIDGETS.iter().find(|widget| widget.hosts.iter().copied().any(below));
        Self { other: origin.filter(|_| known.is_none()).map(str::to_owned), widget: known.unwrap_or(&WIDGETS[0]) }
    }

    /// What a Content-Security-Policy lists for it.
    pub(crate) fn sources(&self) -> String {
        self.other.iter().map(String::as_str).chain([self.widget.sources]).collect::<Vec<_>>().join(" ")
    }
}

/// The origin and the host of an address; nothing for one that a header cannot name.
fn origin(address: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = address.trim().split_once("://").filter(|(scheme, _)| ["http", "https"].contains(scheme))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    let origin = address.trim().get(..scheme.len() + 3 + authority.len()).filter(|_| plain && !authority.is_empty())?;
    Some((origin, authority.split(':').next().unwrap_or_default()))
}

/// The address in a stage of the process, however deep.
fn address(value: &Value) -> Option<&str> {
    match value {
        Value::Object(members) => members.get("recaptchaUri").and_then(Value::as_str).or_else(|| members.values().find_map(address)),
        Value::Array(items) => items.iter().find_map(address),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_address_that_verifies_says_whose_widget_it_is() {
        let of = |address: &str| Captcha::of(Some(&json!({"stageConfigs": [{"onConditionTrue": {"recaptchaUri": address}}]})));
        for (address, class) in [
            ("https://www.google.com/recaptcha/api/siteverify", "g-recaptcha"),
            ("https://api.hcaptcha.com/siteverify", "h-captcha"),
            ("https://hcaptcha.com/siteverify", "h-captcha"),
            ("https://challenges.cloudflare.com/turnstile/v0/siteverify", "cf-turnstile"),
        ] {
            let captcha = of(address);
            assert_eq!((captcha.widget.class, captcha.sources().as_str()), (class, captcha.widget.sources), "{address}");
        }
        assert!(
            of("https://captcha.example.com:8443/verify?x").sources().starts_with("https://captcha.example.com:8443 https://www.google")
        );
        for odd in ["", "https://evil;script-src *", "https://", "nohcaptcha.com", "https://nothcaptcha.com.evil test/"] {
            assert_eq!(of(odd).sources(), WIDGETS[0].sources, "{odd}");
        }
        assert_eq!(of("https://nothcaptcha.com/").widget.class, "g-recaptcha");
        assert_eq!(Captcha::of(None).widget, &WIDGETS[0]);
    }
}
