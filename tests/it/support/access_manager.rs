//! A small access manager: signs in whoever brings the password it expects, and writes down what it was asked.

use super::peer::{Asked, Peer};

/// The access manager.
pub(crate) struct AccessManager(Peer);

impl AccessManager {
    /// Signs in whoever has this password; anybody else gets 401.
    pub(crate) fn start(password: &'static str) -> Self {
        Self(Peer::start(move |asked| {
            let (status, body) = if asked.header("x-openam-password") == Some(password) {
                ("200 OK", r#"{"tokenId":"AQIC5w","successUrl":"/am/console","realm":"/"}"#)
            } else {
                ("401 Unauthorized", r#"{"code":401,"reason":"Unauthorized","message":"Authentication Failed"}"#)
            };
            (status, body.to_owned())
        }))
    }

    pub(crate) fn url(&self) -> String {
        self.0.url("/openam/")
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.0.asked()
    }
}
