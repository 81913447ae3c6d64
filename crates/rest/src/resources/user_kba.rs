//! `selfservice/user/<id>`: a person changes the security questions in the profile (docs/protocol/companions.md, "Changing one's
//! questions").
//!
//! Easiest to get wrong: the body is one `replace` of the whole list, and nothing else. Stock clients send a session and no password, so what
//! is set here proves nothing by itself for a while (SEC-20).

use async_trait::async_trait;
use identity::kba::check_user_patch;
use identity::{Expect, PEOPLE};
use wire::conditions::Expected;

use crate::context::Context;
use crate::related;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Body, Route, Who, action, found, patch, text};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "selfservice/user/{id}",
    chapter: "Processes",
    resource: |_, at| found(UserKba { id: text(at, 0) }),
    operations: &[
        patch("/selfservice/user/{id}", Who::Owner, "Replaces one's own security questions."),
        action("/selfservice/user/{id}", "patch", Who::Owner, "The same as PATCH.").carries(Body::Patch),
    ],
}];

/// The questions of one person.
pub(super) struct UserKba {
    /// Whose.
    pub(super) id: String,
}

#[async_trait]
impl Resource for UserKba {
    fn kind(&self) -> &'static str {
        "selfservice"
    }

    async fn patch(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        self.change(cx, expected).await
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        if name == "patch" { self.change(cx, &Expected::Any).await } else { Err(unknown_action(name)) }
    }
}

impl UserKba {
    async fn change(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        let list = check_user_patch(cx.body(), &cx.runtime.kba)?;
        let collection = if cx.principal.is_managed() { cx.principal.component.as_str() } else { PEOPLE };
        let expect = Expect { revision: expected.revision().map(str::to_owned), ..Expect::any() };
        let password = cx.password();
        let resource = cx.editor(None, password.as_ref()).questions(collection, &self.id, list, &expect).await?;
        let reply: Reply = related::show_written(cx, collection, &resource).await?;
        Ok(reply)
    }
}
