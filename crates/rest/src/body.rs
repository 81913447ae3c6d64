//! Reading a request's body off the connection.
//!
//! Easiest to get wrong: its size is bounded while it is read, announced or not; only then may anybody look into it ([`wire::body`]).

use std::io;

use axum::body::Body;
use bytes::Bytes;
use crest::ResourceError;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// 413 past the limit, 400 when the client breaks off.
pub(crate) async fn collect(body: Body, headers: &HeaderMap, limit: usize) -> Result<Bytes, ResourceError> {
    let too_large = || ResourceError::too_large(format!("The request body is larger than {limit} bytes"));
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > u64::try_from(limit).unwrap_or(u64::MAX)) {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large()),
        Err(error) => match error.source().and_then(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind) {
            Some(io::ErrorKind::QuotaExceeded) => Err(ResourceError::unavailable("Too many requests are not whole yet, try again later")),
            _ => Err(ResourceError::bad_request("The request body could not be read")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sec_52_a_body_past_the_limit_is_413_announced_or_not() {
        let body = || Body::from(vec![b' '; 11]);
        assert_eq!(collect(body(), &HeaderMap::new(), 10).await.unwrap_err().code, 413);
        assert_eq!(collect(body(), &HeaderMap::new(), 11).await.unwrap().len(), 11);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, "11".parse().unwrap());
        assert_eq!(collect(Body::empty(), &headers, 10).await.unwrap_err().code, 413);
    }
}
