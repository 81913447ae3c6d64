//! Another server that a command asks: its address, and how fast it is asked.
//!
//! Easiest to break: it serves people. Nothing secret goes there in the clear, and no answer that was late makes the next request early.

use std::time::Duration;

use reqwest::{Client, Url};
use tokio::time::{Interval, MissedTickBehavior};
use wire::host::{is_here, name_of};

use crate::ports::client_within;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why another server is not asked.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// No address that could be read.
    #[error("'{0}' is no address of a server; it looks like https://idm.example.com/openidm")]
    Address(String),
    /// Somebody is named in it, perhaps with their password: it is not printed.
    #[error(
        "an address has no '@' here: whoever stands before it could be read by others; --from-user and --from-password-file name who asks"
    )]
    UserInfo,
    /// Secrets would go over the network in the clear.
    #[error("{0} is not encrypted, and passwords would go there in the clear; use https")]
    InTheClear(String),
    /// No pace.
    #[error("{0} in a second is no pace: it is a number above 0")]
    Pace(f64),
    /// What connects cannot be made.
    #[error("nothing can be asked: {0}")]
    Client(String),
}

/// The address of a REST interface, up to `/openidm`. In the clear only on this machine.
///
/// # Errors
/// [`ReachError::Address`], [`ReachError::UserInfo`] and [`ReachError::InTheClear`].
pub(crate) fn base(address: &str) -> Result<Url, ReachError> {
    if address.contains('@') {
        return Err(ReachError::UserInfo);
    }
    let wrong = || ReachError::Address(address.to_owned());
    let url = Url::parse(&format!("{}/", address.trim_end_matches('/'))).map_err(|_| wrong())?;
    let host = url.host_str().ok_or_else(wrong)?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here(name_of(host)) => Ok(url),
        "http" => Err(ReachError::InTheClear(url.to_string())),
        _ => Err(wrong()),
    }
}

/// When something is asked for, so often in a second.
///
/// # Errors
/// [`ReachError::Pace`].
pub(crate) fn pace(per_second: f64) -> Result<Interval, ReachError> {
    let between = Some(1.0 / per_second).filter(|_| per_second > 0.0).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let between = between.filter(|between| !between.is_zero()).ok_or(ReachError::Pace(per_second))?;
    let mut pace = tokio::time::interval(between);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Ok(pace)
}

/// What connects to another server. It goes nowhere else than it is told, and to this machine, where alone nothing is encrypted, by way of nobody.
///
/// # Errors
/// [`ReachError::Client`].
pub(crate) fn client() -> Result<Client, ReachError> {
    client_within(PATIENCE).map_err(|error| ReachError::Client(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_no_pace_is_refused_and_a_late_answer_makes_no_request_early() {
        for per_second in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-300] {
            assert!(matches!(pace(per_second), Err(ReachError::Pace(_))), "{per_second}");
        }
        let mut pace = pace(2.0).unwrap();
        pace.tick().await;
        tokio::time::advance(Duration::from_secs(10)).await;
        pace.tick().await;
        let began = tokio::time::Instant::now();
        pace.tick().await;
        pace.tick().await;
        assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    }

    #[test]
    fn nothing_goes_in_the_clear_but_on_this_machine() {
        for good in [
            "https://idm.example.com/openidm",
            "http://localhost:8080/openidm/",
            "http://127.0.0.1/x",
            "http://127.0.0.2/x",
            "http://[::1]/x",
            "http://[::ffff:127.0.0.1]:8080/x",
        ] {
            assert!(base(good).unwrap().as_str().ends_with('/'), "{good}");
        }
        for elsewhere in ["http://idm.example.com/openidm", "http://localhost.example.com/x", "http://10.0.0.1/x", "http://[2001:db8::7]/x"]
        {
            assert!(matches!(base(elsewhere), Err(ReachError::InTheClear(_))), "{elsewhere}");
        }
        for wrong in ["", "idm.example.com", "ftp://idm.example.com", "file:///etc/passwd", "https://"] {
            assert!(matches!(base(wrong), Err(ReachError::Address(_))), "{wrong}");
        }
        for named in [
            "https://adm:S3cret@idm.example.com/openidm",
            "https://S3cret@idm.example.com",
            "adm:S3cret@idm.example.com",
            "https://a:S3cret@",
        ] {
            let said = base(named).unwrap_err().to_string();
            assert!(said.contains("no '@' here") && !said.contains("S3cret"), "{said}");
        }
    }
}
