//! One connection, from its first byte to its last: a proxy's header where one is due, TLS where there is a certificate, then HTTP/1 or HTTP/2.
//!
//! Easiest to get wrong: the beginning. Until a request can be read the connection is nobody's, so each of the steps before it has its own limit
//! of time, and all of them give way to others in the crowd.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, RETRY_AFTER, STRICT_TRANSPORT_SECURITY};
use http::{HeaderValue, Request, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use rustls::server::{Acceptor, ClientHello};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::LazyConfigAcceptor;
use tower::ServiceExt as _;
use wire::client::{Client, PassedOn, Peer};
use wire::frames::Times;
use wire::http1::{MAX_HEAD, MAX_HEADERS, Refused};
use wire::proxy_protocol::{self, Header, Passed};

use super::crowd::{Crowd, Member, Place, Turn, Unread};
use super::gate;
use super::patient::{PatientWrites, SLOWEST, TimedBody, WaitingBody};
use super::screened::{Refusals, Screened};
use super::stream::Stream;
use super::tls::{CHALLENGE, Certificate, HTTP_2};
use super::watched::Watched;

/// A proxy's header must be there after this, and so must TLS.
const BEGINS_WITHIN: Duration = Duration::from_secs(10);
/// A request's headers must be complete after this.
const HEADERS_WITHIN: Duration = Duration::from_secs(15);
/// A request must be answered after this; longer than a submission waits for its mail.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// The same, whatever route it takes; later, so that a page is refused with a page.
const ANSWER_ANYHOW_WITHIN: Duration = Duration::from_secs(65);
/// Encrypted bytes that wait for their client, beside those that the system holds.
const TLS_BUFFER: usize = 16 * 1024;
/// A connection of HTTP/2 without a stream is closed after this.
const IDLE: Duration = Duration::from_mins(1);
/// Streams of a connection at a time. A browser asks for no more.
const STREAMS: u32 = 100;
/// Bytes of a body that a client may send before the server has read any of it.
const STREAM_WINDOW: u32 = 64 * 1024;
/// The same, of all bodies of a connection.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Bytes of an answer that wait for their client, per stream. Files that are larger are held once, whoever asks for them.
const SEND_BUFFER: usize = 64 * 1024;
/// Bytes that a stream takes besides.
const STREAM: usize = 4 * 1024;
/// Streams that may be reset before anybody has looked at them (CVE-2023-44487).
const UNSEEN_RESETS: usize = 20;
/// Streams that may be reset because their client broke the protocol.
const FAULTY_STREAMS: usize = 100;

/// What is told under a certificate that stands in for another: how the server is.
const HEALTH: &str = "/health/";

/// A question about an address.
type Asks = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Whoever had connected when the last connection was taken has this long to begin with their request.
const FIRST_WITHIN: Duration = Duration::from_secs(1);

/// Who comes in how.
pub(super) struct Doors {
    /// What TLS is spoken with; without it nothing else is.
    pub(super) certificate: Option<Arc<Certificate>>,
    /// Of which addresses many clients may come.
    pub(super) trusts: Asks,
    /// Of which addresses connections begin with a proxy's header.
    pub(super) pass_on: Asks,
}

/// What all connections have in common.
pub(super) struct Conversations {
    router: Router,
    doors: Doors,
    crowd: Arc<Crowd>,
    within: Duration,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    promise: Option<HeaderValue>,
    told: watch::Receiver<bool>,
}

/// Why a connection ended before its first request.
#[derive(Debug, thiserror::Error)]
enum Unmet {
    #[error("a trusted proxy sent no header of the PROXY protocol: {0}")]
    NoHeader(&'static str),
    #[error("it ended, or did not begin in time: {0}")]
    Broken(#[from] io::Error),
    #[error("its network holds too many connections that are being answered")]
    Crowded,
    #[error("it was an authority's, that asked whether a name leads here")]
    Challenge,
}

/// A connection before its first request.
struct Begun {
    stream: Stream,
    peer: Peer,
    place: Place,
    /// Under a certificate that stands in for another.
    provisional: bool,
}

impl Conversations {
    pub(super) fn new(router: Router, doors: Doors, crowd: Arc<Crowd>, within: Duration, told: watch::Receiver<bool>) -> Self {
        let mut first = http1::Builder::new();
        // A head that was let through is read; what is added to a target has room.
        first.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN).max_buf_size(2 * MAX_HEAD).max_headers(MAX_HEADERS + 1);
        let mut second = http2::Builder::new(TokioExecutor::new());
        second.timer(TokioTimer::new()).max_concurrent_streams(STREAMS).max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX));
        second.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(CONNECTION_WINDOW).max_send_buf_size(SEND_BUFFER);
        second.max_pending_accept_reset_streams(UNSEEN_RESETS).max_local_error_reset_streams(FAULTY_STREAMS);
        let seconds = doors.certificate.as_ref().map_or(0, |certificate| certificate.hsts_seconds);
        let promise = (seconds > 0).then(|| HeaderValue::from_str(&format!("max-age={seconds}")).ok()).flatten();
        Self { router, doors, crowd, within, http1: first, http2: second, promise, told }
    }

    /// Whether many clients may come of an address.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        (self.doors.trusts)(address)
    }

    /// Serves a connection to its end, which is after the request that runs when the server `closes`.
    pub(super) async fn hold(self: Arc<Self>, stream: TcpStream, address: IpAddr, place: Place, closes: watch::Receiver<bool>) {
        let (asked, first) = watch::channel(false);
        let mut end = pin!(without_a_request(closes, first));
        let began = tokio::select! {
            began = self.begin(stream, address, place) => began,
            () = &mut end => return,
        };
        let Begun { stream, peer, place, provisional } = match began {
            Ok(begun) => begun,
            Err(Unmet::NoHeader(reason)) => return tracing::warn!(peer = %address, "{}", Unmet::NoHeader(reason)),
            Err(error) => return tracing::debug!("a connection was not begun: {error}"),
        };
        let member = place.member();
        let refusals = Refusals::default();
        let service = self.service((peer, provisional), &member, refusals.clone(), asked);
        let chosen = match &stream {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => stream.get_ref().1.alpn_protocol(),
        };
        if chosen == Some(HTTP_2) {
            let times = Times { head: HEADERS_WITHIN, answer: self.within, slowest: SLOWEST, idle: IDLE };
            let connection = self.http2.serve_connection(TokioIo::new(Watched::new(stream, times, Unread::of(&member))), service);
            to_the_end(connection, &member, end).await;
        } else {
            let connection = self.http1.serve_connection(TokioIo::new(Screened::new(stream, refusals, Unread::of(&member))), service);
            to_the_end(connection, &member, end).await;
        }
        drop(place);
    }

    /// Everything before the first request.
    async fn begin(&self, mut stream: TcpStream, address: IpAddr, mut place: Place) -> Result<Begun, Unmet> {
        let mut peer = Peer { address: address.to_canonical(), https: false, passed: PassedOn::No };
        if (self.doors.pass_on)(peer.address) {
            let passed = in_time(read_header(&mut stream), &place.member()).await?;
            if let Some(client) = passed.client {
                peer = Peer { address: client, https: passed.https, passed: PassedOn::Named };
                drop(place);
                place = self.crowd.enter(client, self.trusts(client)).ok_or(Unmet::Crowded)?;
            } else if passed.passed_on {
                peer.passed = PassedOn::Unnamed;
            }
        }
        let patient = PatientWrites::new(stream, self.within);
        let Some(certificate) = &self.doors.certificate else {
            return Ok(Begun { stream: Stream::Plain(patient), peer, place, provisional: false });
        };
        let served = certificate.now();
        let shaking = async {
            let hello = LazyConfigAcceptor::new(Acceptor::default(), patient).await?;
            if let Some(challenges) = certificate.challenges() {
                let name = asked_by_authority(&hello.client_hello());
                let answer = match &name {
                    Some(name) => challenges.answer(name).await,
                    None => None,
                };
                if let Some(answer) = answer {
                    hello.into_stream(answer).await?.shutdown().await?;
                    return Err(Unmet::Challenge);
                }
            }
            Ok(hello.into_stream_with(Arc::clone(&served.config), |tls| tls.set_buffer_limit(Some(TLS_BUFFER))).await?)
        };
        let stream = Stream::Tls(Box::new(in_time(shaking, &place.member()).await?));
        Ok(Begun { stream, peer: Peer { https: true, ..peer }, place, provisional: served.provisional })
    }

    fn service(
        self: &Arc<Self>,
        (peer, provisional): (Peer, bool),
        member: &Arc<Member>,
        refusals: Refusals,
        asked: watch::Sender<bool>,
    ) -> impl hyper::service::Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send + 'static> + use<> {
        let (own, member) = (Arc::clone(self), Arc::clone(member));
        hyper::service::service_fn(move |request: Request<Incoming>| {
            asked.send_if_modified(|asked| !std::mem::replace(asked, true));
            let client = Client::of(peer, request.headers(), |address| own.trusts(address)).address;
            let (own, turn, refused) = (Arc::clone(&own), Turn::of(&member, client), refusals.next());
            let keeps = request.version() == Version::HTTP_2;
            async move {
                let mut response = match refused {
                    Some(refused) => own.refuse(request, refused, peer).await,
                    None if provisional && !request.uri().path().starts_with(HEALTH) => rest::uncertified(),
                    None => own.answer(request, peer, &turn).await,
                };
                // From here on the client has to take the answer, and to ask again.
                turn.waits();
                if keeps {
                    response = waiting(response, &turn);
                }
                if let Some(promise) = own.promise.as_ref().filter(|_| peer.https) {
                    response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, promise.clone());
                }
                if !keeps && *own.told.borrow() {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok(response)
            }
        })
    }

    async fn answer(&self, request: Request<Incoming>, peer: Peer, turn: &Arc<Turn>) -> Response {
        let mut request = request.map(|body| Body::new(TimedBody::new(body, Arc::clone(turn), self.within)));
        if let Err(error) = gate::admit(&mut request) {
            return rest::refuse(&error.into());
        }
        self.lead(request, peer).await
    }

    /// Answers in the place of a request that could not be read.
    async fn refuse(&self, request: Request<Incoming>, refused: Refused, peer: Peer) -> Response {
        if !refused.page {
            return rest::refuse(&refused.error.into());
        }
        // What stands in for it has no body.
        let mut request = request.map(|_| Body::empty());
        gate::on_a_page(&mut request, refused.error);
        self.lead(request, peer).await
    }

    async fn lead(&self, mut request: Request<Body>, peer: Peer) -> Response {
        request.extensions_mut().insert(peer);
        let answered = tokio::time::timeout(ANSWER_ANYHOW_WITHIN, self.router.clone().oneshot(request)).await;
        match answered {
            Ok(Ok(response)) => response,
            Err(_) => rest::too_slow(),
        }
    }
}

