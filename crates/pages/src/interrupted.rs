//! A form that was sent after the session had ended in which it was shown: its person signs in, and finds what they typed.
//!
//! Easiest to get wrong: a browser may be several people's. What was typed is shown again to the person whose form it was, and to nobody else; and
//! as nobody is signed in when it comes, secrets are known by their names alone, so what is not known to be none is not kept.

use accounts::AccountError;
use axum::body::Body;
use http::Response;

use crate::account::Gate;
use crate::answer::see_other;
use crate::dead_end::{DeadEnd, Why};
use crate::field::Problem;
use crate::form::Form;
use crate::personal::is_personal;
use crate::property::of_object;
use crate::step::{Draft, MOST};
use crate::visit::Visit;
use crate::way::encoded;
use crate::words::Words;

/// To the sign-in, and back to there.
pub(crate) fn to_sign_in(to: &str) -> Response<Body> {
    see_other(&format!("/sign-in?over=&to={}", encoded(to)))
}

impl Visit {
    /// Whether the form was shown to somebody who was signed in, and nobody is now.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.is_post() && !self.is_signed_in() && !self.browser.is_new && self.form.get("form_token").contains('.')
    }

    /// What was typed, for whom it was; for anybody else, nothing.
    pub(crate) fn owned(&self, draft: Draft) -> Option<Draft> {
        let is_theirs = draft.whose.as_deref().is_none_or(|whose| self.browser.shown_to(&self.accounts, &self.principal.own_path(), whose));
        is_theirs.then_some(draft)
    }

    /// These fields as a draft for whoever the form was shown to.
    pub(crate) fn interrupted_draft(&self, typed: Form) -> Draft {
        let whose = self.form.get("form_token").split_once('.').map(|(_, whose)| whose.to_owned());
        Draft { typed, problems: vec![Problem::whole(Words::message("error-old-form"))], status: 200, whose, ..Draft::default() }
    }

    /// A form of the account was sent by nobody any more.
    pub(crate) async fn account_interrupted(&self) -> Gate {
        if !self.is_interrupted() {
            return Gate::Closed(Err(DeadEnd::new(Why::OldForm)));
        }
        let (path, typed) = (self.parts.uri.path(), self.typed_by_nobody());
        let at = match self.keep_interrupted(&typed).await {
            Ok(at) => at,
            Err(end) => return Gate::Closed(Err(end)),
        };
        Gate::Closed(Ok(to_sign_in(&at.map_or_else(|| path.to_owned(), |at| format!("{path}?at={at}")))))
    }

    async fn keep_interrupted(&self, typed: &Form) -> Result<Option<String>, DeadEnd> {
        if typed.len() == 0 || typed.len() > MOST {
            return Ok(None);
        }
        self.counted().map_err(AccountError::from)?;
        let at = crate::browser::random_name(&self.accounts);
        self.keep(&at, &self.interrupted_draft(typed.clone()), crate::step::KEPT).await?;
        Ok(Some(at))
    }

    /// What was typed into fields of which nothing is known but their names: properties of people that are no secrets, and chosen questions.
    pub(crate) fn typed_by_nobody(&self) -> Form {
        self.form.only(|name| match name.strip_prefix("kba.") {
            Some(part) => matches!(part.rsplit_once('.'), Some((_, "question" | "own"))),
            None => self.is_plain_property(name),
        })
    }

    /// Whether a field is that of a property which some type of people has, and none has as a secret.
    fn is_plain_property(&self, name: &str) -> bool {
        let path = ["attributes.", "user.", "preferences."].iter().find_map(|start| name.strip_prefix(start)).unwrap_or(name);
        let first = path.split('/').next().unwrap_or(path);
        let preferences = |schema: &identity::ObjectSchema| {
            schema.property("preferences").is_some_and(|property| property.properties.iter().any(|member| member.name == path))
        };
        let mut known = false;
        for schema in self.runtime.schemas.iter() {
            let Some(property) = schema.property(first) else {
                known |= preferences(schema);
                continue;
            };
            if property.is_credential() || property.is_sealed() || of_object(schema, property).is_secret() {
                return false;
            }
            known |= first == stages::MAIL || is_personal(&self.runtime, property);
        }
        known
    }
}
