//! Sockets that a service manager listens on for us, before the server starts and while it is restarted (`sd_listen_fds(3)`).

use std::env;
use std::io;
use std::net::TcpListener;

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;

/// The name (`FileDescriptorName=`) of the socket that the figures are served on.
const FIGURES: &str = "metrics";

/// Why a socket that was handed over cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum InheritedError {
    /// It is no TCP socket, or cannot be used.
    #[error("socket {position} of the service manager cannot be listened on: {error}")]
    Unusable {
        /// Which one, counted from 1.
        position: usize,
        /// What is wrong with it.
        error: io::Error,
    },
    /// Nobody can connect to it: it is a connection itself, or is only bound.
    #[error("socket {position} of the service manager is no listener; its unit needs ListenStream= and Accept=no")]
    NoListener {
        /// Which one, counted from 1.
        position: usize,
    },
    /// There are two for the figures.
    #[error("the service manager hands over two sockets named 'metrics'; there is one address of the figures")]
    TwoFigures,
    /// Only the figures could be read.
    #[error("the service manager hands over a socket named 'metrics' and none for the server itself")]
    OnlyFigures,
}

/// The listeners that were handed over.
#[derive(Debug, Default)]
pub struct Inherited {
    /// What everything but the figures is served on, in the order of the unit.
    pub(crate) listeners: Vec<TcpListener>,
    /// What the figures are served on, without credentials: the socket named `metrics`.
    pub(crate) figures: Option<TcpListener>,
}

impl Inherited {
    /// Takes what `LISTEN_FDS` says, where `LISTEN_PID` is this process. To be called once, before there are threads: the variables are removed.
    ///
    /// # Errors
    /// [`InheritedError`], when one of them is no listener.
    pub fn take() -> Result<Self, InheritedError> {
        if !is_for(env::var("LISTEN_PID").ok().as_deref(), std::process::id()) {
            return Ok(Self::default());
        }
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut handed = ListenFd::from_env();
        let mut found = Vec::new();
        for place in 0..handed.len() {
            let unusable = |error| InheritedError::Unusable { position: place + 1, error };
            let Some(listener) = handed.take_tcp_listener(place).map_err(unusable)? else { continue };
            listener.set_nonblocking(true).map_err(unusable)?;
            if !socket_acceptconn(&listener).map_err(|error| unusable(error.into()))? {
                return Err(InheritedError::NoListener { position: place + 1 });
            }
            found.push(listener);
        }
        Self::sorted(found, &names)
    }

    /// By their names, separated by colons.
    fn sorted(found: Vec<TcpListener>, names: &str) -> Result<Self, InheritedError> {
        let mut inherited = Self::default();
        let mut names = names.split(':');
        for listener in found {
            if names.next() != Some(FIGURES) {
                inherited.listeners.push(listener);
            } else if inherited.figures.replace(listener).is_some() {
                return Err(InheritedError::TwoFigures);
            }
        }
        if inherited.listeners.is_empty() && inherited.figures.is_some() {
            return Err(InheritedError::OnlyFigures);
        }
        Ok(inherited)
    }
}

/// Sockets may have been meant for a process before this one.
fn is_for(wanted: Option<&str>, own: u32) -> bool {
    wanted.and_then(|wanted| wanted.parse().ok()) == Some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").unwrap()
    }

    #[test]
    fn sockets_of_another_process_are_left_alone() {
        for (wanted, own) in [(Some("7"), true), (Some("8"), false), (Some(""), false), (Some("x"), false), (None, false)] {
            assert_eq!(is_for(wanted, 7), own, "{wanted:?}");
        }
    }

    #[test]
    fn the_socket_named_metrics_serves_the_figures_and_every_other_one_the_server() {
        let taken = Inherited::sorted(vec![some(), some(), some()], "vestibule.socket:metrics:http").unwrap();
        assert_eq!((taken.listeners.len(), taken.figures.is_some()), (2, true));
        let unnamed = Inherited::sorted(vec![some(), some()], "").unwrap();
        assert_eq!((unnamed.listeners.len(), unnamed.figures.is_some()), (2, false));
        assert!(matches!(Inherited::sorted(vec![some(), some()], "metrics:metrics"), Err(InheritedError::TwoFigures)));
        assert!(matches!(Inherited::sorted(vec![some()], "metrics"), Err(InheritedError::OnlyFigures)));
    }
}
