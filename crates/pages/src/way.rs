//! Where somebody is going: after a sign-in, to an identity provider and back.
//!
//! Easiest to get wrong: it comes from an address, so it is a path of ours or nothing.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// Where somebody who signed in goes.
pub(crate) const HOME: &str = "/account";

/// Where linked accounts are looked after.
pub(crate) const LINKS: &str = "/account/providers";

/// The forms of the account that may want it to be shown once more who sits there.
pub(crate) const CONFIRMABLE: [&str; 5] = ["delete", "mail", "password", "personal", "questions"];

/// What somebody goes to a provider for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "lowercase")]
pub(crate) enum Purpose {
    /// To sign in, or to register, and go there.
    Enter {
        /// A path of ours.
        to: String,
    },
    /// To go on in a process.
    Step {
        /// Its name.
        process: String,
        /// The step.
        at: String,
    },
    /// To link the account there to one's own.
    Link,
    /// To show once more that it is them.
    Confirm {
        /// The form of the account that they were at, one of [`CONFIRMABLE`].
        what: String,
    },
}

impl Purpose {
    /// The query of a button that leads away for it.
    pub(crate) fn query(&self) -> String {
        match self {
            Self::Enter { to } if *to == path("") => String::new(),
            Self::Enter { to } => format!("to={}", encoded(to)),
            Self::Step { process, at } => format!("process={}&at={}", encoded(process), encoded(at)),
            Self::Link => "for=link".to_owned(),
            Self::Confirm { what } => format!("for=confirm&what={}", encoded(what)),
        }
    }

    /// Where somebody goes on who came back with nothing.
    pub(crate) fn back(&self) -> String {
        match self {
            Self::Enter { to } if *to == path("") => "/sign-in".to_owned(),
            Self::Enter { to } => format!("/sign-in?to={}", encoded(to)),
            Self::Step { process, at } => format!("/selfservice/{}?at={}", encoded(process), encoded(at)),
            Self::Link => LINKS.to_owned(),
            Self::Confirm { what } => format!("{HOME}/{}", encoded(what)),
        }
    }
}

/// A text as it stands in an address.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Most characters of where somebody is sent.
pub(crate) const MOST: usize = 512;

fn is_clean(to: &str) -> bool {
    to.len() <= MOST && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// A path of ours, or the account.
pub(crate) fn path(to: &str) -> String {
    let ours = to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/openidm") && !to.starts_with("/sign-");
    if is_clean(to) && ours { to.to_owned() } else { HOME.to_owned() }
}

/// The page that somebody was on, which may be that of the sign-in.
pub(crate) fn page(to: &str) -> String {
    let is_sign_in = is_clean(to) && (to == "/sign-in" || to.starts_with("/sign-in?"));
    if to == "/" || is_sign_in { to.to_owned() } else { path(to) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        for good in ["/account/profile", "/selfservice/reset?at=abc"] {
            assert_eq!(path(good), good);
        }
        for bad in ["", "//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\r\nb", "/openidm/x", "/sign-out"] {
            assert_eq!(path(bad), HOME, "{bad}");
        }
    }

    #[test]
    fn whoever_comes_back_with_nothing_goes_on_where_they_were() {
        let enter = Purpose::Enter { to: "/account/profile".to_owned() };
        assert_eq!((enter.query().as_str(), enter.back().as_str()), ("to=%2Faccount%2Fprofile", "/sign-in?to=%2Faccount%2Fprofile"));
        let step = Purpose::Step { process: "registration".to_owned(), at: "a-b".to_owned() };
        assert_eq!((step.query().as_str(), step.back().as_str()), ("process=registration&at=a%2Db", "/selfservice/registration?at=a%2Db"));
    }
}
