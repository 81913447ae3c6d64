//! Security questions: which are asked, how answers are counted, when an account is locked.

use serde_json::{Value, json};

use crate::harness::*;

/// A world whose file allows so many attempts, counted in the property `KBA_lockout`.
fn limited(allowed: u32) -> World {
    let mut world = World::new();
    world.kba["numberOfAttemptsAllowed"] = json!(allowed.to_string());
    world.kba["kbaAttemptsPropertyName"] = json!("KBA_lockout");
    ready(world)
}

fn ready(world: World) -> World {
    world.person("bjensen");
    world.serve("reset", &[user_query(), kba(), reset()]);
    world
}

fn ask(world: &World) -> Value {
    world.step("reset", None, query("userName eq \"bjensen\""))
}

fn try_with(world: &World, body: &Value, input: &Value) -> Result<Value, String> {
    world.submit("reset", Some(token(body)), input).map_err(|error| {
        assert_eq!(error.code, 400);
        error.message
    })
}

fn failures(world: &World) -> Value {
    world.objects.stored(USER, "bjensen").unwrap().content["KBA_lockout"].clone()
}

const WRONG: &str = "Answers are not matched";

#[test]
fn missing_and_mistyped_answers_are_named_and_not_counted() {
    let mut world = World::new();
    world.kba["minimumAnswersToVerify"] = json!(2);
    let world = ready(world);
    let body = ask(&world);
    assert_eq!(body["requirements"]["required"], json!(["answer1", "answer2"]));
    let right = answers(&body);
    for _ in 0..3 {
        for (input, message) in [
            (json!({}), "answer1 is missing from input"),
            (json!({"answer1": "x"}), "answer2 is missing from input"),
            (json!({"answer1": "", "answer2": "x"}), "answer1 is missing from input"),
            (json!({"answer1": null, "answer2": "x"}), "answer1 is missing from input"),
            (json!({"answer1": 5, "answer2": "x"}), "answer1 must be a text"),
            (json!({"answer1": ["x"], "answer2": "x"}), "answer1 must be a text"),
        ] {
            assert_eq!(try_with(&world, &body, &input), Err(message.to_owned()), "{input}");
        }
    }
    let half = json!({"answer1": right["answer1"], "answer2": "wrong"});
    assert_eq!(try_with(&world, &body, &half), Err(WRONG.into()));
    let swapped = json!({"answer1": right["answer2"], "answer2": right["answer1"]});
    assert_eq!(try_with(&world, &body, &swapped), Err(WRONG.into()));
    let mut more = right;
    more["answer3"] = json!("x");
    assert_eq!(try_with(&world, &body, &more).unwrap()["type"], "resetStage");
}

#[test]
fn a_replayed_token_cannot_draw_other_questions_but_a_new_instance_may() {
    let world = World::new();
    world.person_with("bjensen", &world.answers_to(&["1", "4"]));
    world.serve("reset", &[parameters(), user_query(), kba(), reset()]);
    let asked = world.step("reset", None, json!({}));
    let draw = || world.step("reset", Some(token(&asked)), query("userName eq \"bjensen\""))["requirements"].clone();
    let first = draw();
    assert!((0..10).all(|_| draw() == first));
    let fresh = || {
        let asked = world.step("reset", None, json!({}));
        world.step("reset", Some(token(&asked)), query("userName eq \"bjensen\""))["requirements"].clone()
    };
    assert!((0..30).any(|_| fresh() != first));
}

#[test]
fn sec_11_five_submissions_end_the_questions_of_an_instance() {
    let world = ready(World::new());
    let body = ask(&world);
    for _ in 0..5 {
        assert_eq!(try_with(&world, &body, &json!({"answer1": "wrong"})), Err(WRONG.into()));
    }
    assert_eq!(try_with(&world, &body, &answers(&body)), Err(WRONG.into()));
    let again = ask(&world);
    assert_eq!(try_with(&world, &again, &answers(&again)).unwrap()["type"], "resetStage");
}

#[test]
fn sec_11_a_hundred_wrong_submissions_a_day_end_an_account() {
    let world = ready(World::new());
    for _ in 0..25 {
        let body = ask(&world);
        for _ in 0..4 {
            assert_eq!(try_with(&world, &body, &json!({"answer1": "wrong"})), Err(WRONG.into()));
        }
    }
    let body = ask(&world);
    assert_eq!(try_with(&world, &body, &answers(&body)), Err(WRONG.into()));
    world.clock.pass(86_401);
    let body = ask(&world);
    assert_eq!(try_with(&world, &body, &answers(&body)).unwrap()["type"], "resetStage");
}

