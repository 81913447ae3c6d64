//! Processes of signed-in people, and stages that promise less than they grant.

use async_trait::async_trait;
use crest::ResourceError;
use process::{
    Caller, Catalogue, Compiling, Declared, Example, Fact, FactKind, Issue, Need, Progress, Requirements, Stage, StageContext, StageFacts,
    Subject,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use vestibule_stages::Services;

use crate::harness::*;

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// Works on the signed-in person.
struct Owner;

#[async_trait]
impl Stage<Services> for Owner {
    const NAME: &'static str = "owner";
    const SUMMARY: &'static str = "Says whose session it is.";
    type Config = Nothing;

    fn example() -> Example {
        Example::default()
    }

    fn facts(_: &Nothing) -> StageFacts {
        StageFacts { needs: vec![Need::any(&[FactKind::SignedIn])], ..StageFacts::default() }
    }

    fn compile(_: Nothing, _: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        Ok(Self)
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(Some(Requirements::new("Owner").text("go", "go on")))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, _: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let id = cx.subject()?.id;
        cx.add("owner", json!(id));
        Ok(Progress::Done)
    }
}

/// Grants what it does not declare.
struct Liar;

#[async_trait]
impl Stage<Services> for Liar {
    const NAME: &'static str = "liar";
    const SUMMARY: &'static str = "Claims a proof.";
    type Config = Nothing;

    fn example() -> Example {
        Example::default()
    }

    fn facts(_: &Nothing) -> StageFacts {
        StageFacts::default()
    }

    fn compile(_: Nothing, _: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        Ok(Self)
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(None)
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, _: &Map<String, Value>) -> Result<Progress, ResourceError> {
        cx.grant(Fact::KnowsAnswers { subject: subject("bjensen") })?;
        Ok(Progress::Done)
    }
}

fn subject(id: &str) -> Subject {
    Subject { collection: USER.into(), id: id.into(), decoy: false }
}

fn catalogue() -> Catalogue<Services> {
    Catalogue::new(vec![Box::new(Declared::<Owner>::new()), Box::new(Declared::<Liar>::new())])
}

fn signed_in(id: &str) -> Caller {
    Caller { user: id.into(), subject: Some(subject(id)), session: Some("s".into()), ..Caller::default() }
}

#[test]
fn sec_34_a_stage_for_signed_in_people_refuses_everybody_else() {
    let mut world = World::new();
    world.serve_with("mine", &json!({"stageConfigs": [{"name": "owner"}, {"name": "owner"}]}), &catalogue());
    let error = world.submit("mine", None, &json!({"go": "x"})).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (403, "Access denied"));
    world.caller = signed_in("bjensen");
    assert_eq!(world.step("mine", None, json!({"go": "x"}))["type"], "owner");
}

#[test]
fn a_token_that_began_on_a_session_belongs_to_its_owner() {
    let mut world = World::new();
    world.serve_with("mine", &json!({"stageConfigs": [{"name": "owner"}, {"name": "owner"}]}), &catalogue());
    world.caller = signed_in("bjensen");
    let asked = world.step("mine", None, json!({"go": "x"}));
    for stranger in [Caller::default(), signed_in("scarter")] {
        world.caller = stranger;
        assert_eq!(world.submit("mine", Some(token(&asked)), &json!({"go": "x"})).unwrap_err().message, "Invalid snapshot token");
    }
    world.caller = signed_in("bjensen");
    assert_eq!(world.step("mine", Some(token(&asked)), json!({"go": "x"}))["additions"], json!({"owner": "bjensen"}));
}

#[test]
fn sec_31_a_stage_cannot_grant_what_it_does_not_declare() {
    let world = World::new();
    world.serve_with("lies", &json!({"stageConfigs": [{"name": "liar"}]}), &catalogue());
    assert_eq!(world.submit("lies", None, &json!({})).unwrap_err().code, 500);
}
