//! Something between a node and its database that counts how often the node waits for an answer.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

use crate::Failure;

/// A proxy on the loopback address, for as long as the run.
pub(crate) struct Counter {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    trips: Rc<Cell<u64>>,
}

impl Counter {
    /// One before the server at this address.
    ///
    /// # Errors
    /// When there is no port.
    pub(crate) async fn before(server: SocketAddr) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, trips) = (listener.local_addr()?, Rc::new(Cell::new(0)));
        let counted = Rc::clone(&trips);
        spawn_local(async move {
            while let Ok((node, _)) = listener.accept().await {
                let Ok(upstream) = TcpStream::connect(server).await else { continue };
                // A connection that is gone already passes nothing on.
                let _ = (node.set_nodelay(true), upstream.set_nodelay(true));
                let (asks, answers) = (node.into_split(), upstream.into_split());
                // Of each connection: whether the node had the last word.
                let (asked, told) = (Rc::new(Cell::new(false)), Rc::clone(&counted));
                let said = Rc::clone(&asked);
                let asking = move || told.set(told.get() + u64::from(!said.replace(true)));
                spawn_local(carry(asks.0, answers.1, asking));
                spawn_local(carry(answers.0, asks.1, move || asked.set(false)));
            }
        });
        Ok(Self { address, trips })
    }

    /// How often a node has sent something and waited for an answer.
    pub(crate) fn trips(&self) -> u64 {
        self.trips.get()
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, passes: impl Fn()) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        passes();
        if to.write_all(bytes.get(..read).unwrap_or_default()).await.is_err() {
            break;
        }
    }
    // Whoever is gone has been told.
    let _ = to.shutdown().await;
}
