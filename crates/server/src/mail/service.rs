//! From `external.email.json` and `[mail]` to a way out.
//!
//! Easiest to break: what is configured and cannot be used is no mail service, never one with less protection.

use std::sync::Arc;
use std::time::Duration;

use accounts::Runtime;
use mail::{Credentials, Graph, Limits, Login, Protocols, Security, Server, Tls, Tokens, Transport};
use project::{ClientCredentials, MailLogin, MailService, Mailer, Project, SecretText, SmtpServer, TlsVersions};
use zeroize::Zeroizing;

use crate::ports::client_within;
use crate::runtime::Source;
use wire::host::host_of;

/// The way out for a project's mails.
pub(crate) fn transport(source: &Source, runtime: &Runtime) -> Transport {
    way_out(source, &runtime.project, &runtime.public_url).unwrap_or_else(|error| {
        tracing::error!(%error, "the mail service cannot be used; mails stay in the outbox");
        Transport::missing()
    })
}

/// The way out that a project names, or why what it names cannot be used.
pub(crate) fn way_out(source: &Source, project: &Project, public_url: &str) -> Result<Transport, String> {
    let Some(mailer) = &project.external_email else {
        return Ok(if matches!(source, Source::Embedded) { Transport::keep() } else { Transport::missing() });
    };
    let limits = limits(&project.settings.mail).within(mailer.connect_timeout, mailer.read_timeout, mailer.write_timeout);
    made(mailer, limits, public_url)
}

fn made(mailer: &Mailer, limits: Limits, public_url: &str) -> Result<Transport, String> {
    let own = mailer.from.clone();
    match &mailer.service {
        MailService::Smtp(server) => Ok(Transport::smtp(smtp(server, limits)?, own.unwrap_or_else(|| default_sender(public_url)))),
        MailService::Graph { endpoint, client } => {
            let timeout = limits.command + limits.accepted;
            let asks = client_within(timeout).map_err(|error| error.to_string())?;
            Ok(Transport::graph(Graph::new(endpoint.clone(), tokens(client, timeout)?, asks), own))
        }
    }
}

fn smtp(server: &SmtpServer, limits: Limits) -> Result<Server, String> {
    let security = match server.security {
        project::Security::None => Security::None,
        project::Security::StartTls { required } => Security::StartTls { required },
        project::Security::Tls => Security::Tls,
    };
    let protocols = match server.tls {
        TlsVersions::Both => Protocols::Both,
        TlsVersions::Only12 => Protocols::OnlyTls12,
        TlsVersions::Only13 => Protocols::OnlyTls13,
    };
    let encrypted = !matches!(security, Security::None);
    let tls = encrypted.then(|| Tls::new(&server.host, protocols)).transpose().map_err(|error| error.to_string())?;
    let login = match &server.login {
        MailLogin::None => None,
        // One that cannot be opened is left out: `check` has said so, and a relay may do without.
        MailLogin::Password { username, password } => {
            plain(password.as_ref()).ok().map(|password| Login::Password { username: username.clone(), password })
        }
        MailLogin::Bearer { username, client } => {
            Some(Login::Bearer { username: username.clone(), tokens: tokens(client, limits.command)? })
        }
    };
    Ok(Server {
        host: server.host.clone(),
        port: server.port,
        security,
        tls,
        login: login.map(Arc::new),
        greeting: server.greeting.clone(),
        utf8: server.utf8,
        limits,
    })
}

fn tokens(client: &ClientCredentials, timeout: Duration) -> Result<Tokens, String> {
    let credentials = Credentials {
        client_id: client.client_id.clone(),
        client_secret: plain(client.client_secret.as_ref())?,
        endpoint: client.token_endpoint.clone(),
        scope: client.scope.clone(),
    };
    Ok(Tokens::new(credentials, client_within(timeout).map_err(|error| error.to_string())?))
}

fn plain(secret: Option<&SecretText>) -> Result<Zeroizing<String>, String> {
    let plain = secret.and_then(SecretText::plain).map(project::Secret::expose);
    plain.map(|text| Zeroizing::new(text.to_owned())).ok_or_else(|| "its password or secret is missing or cannot be decrypted".to_owned())
}

/// The limits of `[mail]`.
fn limits(settings: &project::Mail) -> Limits {
    let default = Limits::default();
    Limits {
        connect: settings.connect.unwrap_or(default.connect),
        greeting: settings.greeting.unwrap_or(default.greeting),
        command: settings.command.unwrap_or(default.command),
        data: settings.data.unwrap_or(default.data),
        accepted: settings.accepted.unwrap_or(default.accepted),
        quit: settings.quit.unwrap_or(default.quit),
        attempt: settings.attempt.unwrap_or(default.attempt),
        connections: settings.connections.map_or(default.connections, |count| count as usize),
    }
}

/// `noreply` at the public address's host, for projects that name no sender anywhere.
fn default_sender(public_url: &str) -> String {
    let host = host_of(public_url);
    let named = host.contains('.') && host.parse::<std::net::IpAddr>().is_err();
    format!("noreply@{}", if named { host } else { "localhost" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_sender_is_at_the_public_host() {
        assert_eq!(default_sender("https://id.example.com:8443/x"), "noreply@id.example.com");
        assert_eq!(default_sender("http://127.0.0.1:8080"), "noreply@localhost");
        assert_eq!(default_sender("http://localhost"), "noreply@localhost");
        assert_eq!(default_sender("http://[::ffff:192.0.2.1]:8080"), "noreply@localhost");
    }
}
