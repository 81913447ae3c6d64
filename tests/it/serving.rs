//! What is spoken on the server's one listener, and with whom: TLS, HTTP/1 and HTTP/2, headers of proxies, and what cannot be read.

mod acme;
mod answers;
mod draining;
mod http2;
mod proxied;
mod tls;