/// An answer of a connection that may ask for many before it takes any: what waits is counted.
fn waiting(response: Response, turn: &Turn) -> Response {
    let length = response.body().size_hint().exact().map_or(SEND_BUFFER, |length| usize::try_from(length).unwrap_or(SEND_BUFFER));
    if length == 0 {
        return response;
    }
    let Some(waiting) = turn.answers(length.min(SEND_BUFFER) + STREAM) else {
        let mut busy = Response::new(Body::empty());
        *busy.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        busy.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        return busy;
    };
    response.map(|body| Body::new(WaitingBody::new(body, waiting)))
}

/// The name that an authority looks at; `None` where it is no authority (RFC 8737 section 3: it offers this protocol alone).
fn asked_by_authority(hello: &ClientHello<'_>) -> Option<String> {
    let mut offered = hello.alpn()?;
    (offered.next() == Some(CHALLENGE) && offered.next().is_none()).then(|| hello.server_name().map(str::to_ascii_lowercase))?
}

/// The header of a connection that a trusted proxy passes on. Not a byte behind it is read.
async fn read_header(stream: &mut TcpStream) -> Result<Passed, Unmet> {
    let mut bytes = Vec::with_capacity(proxy_protocol::FIXED);
    loop {
        match proxy_protocol::parse(&bytes).map_err(|reason| Unmet::NoHeader(reason.0))? {
            Header::Whole(passed) => return Ok(passed),
            Header::Needs(length) => {
                let missing = length.saturating_sub(bytes.len()) as u64;
                if (&mut *stream).take(missing).read_buf(&mut bytes).await? == 0 {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
            }
        }
    }
}

/// A step before the first request: it has its time, and may have to go for another connection.
async fn in_time<T>(step: impl Future<Output = Result<T, Unmet>>, member: &Member) -> Result<T, Unmet> {
    tokio::select! {
        done = tokio::time::timeout(BEGINS_WITHIN, step) => done.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into())),
        () = member.ended() => Err(Unmet::Crowded),
    }
}

