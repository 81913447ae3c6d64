//! Signs of life for the service manager, each after the server has shown that it lives.

use std::future::Future;
use std::sync::Arc;

use super::Manager;

/// How often within the time of the watchdog life is looked for: a look may take three quarters of it.
const LOOKS: u32 = 4;

/// What a look at the server found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alive {
    /// All is well.
    Well,
    /// Requests are taken and answered with 503: what is missing is not here, and another start would not bring it.
    WithoutStore,
}

/// Says that the server lives, each time `look` has come back, until it is aborted. A look that never comes back is how a server hangs: nothing is
/// said any more, and the service manager starts another one.
pub(crate) async fn watch<L, F>(manager: Arc<Manager>, look: L, status: impl Fn(Alive) -> String)
where
    L: Fn() -> F,
    F: Future<Output = Alive> + Send + 'static,
{
    let Some(within) = manager.watchdog() else { return };
    let mut before = Alive::Well;
    // A look is a task of its own, so it shows that tasks are run. One that panicked did not come back.
    while let Ok(found) = tokio::spawn(look()).await {
        manager.lives();
        if found != before {
            manager.status(&status(found));
            before = found;
        }
        tokio::time::sleep(within / LOOKS).await;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    fn said(socket: &UnixDatagram) -> Vec<String> {
        let mut bytes = [0; 64];
        std::iter::from_fn(|| socket.recv(&mut bytes).ok().map(|length| String::from_utf8_lossy(&bytes[..length]).into_owned())).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_end_with_the_look_that_does_not_come_back() {
        let place = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(place.path().join("notify")).unwrap();
        socket.set_nonblocking(true).unwrap();
        let manager = Arc::new(Manager::at(&place.path().join("notify"), Some(Duration::from_mins(1))));
        let looks = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&looks);
        let look = move || {
            let look = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                match look {
                    0..4 => Alive::Well,
                    4..8 => Alive::WithoutStore,
                    _ => std::future::pending().await,
                }
            }
        };
        let watching = tokio::spawn(watch(manager, look, |found| format!("{found:?}")));
        tokio::time::sleep(Duration::from_secs(59)).await;
        assert_eq!(said(&socket), ["WATCHDOG=1"; 4], "four in a minute");
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(said(&socket), ["WATCHDOG=1", "STATUS=WithoutStore", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"], "no store is no reason");
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert_eq!(said(&socket), [""; 0], "the ninth hangs");
        watching.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_told_where_nobody_waits() {
        let place = tempfile::tempdir().unwrap();
        let manager = Arc::new(Manager::at(&place.path().join("notify"), None));
        watch(manager, std::future::pending::<Alive>, |_| String::new()).await;
    }
}
