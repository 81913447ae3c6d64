//! A stand-in identity provider on loopback, outside of the server that is measured: OpenID Connect with one key, and codes that hold whom they
//! were given to.
//!
//! Easiest to get wrong: it must ask for what a real one asks for. A secret or a verifier that is wrong is refused, or a server that sends none
//! would be measured as well.

use std::net::SocketAddr;
use std::rc::Rc;

use jose::signature::{SigningKey, s256};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::Failure;
use crate::account::unix_seconds;

/// The client's id and secret.
const CLIENT: (&str, &str) = ("vestibule", "0123456789abcdef0123456789abcdef");
/// Seconds that an ID token is good for.
const GOOD_FOR: i64 = 300;
/// Most bytes of a request's body.
const MOST: usize = 64 * 1024;

/// The provider. It ends with the runtime.
pub(crate) struct Provider {
    address: SocketAddr,
}

struct Desk {
    issuer: String,
    key: SigningKey,
}

impl Provider {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When there is none, or no key.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let key = SigningKey::generate().ok_or("no key of the provider can be made")?;
        let desk = Rc::new(Desk { issuer: format!("http://{address}"), key });
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let desk = Rc::clone(&desk);
                tokio::task::spawn_local(async move {
                    // A server that leaves in the middle asks again; whoever waits for its answer notices if not.
                    let _ = desk.talk(stream).await;
                });
            }
        });
        Ok(Self { address })
    }

    /// Its file in a project.
    pub(crate) fn file(&self, name: &str) -> Value {
        json!({
            "provider": name, "type": "OPENID_CONNECT", "clientId": CLIENT.0, "clientSecret": CLIENT.1, "scope": ["openid", "email"],
            "wellKnownEndpoint": format!("http://{}/.well-known/openid-configuration", self.address),
            "redirectUri": "http://localhost/back", "authenticationIdKey": "sub",
            "propertyMap": [
                { "source": "sub", "target": "id" }, { "source": "email", "target": "email" }, { "source": "email", "target": "username" },
                { "source": "given_name", "target": "givenName" }, { "source": "family_name", "target": "familyName" },
            ],
        })
    }

    /// What a browser comes back with that was sent to `url`, once somebody signed in there: the parameters, as lists.
    ///
    /// # Errors
    /// When the address is not one of this provider's, or says too little.
    pub(crate) fn answer(&self, url: &str, subject: &str) -> Result<Value, Failure> {
        let query =
            url.strip_prefix(&format!("http://{}/auth?", self.address)).ok_or_else(|| format!("not sent to the provider: {url}"))?;
        let of = |name: &str| parameter(query, name).ok_or_else(|| format!("no {name} in {url}"));
        let grant = json!({ "sub": subject, "nonce": of("nonce")?, "challenge": of("code_challenge")? });
        Ok(json!({ "state": [of("state")?], "code": [hex(grant.to_string().as_bytes())] }))
    }
}

impl Desk {
    async fn talk(&self, stream: TcpStream) -> Result<(), Failure> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        while let Some(asked) = Asked::read(&mut stream).await? {
            let (status, body) = self.answer(&asked);
            let body = body.to_string();
            let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await?;
        }
        Ok(())
    }

    fn answer(&self, asked: &Asked) -> (&'static str, Value) {
        let issuer = &self.issuer;
        match asked.path.as_str() {
            "/.well-known/openid-configuration" => (
                "200 OK",
                json!({
                    "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"), "token_endpoint": format!("{issuer}/token"),
                    "userinfo_endpoint": format!("{issuer}/me"), "jwks_uri": format!("{issuer}/jwks"),
                }),
            ),
            "/jwks" => ("200 OK", json!({ "keys": [self.key.public_jwk(Some("k"))] })),
            "/token" => self.token(&asked.body),
            "/me" => match opened(&asked.bearer) {
                Some(grant) => ("200 OK", profile(&grant)),
                None => ("401 Unauthorized", json!({ "error": "invalid_token" })),
            },
            _ => ("404 Not Found", json!({})),
        }
    }

    fn token(&self, form: &str) -> (&'static str, Value) {
        let refused = |error: &str| ("400 Bad Request", json!({ "error": error }));
        let of = |name: &str| parameter(form, name).unwrap_or_default();
        if (of("client_id").as_str(), of("client_secret").as_str()) != CLIENT {
            return refused("invalid_client");
        }
        let code = of("code");
        let Some(grant) = opened(&code).filter(|grant| grant.get("challenge") == Some(&s256(&of("code_verifier")).into())) else {
            return refused("invalid_grant");
        };
        let now = unix_seconds();
        let claims = json!({
            "iss": self.issuer, "aud": CLIENT.0, "sub": grant.get("sub"), "nonce": grant.get("nonce"), "iat": now, "exp": now + GOOD_FOR,
        });
        match self.key.sign(Some("k"), &claims) {
            Some(signed) => ("200 OK", json!({ "access_token": code, "token_type": "Bearer", "id_token": signed })),
            None => ("500 Internal Server Error", json!({ "error": "server_error" })),
        }
    }
}

