//! A stranger's part of a plan, played about somebody and about nobody: every answer is the same, and so is its work (SEC-01, SEC-02).

use serde_json::Value;

use super::arena::{Arena, Cost, Held, Kind, OWNER, Verdict, cost, line};
use super::plan::{Client, Plan, Step, Then};
use crate::harness::token;

/// As long as the owner's name.
const NOBODY: &str = "nobody7";

/// What can be seen of one submission, and what it cost.
#[derive(Debug, PartialEq)]
struct Shown {
    body: Value,
    cost: Cost,
}

/// Whether the stranger learns nothing. A registration has nobody to be told about here: the owner's address may have a second account.
pub(super) fn alike(arena: &Arena, plan: &Plan) -> Verdict {
    if arena.kind == Kind::Registration || arena.kind == Kind::Unproven {
        return Ok(());
    }
    let (somebody, mut lines) = of(arena, plan, OWNER);
    let (nobody, others) = of(arena, plan, NOBODY);
    if somebody == nobody {
        return Ok(());
    }
    lines.push(format!("saw {somebody:?}"));
    lines.push("and about nobody".into());
    lines.extend(others);
    lines.push(format!("saw {nobody:?}"));
    Err(("somebody and nobody look alike", lines))
}

fn of(arena: &Arena, plan: &Plan, name: &str) -> (Vec<Shown>, Vec<String>) {
    let mut server = arena.fresh(plan.seed);
    let (mut text, mut held, mut shown, mut lines) = (0, Vec::<Held>::new(), Vec::new(), Vec::new());
    for step in &plan.steps {
        let step = Step { client: Client::Stranger, ..step.clone() };
        let back = held.len().checked_sub(1 + step.back).and_then(|at| held.get(at)).or(held.last()).cloned();
        let (sent, input) = arena.input(&step, back.as_ref(), name);
        let (told, cost) = cost(&arena.world, || arena.submit(&server, sent.as_deref(), &input, step.crash));
        lines.push(line(&step, sent.as_deref(), &input, &told));
        let body = match &told {
            Ok(submitted) => without_secrets(submitted.body.clone()),
            Err(error) => serde_json::json!({ "code": error.code, "message": error.message, "detail": error.detail }),
        };
        shown.push(Shown { body, cost });
        if let Ok(submitted) = told
            && !submitted.finished
        {
            held.push(Held::of(submitted));
        }
        arena.then(step.then, &mut text);
        if step.then == Then::Restart {
            server = arena.server(plan.seed.wrapping_add(u64::try_from(lines.len()).unwrap_or(0)));
        }
    }
    (shown, lines)
}

/// A token is known by its length, and a question by its number: which one is asked is drawn for each.
fn without_secrets(mut body: Value) -> Value {
    if body.get("token").is_some() {
        body["token"] = token(&body).len().into();
    }
    if let Some(Value::Object(properties)) = body.pointer_mut("/requirements/properties") {
        properties.iter_mut().filter(|(name, _)| name.starts_with("answer")).for_each(|(_, question)| *question = Value::Null);
    }
    body
}