/// Until a connection is closed that has no request running: once the server `closes`, and whoever has just come has had time to ask.
async fn without_a_request(mut closes: watch::Receiver<bool>, mut first: watch::Receiver<bool>) {
    // A sender that is gone says the same.
    let _ = closes.wait_for(|closes| *closes).await;
    let _ = tokio::time::timeout(FIRST_WITHIN, first.wait_for(|asked| *asked)).await;
}

async fn to_the_end(
    connection: impl GracefulConnection<Error = hyper::Error>,
    member: &Member,
    mut end: Pin<&mut impl Future<Output = ()>>,
) {
    let mut connection = pin!(connection);
    let mut ending = false;
    loop {
        tokio::select! {
            ended = &mut connection => return told_of(ended),
            () = member.ended() => return tracing::debug!("a connection that waited for its client made room for another"),
            () = &mut end, if !ending => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn told_of(ended: hyper::Result<()>) {
    let Err(error) = ended else { return };
    match cause(&error) {
        Some(io::ErrorKind::TimedOut) => tracing::info!("a client did not take its answer; its connection was closed"),
        Some(io::ErrorKind::QuotaExceeded) => tracing::info!("a client flooded its connection, which was closed"),
        _ => tracing::debug!(%error, "a connection ended"),
    }
}

/// What ended a connection, as far as our own streams said it.
fn cause(error: &hyper::Error) -> Option<io::ErrorKind> {
    let cause = error.source()?;
    let direct = cause.downcast_ref::<io::Error>();
    direct.or_else(|| cause.downcast_ref::<h2::Error>().and_then(h2::Error::get_io)).map(io::Error::kind)
}
