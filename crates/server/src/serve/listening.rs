//! Where the server listens: where it was said, at the sockets of a service manager, or on this machine.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::ServeError;
use super::server::Server;
use crate::listener::{self, Certificate, Room, Stop};

/// Where requests come in.
pub(super) struct Listening {
    /// The address of the first listener.
    pub(super) address: SocketAddr,
    /// All of them; they are served alike.
    pub(super) listeners: Vec<TcpListener>,
    /// Nobody said where to listen.
    pub(super) unasked: bool,
}

impl Listening {
    /// Serves all addresses until `stop` closes them and the last request of each has been answered.
    ///
    /// # Errors
    /// What ended one of them early.
    pub(super) async fn serve(
        self,
        server: &Server,
        room: &Room,
        certificate: Option<&Arc<Certificate>>,
        stop: &Stop,
    ) -> Result<(), ServeError> {
        let mut serving = JoinSet::new();
        for listener in self.listeners {
            serving.spawn(listener::serve(listener, server.served(), room.clone(), certificate.cloned(), stop.clone()));
        }
        let mut outcome = Ok(());
        while let Some(ended) = serving.join_next().await {
            if let Err(error) = ended.unwrap_or_else(|error| Err(io::Error::other(error))) {
                tracing::error!(%error, "an address is no longer served");
                outcome = Err(ServeError::Listen { address: self.address, error });
            }
        }
        outcome
    }
}

/// Listens where the service manager does already, else where it was said, else on this machine.
pub(super) async fn listen(
    asked: Option<SocketAddr>,
    settings: &project::Settings,
    inherited: Vec<std::net::TcpListener>,
) -> Result<Listening, ServeError> {
    let address = settings.listen_at(asked);
    let failed = |error| ServeError::Listen { address, error };
    let taken_over = inherited.into_iter().map(TcpListener::from_std).collect::<io::Result<Vec<_>>>().map_err(failed)?;
    let Some(first) = taken_over.first() else {
        let first = TcpListener::bind(address).await.map_err(failed)?;
        let address = first.local_addr().map_err(failed)?;
        let unasked = asked.is_none() && settings.listen.is_none();
        let second = if unasked { other_loopback(address).await } else { None };
        return Ok(Listening { address, listeners: std::iter::once(first).chain(second).collect(), unasked });
    };
    if asked.is_some() {
        return Err(ServeError::ListenTwice);
    }
    let address = first.local_addr().map_err(failed)?;
    if settings.listen.is_some() {
        tracing::info!(%address, "the service manager says where to listen, and not [server] listen");
    }
    Ok(Listening { address, listeners: taken_over, unasked: false })
}

/// `localhost` is both loopback addresses, and a browser may take either. A machine without the second one has the first.
async fn other_loopback(address: SocketAddr) -> Option<TcpListener> {
    let other = SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), address.port());
    let bound = TcpListener::bind(other).await;
    if let Err(error) = &bound {
        tracing::debug!(%other, %error, "only one of the two loopback addresses is listened on");
    }
    bound.ok()
}

/// The listener of `[metrics] listen`, or the one that the service manager has for it.
pub(super) async fn figures_listener(
    named: Option<SocketAddr>,
    inherited: Option<std::net::TcpListener>,
) -> Result<Option<TcpListener>, ServeError> {
    let (listener, address) = match (inherited, named) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(ServeError::FiguresTwice),
        (None, Some(address)) => (TcpListener::bind(address).await, address),
        (Some(inherited), None) => (TcpListener::from_std(inherited), SocketAddr::from(([0, 0, 0, 0], 0))),
    };
    let listener = listener.map_err(|error| ServeError::Listen { address, error })?;
    let address = listener.local_addr().unwrap_or(address);
    tracing::info!(%address, "figures are served at /metrics without credentials");
    Ok(Some(listener))
}
