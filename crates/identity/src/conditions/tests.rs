use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Condition, Outcome, ScriptSource, Situation};
use crate::kba::KbaConfig;
use crate::metadata::{Metadata, Metadatum};
use crate::schema::ObjectSchema;
use crate::terms::Terms;

fn read(condition: &Value) -> Condition {
    Condition::read(condition).unwrap_or_else(|problem| panic!("{condition}: {problem}"))
}

/// Pointer, message and help of what is wrong.
fn refused(condition: &Value) -> (String, String, String) {
    let problem = Condition::read(condition).expect_err(&condition.to_string());
    (problem.pointer, problem.message, problem.help.unwrap_or_default())
}

struct Person {
    object: Value,
    sign_in: u64,
    now: SystemTime,
    terms: Terms,
}

impl Person {
    fn new(object: Value) -> Self {
        Self { object, sign_in: 1, now: SystemTime::UNIX_EPOCH, terms: Terms::default() }
    }

    fn meets(&self, condition: &Condition) -> bool {
        let kba = KbaConfig::default();
        let situation = Situation {
            object: &self.object,
            metadata: Metadata::of(&ObjectSchema::default(), &self.object),
            sign_in: self.sign_in,
            now: self.now,
            terms: &self.terms,
            kba: &kba,
        };
        match condition.evaluate(&situation) {
            Outcome::Known(holds) => holds,
            Outcome::Ask(_) => panic!("a script"),
        }
    }
}

fn instant(text: &str) -> SystemTime {
    let moment = OffsetDateTime::parse(text, &Rfc3339).unwrap();
    SystemTime::UNIX_EPOCH + Duration::new(u64::try_from(moment.unix_timestamp()).unwrap(), moment.nanosecond())
}

#[test]
fn login_count_at_holds_at_that_sign_in_and_not_beside_it() {
    let at = read(&json!({"type": "loginCount", "interval": "at", "amount": 25}));
    for (sign_in, holds) in [(0, false), (24, false), (25, true), (26, false), (50, false)] {
        assert_eq!(Person { sign_in, ..Person::new(json!({})) }.meets(&at), holds, "{sign_in}");
    }
}

#[test]
fn login_count_every_holds_at_multiples_and_never_before_the_first_sign_in() {
    let every = read(&json!({"type": "loginCount", "interval": "EVERY", "amount": "10"}));
    for (sign_in, holds) in [(0, false), (9, false), (10, true), (11, false), (19, false), (20, true), (21, false)] {
        assert_eq!(Person { sign_in, ..Person::new(json!({})) }.meets(&every), holds, "{sign_in}");
    }
    let each = read(&json!({"type": "loginCount", "interval": "every", "amount": 1}));
    assert!(Person::new(json!({})).meets(&each));
}

#[test]
fn time_since_login_is_true_from_the_exact_moment_on_as_the_calendar_counts() {
    for (span, last, due) in [
        (json!({"minutes": 1}), "2024-05-05T10:00:00.000Z", "2024-05-05T10:01:00Z"),
        (json!({"hours": "24"}), "2024-02-28T12:00:00Z", "2024-02-29T12:00:00Z"),
        (json!({"days": 1}), "2023-12-31T23:59:59.999Z", "2024-01-01T23:59:59.999Z"),
        (json!({"weeks": 2}), "2024-02-20T00:00:00Z", "2024-03-05T00:00:00Z"),
        (json!({"months": 1}), "2024-01-31T08:00:00Z", "2024-02-29T08:00:00Z"),
        (json!({"months": 1}), "2023-01-31T08:00:00Z", "2023-02-28T08:00:00Z"),
        (json!({"months": 6}), "2023-08-31T08:00:00Z", "2024-02-29T08:00:00Z"),
        (json!({"months": 1}), "2023-12-15T08:00:00Z", "2024-01-15T08:00:00Z"),
        (json!({"years": 1}), "2024-02-29T00:00:00Z", "2025-02-28T00:00:00Z"),
        (json!({"years": 4}), "2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z"),
        (
            json!({"years": 1, "months": 13, "weeks": 1, "days": 2, "hours": 3, "minutes": 4}),
            "2020-01-31T23:00:00Z",
            "2022-03-10T02:04:00Z",
        ),
        (json!({"days": 1, "hours": null}), "2024-05-05T12:00:00+02:00", "2024-05-06T10:00:00Z"),
    ] {
        let mut condition = span.clone();
        condition["type"] = json!("timesincelogin");
        let condition = read(&condition);
        let due = instant(due);
        for (now, holds) in [(due - Duration::from_millis(1), false), (due, true), (due + Duration::from_secs(1), true)] {
            let person = Person { now, ..Person::new(json!({"_meta": {"lastLogin": last}})) };
            assert_eq!(person.meets(&condition), holds, "{span} after {last} at {now:?}");
        }
    }
}