/// What the provider tells of somebody.
fn profile(grant: &Value) -> Value {
    let subject = grant.get("sub").and_then(Value::as_str).unwrap_or_default();
    json!({ "sub": subject, "email": format!("{subject}@provider.example"), "email_verified": true, "given_name": "Barbara", "family_name": "Jensen" })
}

/// A request, as far as it matters here.
#[derive(Debug, Default)]
struct Asked {
    path: String,
    bearer: String,
    body: String,
}

impl Asked {
    /// The next request of a connection; none when it has ended.
    async fn read(stream: &mut BufReader<TcpStream>) -> Result<Option<Self>, Failure> {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let target = line.split(' ').nth(1).unwrap_or_default();
        let mut asked = Self { path: target.split('?').next().unwrap_or_default().to_owned(), ..Self::default() };
        let mut length = 0;
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Err("the request broke off".into());
            }
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse::<usize>()?;
            } else if name.eq_ignore_ascii_case("authorization") {
                value.trim().strip_prefix("Bearer ").unwrap_or_default().clone_into(&mut asked.bearer);
            }
        }
        if length > MOST {
            return Err("the request is too long".into());
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        asked.body = String::from_utf8(body)?;
        Ok(Some(asked))
    }
}

/// A parameter of a query or a form.
fn parameter(text: &str, name: &str) -> Option<String> {
    let value = text.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?.1;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// The grant that a code holds.
fn opened(code: &str) -> Option<Value> {
    let digits = code.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
    serde_json::from_slice(&digits.collect::<Option<Vec<u8>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_holds_whom_it_was_given_to() {
        let provider = Provider { address: ([127, 0, 0, 1], 1).into() };
        let answer = provider.answer("http://127.0.0.1:1/auth?state=s%2D1&nonce=n&code_challenge=c", "somebody").unwrap();
        assert_eq!(answer["state"], json!(["s-1"]));
        let grant = opened(answer["code"][0].as_str().unwrap()).unwrap();
        assert_eq!(grant, json!({ "sub": "somebody", "nonce": "n", "challenge": "c" }));
        assert!(opened("xyz").is_none() && provider.answer("http://127.0.0.1:2/auth?state=s", "somebody").is_err());
    }

    #[test]
    fn a_wrong_secret_and_a_wrong_verifier_are_refused() {
        let desk = Desk { issuer: "http://127.0.0.1:1".to_owned(), key: SigningKey::generate().unwrap() };
        let code = hex(json!({ "sub": "somebody", "nonce": "n", "challenge": s256("v") }).to_string().as_bytes());
        let form =
            |secret: &str, verifier: &str| format!("client_id=vestibule&client_secret={secret}&code={code}&code_verifier={verifier}");
        assert_eq!(desk.token(&form(CLIENT.1, "v")).0, "200 OK");
        assert_eq!(desk.token(&form("other", "v")).1, json!({ "error": "invalid_client" }));
        assert_eq!(desk.token(&form(CLIENT.1, "other")).1, json!({ "error": "invalid_grant" }));
    }
}
