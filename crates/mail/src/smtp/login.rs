//! `AUTH` (RFC 4954): PLAIN, LOGIN, and XOAUTH2 with a bearer token.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use crate::token::Tokens;

/// Whom we say we are.
pub enum Login {
    /// A user name and a password.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: Zeroizing<String>,
    },
    /// A user name and a token that a token endpoint gives.
    Bearer {
        /// The mailbox the token is for.
        username: String,
        /// Where tokens come from.
        tokens: Tokens,
    },
}

/// What is said to log in.
pub(super) enum Words {
    /// Everything in one line.
    One(Zeroizing<String>),
    /// A line, and an answer to each of two questions.
    Three(&'static str, Zeroizing<String>, Zeroizing<String>),
}

impl Login {
    /// What to say to a server that offers these mechanisms; nothing when it offers none of ours.
    pub(super) async fn words(&self, offered: &[String]) -> Result<Option<Words>, String> {
        let has = |mechanism: &str| offered.iter().any(|offer| offer == mechanism);
        let encoded = |text: &str| Zeroizing::new(BASE64_STANDARD.encode(text));
        Ok(match self {
            Self::Password { username, password } if has("PLAIN") => {
                let response = encoded(&Zeroizing::new(format!("\0{username}\0{}", password.as_str())));
                Some(Words::One(Zeroizing::new(format!("AUTH PLAIN {}", response.as_str()))))
            }
            Self::Password { username, password } if has("LOGIN") => Some(Words::Three("AUTH LOGIN", encoded(username), encoded(password))),
            Self::Bearer { username, tokens } if has("XOAUTH2") => {
                let token = tokens.current().await?;
                let response = encoded(&Zeroizing::new(format!("user={username}\x01auth=Bearer {}\x01\x01", token.as_str())));
                Some(Words::One(Zeroizing::new(format!("AUTH XOAUTH2 {}", response.as_str()))))
            }
            Self::Password { .. } | Self::Bearer { .. } => None,
        })
    }

    /// The server refused what we said.
    pub(super) fn refused(&self) {
        if let Self::Bearer { tokens, .. } = self {
            tokens.forget(None);
        }
    }
}