#[test]
fn who_has_no_last_sign_in_is_not_away_from_one() {
    let condition = read(&json!({"type": "timesincelogin", "minutes": 1}));
    let now = instant("2030-01-01T00:00:00Z");
    for meta in [json!(null), json!({}), json!({"lastLogin": null}), json!({"lastLogin": "yesterday"}), json!({"lastLogin": 0})] {
        assert!(!Person { now, ..Person::new(json!({"_meta": meta})) }.meets(&condition), "{meta}");
    }
    let beyond = read(&json!({"type": "timesincelogin", "years": 9000}));
    let person = Person { now, ..Person::new(json!({"_meta": {"lastLogin": "2020-01-01T00:00:00Z"}})) };
    assert!(!person.meets(&beyond));
}

#[test]
fn terms_holds_until_the_version_in_force_is_accepted() {
    let condition = read(&json!({"type": "terms"}));
    let terms = |active: &str| {
        let versions = json!([{"version": "1", "termsTranslations": {"en": "x"}}, {"version": "2", "termsTranslations": {"en": "y"}}]);
        Terms::read(&json!({"versions": versions, "active": active})).0
    };
    let accepted = json!({"_meta": {"termsAccepted": {"acceptDate": "x", "termsVersion": "1"}}});
    assert!(Person { terms: terms("1"), ..Person::new(json!({})) }.meets(&condition));
    assert!(!Person { terms: terms("1"), ..Person::new(accepted.clone()) }.meets(&condition));
    assert!(Person { terms: terms("2"), ..Person::new(accepted) }.meets(&condition));
    assert!(!Person::new(json!({})).meets(&condition), "no terms, nothing to accept");
}

#[test]
fn kba_questions_holds_from_the_demanded_number_of_usable_answers_on() {
    let condition = read(&json!({"type": "kbaQuestions"}));
    let hash = json!({"$crypto": {"type": "salted-hash", "value": {"algorithm": "SHA-256",
        "data": "RlmtLjgDfZqZ0j2Swq7nF2ddO6oJbvyY1MWnCwSoNF5BbDQCHhCsMWPYnXyDdB8T"}}});
    let answer = |id: &str| json!({"questionId": id, "answer": hash});
    let custom = json!({"customQuestion": "Whose?", "answer": hash});
    for (kba, holds) in [
        (json!(null), false),
        (json!([]), false),
        (json!([answer("1")]), false),
        (json!([answer("1"), answer("1")]), false),
        (json!([answer("1"), answer("no longer asked")]), false),
        (json!([answer("1"), {"questionId": "2", "answer": "in clear"}]), false),
        (json!([answer("1"), answer("2")]), true),
        (json!([answer("1"), custom]), true),
        (json!("x"), false),
    ] {
        assert_eq!(Person::new(json!({"kbaInfo": kba})).meets(&condition), holds, "{kba}");
    }
}

#[test]
fn query_filter_has_the_whole_grammar_and_missing_fields_are_false() {
    let condition = read(&json!({"type": "queryFilter", "filter": "/co eq \"US\" and (age ge 18 or !(/age pr))"}));
    for (object, holds) in [
        (json!({"co": "US"}), true),
        (json!({"co": "US", "age": 18}), true),
        (json!({"co": "US", "age": 17}), false),
        (json!({"co": "DE"}), false),
        (json!({"co": ["US"]}), true),
        (json!({}), false),
        (json!(null), false),
    ] {
        assert_eq!(Person::new(object.clone()).meets(&condition), holds, "{object}");
    }
}

#[test]
fn a_script_is_handed_on_whether_it_stands_flat_or_nested() {
    for condition in [
        json!({"type": "script", "source": "true", "globals": {"a": 1}}),
        json!({"type": "script", "script": {"type": "text/javascript", "source": "true", "globals": {"a": 1}}}),
        json!({"type": "script", "script": {"source": "true", "a": 1}}),
        json!({"type": "script", "script": "true", "a": 1}),
        json!({"type": "text/javascript", "source": "true", "file": "x.js", "a": 2, "globals": {"a": 1}}),
        json!({"type": "script", "source": ["true"], "a": 1}),
    ] {
        let Condition::Script(script) = read(&condition) else { panic!("{condition}") };
        assert_eq!(script.source, ScriptSource::Inline("true".into()));
        assert_eq!(Value::Object(script.globals), json!({"a": 1}), "{condition}");
    }
    let Condition::Script(script) = read(&json!({"type": "script", "file": "script/due.js", "globals": null})) else { panic!() };
    assert_eq!(script.source, ScriptSource::File("script/due.js".into()));
}

