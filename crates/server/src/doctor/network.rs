//! What is reached over the network: the mail server, and what stands before the server.

use std::time::Duration;

use mail::sender_policy::{SenderPolicy, text_records};
use mail::{Failure, Security, Tried};

use super::{Case, Found, bad, doubtful, good};
use crate::exposed;
use crate::mail::way_out;
use crate::ports::OsRandom;
use crate::runtime::Source;
use wire::host::is_here;

/// A mail that has waited for so many seconds is worth a word.
const LATE: i64 = 600;
/// A name is looked up for so long.
const LOOK_UP: Duration = Duration::from_secs(5);

pub(super) fn mail(case: &Case) -> Vec<Found> {
    let mut rows = case.runtime.block_on(asked(case));
    rows.extend(waiting(case));
    rows
}

async fn asked(case: &Case) -> Vec<Found> {
    let public_url = case.project.settings.public_url_at(None);
    match way_out(&case.source, &case.project, &public_url) {
        Err(error) => {
            vec![bad(format!("the mail service cannot be used: {error}"), "correct conf/external.email.json; 'vestibule check' says where")]
        }
        Ok(transport) => match transport.try_out(case.mail_to.as_deref()).await {
            Ok(tried) => conversation(tried).await,
            Err(Failure::NoService) => {
                vec![doubtful(
                    "no mail service is configured: a process refuses when it wants to send a mail",
                    "name one in conf/external.email.json",
                )]
            }
            Err(error) => vec![bad(
                format!("a mail would not leave: {error}"),
                "correct conf/external.email.json, or ask whoever runs the mail server; --mail-to names another recipient",
            )],
        },
    }
}

async fn conversation(tried: Tried) -> Vec<Found> {
    let (host, port, security, from, to) = match tried {
        Tried::Kept => return vec![doubtful("mails are kept and shown, and not sent", "name a project with conf/external.email.json")],
        Tried::Graph => return vec![good("Microsoft Graph gave a token")],
        Tried::Server { host, port, security, from, to } => (host, port, security, from, to),
    };
    let mut rows = vec![good(format!("{host}:{port} would take a mail from {from} to {to}; none was sent"))];
    let here = is_here(&host);
    if !here && !matches!(security, Security::Tls | Security::StartTls { required: true }) {
        rows.push(doubtful(
            format!("mails, with their links and codes, may go to {host} in the clear"),
            "set smtpProperties mail.smtp.starttls.required=true, or the port of TLS with ssl.enable",
        ));
    }
    if here {
        // A relay on this machine knows what to do with the sender.
        return rows;
    }
    let domain = from.rsplit('@').next().unwrap_or_default().to_owned();
    let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((domain.as_str(), 25))).await;
    rows.push(if domain.contains('.') && matches!(found, Ok(Ok(_))) {
        good(format!("the sender's domain {domain} has an address"))
    } else {
        doubtful(
            format!("the sender's domain '{domain}' is not found: many mail servers refuse its mails"),
            "name a 'from' in conf/external.email.json whose domain has an MX or address record, and SPF and DKIM records for the mail server",
        )
    });
    rows.push(sender_policy(&domain, &host).await);
    rows
}

/// What the sender's domain says of who may send its mails, where DNS answers.
async fn sender_policy(domain: &str, host: &str) -> Found {
    let advice = format!("publish one TXT record at {domain} that names {host}, such as 'v=spf1 a:{host} -all', and a DKIM record");
    match text_records(domain, &OsRandom::new()).await.map(SenderPolicy::of) {
        Ok(SenderPolicy::Named(record)) => {
            good(format!("the SPF record of {domain} is '{record}': it has to name {host}, which is not tried"))
        }
        Ok(SenderPolicy::Silent) => doubtful(format!("{domain} has no SPF record: many mail servers take its mails for forged"), advice),
        Ok(SenderPolicy::Nobody(record)) => bad(format!("the SPF record of {domain} is '{record}': nobody may send its mails"), advice),
        Ok(SenderPolicy::Everybody(record)) => {
            doubtful(format!("the SPF record of {domain} is '{record}': everybody may send its mails"), advice)
        }
        Ok(SenderPolicy::Several(count)) => bad(format!("{domain} has {count} SPF records, which receivers take for an error"), advice),
        Err(error) => doubtful(format!("whether {domain} has an SPF record cannot be told: {error}"), advice),
    }
}

/// What is in the outbox; nothing where there is no store, which another check says.
fn waiting(case: &Case) -> Option<Found> {
    let mails = store::Inspection::open(&case.store).and_then(|store| store.mails()).ok()?;
    let age = mails.oldest.map_or(0, |oldest| case.now.saturating_sub(oldest));
    Some(if mails.waiting > 0 && age > LATE {
        bad(
            format!("{} mails wait, the oldest for {} minutes", mails.waiting, age / 60),
            "GET /openidm/outbox says what the mail server answered; they leave by themselves once it takes them",
        )
    } else if mails.dead > 0 {
        doubtful(
            format!("{} mails were given up", mails.dead),
            "GET /openidm/outbox says why; POST /openidm/outbox/<id>?_action=retry sends one again",
        )
    } else {
        good(format!("{} mails wait, and none was given up", mails.waiting))
    })
}

pub(super) fn proxies(case: &Case) -> Vec<Found> {
    let settings = &case.project.settings;
    let listen = settings.listen_at(None);
    let trusted = &settings.trusted_proxies;
    let mut rows = Vec::new();
    for network in trusted.iter().filter(|network| network.holds_strangers()) {
        rows.push(bad(
            format!("[proxies] trusted holds strangers ({network}): whoever writes X-Forwarded-For is whom they say"),
            "name the addresses of your proxies alone",
        ));
    }
    if settings.tls.is_none() && exposed::is_exposed(listen, trusted.len()) {
        rows.push(bad(
            format!("{listen} is reached from other machines without TLS, and no proxy is trusted that would encrypt"),
            "set [tls], or name the proxy in [proxies] trusted",
        ));
    }
    let https = settings.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    if https && settings.tls.is_none() && trusted.is_empty() {
        rows.push(doubtful(
            "people come by https, and neither [tls] nor [proxies] trusted says how: cookies are not Secure, and every client has the proxy's address",
            "name the proxy in [proxies] trusted, and have it set X-Forwarded-For and X-Forwarded-Proto",
        ));
    }
    if settings.public_url.is_none() && matches!(case.source, Source::Directory(_)) {
        rows.push(doubtful(
            format!("[server] public_url is not set: links in our own mails lead to {}", settings.public_url_at(None)),
            "name the address that people type",
        ));
    }
    if rows.is_empty() {
        rows.push(good(match (settings.tls.is_some(), trusted.len()) {
            (true, _) => format!("TLS is spoken at {listen}"),
            (false, 0) => format!("{listen} is reached from this machine alone"),
            (false, count) => {
                format!("networks that are trusted to say who the client is: {count}; whether proxies there do so is not looked at")
            }
        }));
    }
    rows
}
