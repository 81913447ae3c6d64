//! Where a browser is in a form: what it was asked, what was typed, what was wrong. Every answer to a form sends the browser on to an address
//! that names such a step, so that *back* and *reload* are plain GETs of what was there, and nothing secret is ever in an address.
//!
//! Easiest to get wrong: a step belongs to one browser. Its name in the address opens nothing without that browser's cookie.

use accounts::Limited;
use axum::body::Body;
use http::{Response, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crest::ResourceError;

use crate::browser::random_name;
use crate::field::{Field, Problem};
use crate::form::Form;
use crate::visit::Visit;

/// Seconds a step is kept at least; longer where its token lives longer.
pub(crate) const KEPT: i64 = 3600;
/// Most characters of what was typed that are kept; more is shown again at once.
pub(crate) const MOST: usize = 32 * 1024;

/// What was typed into a form, and what was wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Draft {
    /// The fields, secrets aside.
    pub(crate) typed: Form,
    /// What is wrong.
    pub(crate) problems: Vec<Problem>,
    /// The status of the page.
    pub(crate) status: u16,
    /// Seconds after which it can be tried again.
    pub(crate) retry_after: Option<u64>,
    /// Whom the form was shown to, where it was sent after their session had ended.
    #[serde(default)]
    pub(crate) whose: Option<String>,
}

/// A step of a process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// The process's name.
    pub(crate) process: String,
    /// The snapshot token; none before the first submission.
    pub(crate) token: Option<String>,
    /// What is asked: `type`, `tag`, `requirements`. Null for a link that was opened.
    pub(crate) asked: Value,
    /// The code of a link that was opened.
    pub(crate) code: Option<String>,
    /// What the first stage is given beside what is typed: `returnParams`.
    pub(crate) given: Map<String, Value>,
    /// What was typed, where something was wrong with it.
    pub(crate) draft: Option<Draft>,
    /// What proves the account at an identity provider that the person comes with.
    #[serde(default)]
    pub(crate) brought: Option<String>,
    /// A stage was told of it.
    #[serde(default)]
    pub(crate) told: bool,
    /// It is what is being submitted.
    #[serde(skip)]
    pub(crate) telling: bool,
    /// Seconds since 1970, when it was asked.
    pub(crate) began: i64,
    /// A mail was sent again at somebody's wish.
    pub(crate) sent_again: bool,
    /// The end of the process, as `additions` and the last stage's type.
    pub(crate) ended: Option<Value>,
}

/// Where a form led that ended something: the same form sent twice leads there twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// The address.
    pub(crate) to: String,
    /// The session's cookie, for an answer that the browser did not wait for.
    pub(crate) session: Option<String>,
}

impl Draft {
    /// What was typed into these fields, and what is wrong with it.
    pub(crate) fn of(visit: &Visit, fields: &[Field], problems: Vec<Problem>, status: u16) -> Self {
        let typed = visit.form.only(|name| fields.iter().any(|field| field.keeps(name)));
        Self { typed, problems, status, retry_after: None, whose: None }
    }

    /// It can be tried again after so many seconds.
    pub(crate) fn retry_after(self, retry_after: Option<u64>) -> Self {
        Self { retry_after, ..self }
    }
}

/// The status of a page that shows a draft.
pub(crate) fn status(draft: Option<&Draft>) -> StatusCode {
    draft.and_then(|draft| StatusCode::from_u16(draft.status).ok()).unwrap_or(StatusCode::OK)
}

/// A page that shows a draft, with when it can be tried again.
pub(crate) fn again_after(mut response: Response<Body>, draft: Option<&Draft>) -> Response<Body> {
    if let Some(seconds) = draft.and_then(|draft| draft.retry_after) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

impl Visit {
    /// Counts what is about to be kept although nothing was submitted, as if it had been: anybody can make rows that way, and none of them
    /// without limit.
    ///
    /// # Errors
    /// [`Limited`] for a client that has sent too much.
    pub(crate) fn counted(&self) -> Result<(), Limited> {
        self.accounts.limits.submission(self.client.address, self.now)
    }

    /// Keeps what holds a draft, and gives the name of it; nothing where the form is to be shown at once: it is too long, not one of ours, or
    /// came too often, and for whoever sent such a thing nothing is kept.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn keep_draft<T: Serialize + Sync>(&self, draft: &Draft, what: &T) -> Result<Option<String>, ResourceError> {
        if draft.typed.len() > MOST || !self.genuine || draft.retry_after.is_some() {
            return Ok(None);
        }
        let at = random_name(&self.accounts);
        self.keep(&at, what, KEPT).await?;
        Ok(Some(at))
    }

    /// Keeps something for this browser under a name: what follows a submission, which was counted, or what was [`Visit::counted`].
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn keep<T: Serialize + Sync>(&self, name: &str, what: &T, seconds: i64) -> Result<(), ResourceError> {
        let bytes = serde_json::to_vec(what).map_err(|_| ResourceError::internal("Internal Server Error"))?;
        self.accounts.keep(&self.own(name), &bytes, self.now.saturating_add(seconds)).await
    }

    /// What was kept for it.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub(crate) async fn kept<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ResourceError> {
        if self.browser.is_new || name.is_empty() || name.len() > 128 {
            return Ok(None);
        }
        let kept = self.accounts.kept(&self.own(name)).await?;
        Ok(kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    pub(crate) fn own(&self, name: &str) -> String {
        format!("{}/{name}", self.browser.id)
    }
}