#[test]
fn the_accounts_own_counter_locks_it_across_instances_without_a_declaration_in_the_schema() {
    let world = limited(2);
    for expected in [1, 2] {
        let body = ask(&world);
        assert_eq!(try_with(&world, &body, &json!({"answer1": "wrong"})), Err(WRONG.into()));
        assert_eq!(failures(&world), json!(expected));
    }
    let body = ask(&world);
    assert_eq!(try_with(&world, &body, &answers(&body)), Err(WRONG.into()), "locked, and told like a wrong answer");
    world.person_with("bjensen", &json!({"KBA_lockout": "0"}));
    let body = ask(&world);
    assert_eq!(try_with(&world, &body, &answers(&body)).unwrap()["type"], "resetStage");
    assert_eq!(failures(&world), json!(0), "right answers end the count");
}

#[test]
fn right_answers_leave_the_tokens_before_them_usable() {
    let world = limited(3);
    world.serve("both", &[user_query(), email(), kba(), reset()]);
    let sent = world.step("both", None, query("userName eq \"bjensen\""));
    let code = json!({"code": link_of(&world.last_mail()).1});
    let asked = world.step("both", Some(token(&sent)), code.clone());
    world.step("both", Some(token(&asked)), answers(&asked));
    assert_eq!(world.step("both", Some(token(&sent)), code)["type"], "kbaSecurityAnswerVerificationStage", "the link opens again");
}

#[test]
fn sec_47_two_hundred_parallel_guesses_count_as_two_hundred() {
    let world = limited(1000);
    let bodies: Vec<Value> = (0..50).map(|_| ask(&world)).collect();
    std::thread::scope(|scope| {
        for body in &bodies {
            scope.spawn(|| (0..4).for_each(|_| assert_eq!(try_with(&world, body, &json!({"answer1": "wrong"})), Err(WRONG.into()))));
        }
    });
    assert_eq!(failures(&world), json!(200));
}

#[test]
fn sec_47_of_parallel_guesses_no_more_are_looked_at_than_allowed() {
    let world = limited(2);
    let bodies: Vec<Value> = (0..20).map(|_| ask(&world)).collect();
    std::thread::scope(|scope| {
        for body in &bodies {
            scope.spawn(|| try_with(&world, body, &json!({"answer1": "wrong"})).unwrap_err());
        }
    });
    let body = ask(&world);
    assert_eq!(try_with(&world, &body, &answers(&body)), Err(WRONG.into()));
}

#[test]
fn answers_hashed_by_idm_are_taken_and_hashed_anew() {
    let world = World::new();
    let blue = json!({"$crypto": {"value": {"algorithm": "SHA-256", "data": "+Pdner8RFwoEejZogE9D4qgMmfvokvFHmz1Xp1jV4loAAQIDBAUGBwgJCgsMDQ4P"}, "type": "salted-hash"}});
    world.person_with("bjensen", &json!({"kbaInfo": [{"questionId": "4", "answer": blue}]}));
    world.serve("reset", &[user_query(), kba(), reset()]);
    for _ in 0..2 {
        let body = ask(&world);
        assert_eq!(try_with(&world, &body, &json!({"answer1": "Blue"})).unwrap()["type"], "resetStage");
        let stored = world.objects.stored(USER, "bjensen").unwrap().content["kbaInfo"].clone();
        assert_eq!(stored[0]["questionId"], "4");
        assert!(stored[0]["answer"].as_str().is_some_and(|hash| hash.starts_with("$argon2id$")), "{stored}");
    }
}

#[test]
fn how_many_and_which_questions_may_be_said_in_the_stage() {
    let world = World::new();
    world.person("bjensen");
    let mut older = kba();
    older["numberOfQuestionsUserMustAnswer"] = json!("2");
    let mut inline = kba();
    inline["kbaConfig"] = json!({"kbaPropertyName": "kbaInfo", "questions": {"1": {"de": "Straße?"}}});
    inline["numberOfQuestionsUserMustAnswer"] = json!(2);
    for (name, stage) in [("older", older), ("inline", inline)] {
        world.serve(name, &[user_query(), stage, reset()]);
        let body = world.step(name, None, query("userName eq \"bjensen\""));
        assert_eq!(body["requirements"]["required"], json!(["answer1", "answer2"]), "{name}");
        assert_eq!(world.step(name, Some(token(&body)), answers(&body))["type"], "resetStage", "{name}");
    }
}
