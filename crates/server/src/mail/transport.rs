//! The way out: an SMTP server, or none. STARTTLS verifies certificates, and a server that offers none gets no credentials
//! (SEC-46).

use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use process::Mail;
use project::{Mailer, Security};

use super::message::{MessageError, compose};

/// IDM's documented default for each of its three timeouts, kept as our upper bound for one command.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

/// Where mails go.
pub enum Transport {
    /// To a mail server.
    Smtp {
        /// The connections.
        smtp: AsyncSmtpTransport<Tokio1Executor>,
        /// Sender of mails that name none.
        from: String,
    },
    /// Nowhere: they stay in the outbox, where `/mail` shows them. Only the embedded project does this, so that a first run needs no
    /// mail server.
    Keep,
    /// A project without `external.email.json`: processes that mail fail when they want to (decision 24).
    Missing,
}

/// Why there is no way out.
#[derive(Debug, thiserror::Error)]
#[error("the mail service cannot be used: {0}")]
pub struct TransportError(#[from] smtp::Error);

/// Why one mail did not leave.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// It can never be sent.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The server refuses it for good.
    #[error("refused: {0}")]
    Refused(String),
    /// The server is not reachable, or refuses for the moment.
    #[error("not reachable: {0}")]
    Unreachable(String),
    /// There is no mail service.
    #[error("no mail service is configured")]
    NoService,
}

impl SendError {
    /// Whether trying again is pointless.
    #[must_use]
    pub(crate) fn is_permanent(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Refused(_))
    }
}

impl Transport {
    /// The way to the server of `external.email.json`. `default_from` is the sender when neither mail nor file name one.
    ///
    /// # Errors
    /// When no TLS set-up is possible for the host.
    pub fn smtp(mailer: &Mailer, password: Option<&str>, default_from: String) -> Result<Self, TransportError> {
        let tls = match mailer.security {
            Security::None => Tls::None,
            Security::StartTls { required: true } => Tls::Required(TlsParameters::new(mailer.host.clone())?),
            Security::StartTls { required: false } => Tls::Opportunistic(TlsParameters::new(mailer.host.clone())?),
            Security::Tls => Tls::Wrapper(TlsParameters::new(mailer.host.clone())?),
        };
        let timeout = [mailer.connect_timeout, mailer.read_timeout, mailer.write_timeout].into_iter().flatten().max();
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(mailer.host.clone())
            .port(mailer.port)
            .tls(tls)
            .timeout(Some(timeout.unwrap_or(DEFAULT_TIMEOUT).min(DEFAULT_TIMEOUT)))
            .pool_config(PoolConfig::new().max_size(4).idle_timeout(Duration::from_secs(30)));
        if let Some(name) = &mailer.greeting {
            builder = builder.hello_name(ClientId::Domain(name.clone()));
        }
        if let (Some(username), Some(password)) = (&mailer.username, password) {
            builder = builder.credentials(Credentials::new(username.clone(), password.to_owned()));
        }
        Ok(Self::Smtp { smtp: builder.build(), from: mailer.from.clone().unwrap_or(default_from) })
    }

    /// Whether a mail put into the outbox now has a way out.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        !matches!(self, Self::Missing)
    }

    /// Sends one mail.
    pub(crate) async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        match self {
            Self::Keep => Ok(()),
            Self::Missing => Err(SendError::NoService),
            Self::Smtp { smtp, from } => {
                let message = compose(mail, from)?;
                match smtp.send(message).await {
                    Ok(_) => Ok(()),
                    Err(error) if error.is_permanent() => Err(SendError::Refused(error.to_string())),
                    Err(error) => Err(SendError::Unreachable(error.to_string())),
                }
            }
        }
    }
}
