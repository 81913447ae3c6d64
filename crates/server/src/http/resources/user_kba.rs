//! `selfservice/user/<id>`: a person changes the security questions in the profile (openidm-wire §7.2).
//!
//! Easiest to get wrong: answers arrive in clear and are hashed before anything keeps them; hashed ones are taken from an administrator
//! alone (decision 12).

use async_trait::async_trait;
use crest::{Patch, PatchOperation, Pointer, ResourceError};
use identity::Expect;
use identity::kba::{DefinitionRules, check_definition, check_user_patch};
use wire::conditions::Expected;

use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource, unknown_action};

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
        let kba = &cx.runtime.kba;
        let list = check_user_patch(cx.body(), kba)?;
        let rules = DefinitionRules { minimum: kba.answers_to_define(None), allow_hashed: cx.principal.is_administrator() };
        check_definition(list, kba, rules).map_err(ResourceError::from)?;
        let collection = if cx.principal.is_managed() { cx.principal.component.as_str() } else { "managed/user" };
        let property = Pointer::from_tokens([kba.property.as_str()]);
        let patch = Patch::new(vec![PatchOperation::replace(property, list.clone())]);
        let expect = Expect { revision: expected.revision().map(str::to_owned), guard: None };
        let prepared = cx.runtime.managed.patch(collection, &self.id, &patch, cx.writer(), &expect).await?;
        let resource = cx.commit(collection, prepared).await?;
        let reply: Reply = cx.show(collection, &resource);
        Ok(reply)
    }
}