#[test]
fn a_script_elsewhere_or_in_groovy_is_refused_with_a_reason() {
    for groovy in [
        json!({"type": "script", "script": {"type": "groovy", "source": "true"}}),
        json!({"type": "script", "file": "due.GROOVY"}),
        json!({"type": "application/x-groovy", "source": "true"}),
    ] {
        let (_, message, help) = refused(&groovy);
        assert!(message.contains("Groovy") && help.contains("JavaScript"), "{message} {help}");
    }
    for file in ["/etc/passwd", "../other.js", "a/../../b.js", "a\\..\\b.js", "C:\\x.js"] {
        assert_eq!(refused(&json!({"type": "script", "script": {"file": file}})).0, "/script/file", "{file}");
    }
    assert_eq!(refused(&json!({"type": "script"})).0, "");
    assert_eq!(refused(&json!({"type": "script", "script": []})).0, "/script");
    assert_eq!(refused(&json!({"type": "script", "source": []})).0, "");
    assert_eq!(refused(&json!({"type": "script", "source": ["true &&", {"a": 1}]})).0, "/source");
    assert_eq!(refused(&json!({"type": "script", "script": {"type": "text/python", "source": "x"}})).0, "/script/type");
    assert_eq!(refused(&json!({"type": "script", "source": "x", "globals": 1})).0, "/globals");
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place_and_the_nearest_spelling() {
    for (condition, pointer, said) in [
        (json!({"type": "logincount"}), "/type", "did you mean 'loginCount'?"),
        (json!({"type": "timeSinceLogin", "days": 1}), "/type", "did you mean 'timesincelogin'?"),
        (json!({"type": "profileCompleteness"}), "/type", "known types: kbaQuestions, terms"),
        (json!({}), "", "known types"),
        (json!({"type": null}), "", "known types"),
        (json!("terms"), "", "object"),
        (json!({"type": "loginCount", "amount": 3}), "", "interval"),
        (json!({"type": "loginCount", "interval": "after", "amount": 3}), "/interval", "'after'"),
        (json!({"type": "loginCount", "interval": "at"}), "", "amount"),
        (json!({"type": "loginCount", "interval": "at", "amount": 0}), "/amount", "from 1"),
        (json!({"type": "loginCount", "interval": "at", "amount": -1}), "/amount", "from 1"),
        (json!({"type": "loginCount", "interval": "at", "amount": "many"}), "/amount", "many"),
        (json!({"type": "timesincelogin"}), "", "length of time"),
        (json!({"type": "timesincelogin", "days": 0}), "", "length of time"),
        (json!({"type": "timesincelogin", "day": 3}), "", "did you mean 'days'?"),
        (json!({"type": "timesincelogin", "days": 1.5}), "/days", "1.5"),
        (json!({"type": "timesincelogin", "years": u64::MAX}), "/years", "whole number"),
        (json!({"type": "queryFilter"}), "", "filter"),
        (json!({"type": "queryFilter", "filter": 3}), "/filter", "string"),
        (json!({"type": "queryFilter", "filter": "co eq"}), "/filter", "position"),
    ] {
        let (at, message, help) = refused(&condition);
        assert_eq!(at, pointer, "{condition}");
        assert!(format!("{message} {help}").contains(said), "{condition}: {message} {help}");
    }
}

#[test]
fn conditions_say_what_must_be_tracked_and_whether_the_moment_must_be_remembered() {
    for (condition, needs, momentary) in [
        (json!({"type": "loginCount", "interval": "at", "amount": 1}), Some(Metadatum::LoginCount), true),
        (json!({"type": "timesincelogin", "days": 1}), Some(Metadatum::LastLogin), true),
        (json!({"type": "terms"}), Some(Metadatum::TermsAccepted), false),
        (json!({"type": "kbaQuestions"}), None, false),
        (json!({"type": "queryFilter", "filter": "true"}), Some(Metadatum::StagesCompleted), false),
        (json!({"type": "script", "source": "true"}), Some(Metadatum::StagesCompleted), false),
    ] {
        let read = read(&condition);
        assert_eq!((read.needs(), read.is_momentary()), (needs, momentary), "{condition}");
        assert_eq!(read.type_name(), condition["type"]);
    }
}

proptest! {
    #[test]
    fn a_longer_span_never_passes_earlier(start in 0_i64..4_000_000_000, months in 0_u64..2000, minutes in 0_u64..5_000_000, more in 1_u64..50) {
        let start = OffsetDateTime::from_unix_timestamp(start).unwrap();
        let span = super::Span::default().plus(months, "months").unwrap().plus(minutes, "minutes").unwrap();
        let due = span.after(start).unwrap();
        prop_assert!(due >= start);
        for unit in super::Span::UNITS {
            prop_assert!(span.plus(more, unit).unwrap().after(start).unwrap() >= due, "{}", unit);
        }
    }
}
