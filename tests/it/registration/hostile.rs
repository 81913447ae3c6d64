//! Names that imitate, texts that break out, shapes nobody expects: a clear refusal, never a fault of ours.

use serde_json::{Map, Value, json};

use super::server;
use crate::support::Response;
use crate::support::newcomer::{Newcomer, SECRET};

#[track_caller]
fn tries(newcomer: &Newcomer, user: &Value) -> Response {
    let answer = server().anonymous().submit("plain", None, &json!({ "user": user }));
    assert!(answer.status < 500, "{}: {} {}", newcomer.name, answer.status, answer.text());
    answer
}

#[test]
fn sec_48_names_that_imitate_are_refused() {
    let newcomer = Newcomer::new("imitate");
    let owner = Newcomer::new("victim");
    owner.register(&server().anonymous(), "plain");
    let cyrillic = owner.name.replace('i', "\u{456}");
    let full_width = owner.name.replace('v', "\u{ff56}");
    for name in [
        "аdmin",
        "admin",
        "Administrator",
        "openidm-admin",
        "root",
        "support",
        "anonymous",
        &cyrillic,
        &full_width,
        &owner.name.to_uppercase(),
        &format!(" {}", owner.name),
        &format!("{}\u{200b}", owner.name),
        &format!("{}\u{202e}", newcomer.name),
        "a\r\nb",
        "a\nb",
        "a\0b",
        "a\u{1b}[31m",
        "a/b",
        "",
    ] {
        let answer = tries(&newcomer, &newcomer.user_with(&json!({ "userName": name })));
        if answer.status == 400 {
            let message = answer.refused(400);
            assert!(
                name.contains(|c: char| c.is_control() || "\u{200b}\u{202e}".contains(c))
                    && message.contains("'userName' must not contain"),
                "{name:?}: {message}"
            );
            continue;
        }
        assert_eq!(answer.status, 403, "{name:?}: {}", answer.text());
        let failed = answer.json()["detail"]["failedPolicyRequirements"].clone();
        assert!(failed.as_array().unwrap().iter().all(|failed| failed["property"] == "userName"), "{name:?}: {failed}");
    }
    // Letters of one script imitate no other name.
    for name in ["Łukasz", "мария", "李小龍", "o'neil", "anna-lena.groß"] {
        let unused = Newcomer { name: format!("{name}{}", newcomer.name.trim_start_matches("imitate")), ..Newcomer::new("letters") };
        assert_eq!(tries(&newcomer, &unused.user()).status, 200, "{name}");
    }
}

/// SEC-48: whoever has a name keeps it in every spelling, also one that was imported in capitals.
#[test]
fn sec_48_a_name_that_exists_in_other_letters_is_taken() {
    let owner = Newcomer { name: format!("McOwner{}", Newcomer::new("x").name.to_uppercase()), ..Newcomer::new("owner") };
    owner.register(&server().anonymous(), "plain");
    let newcomer = Newcomer::new("second");
    for name in [owner.name.to_lowercase(), owner.name.to_uppercase(), owner.name.replacen('O', "o", 1)] {
        let answer = tries(&newcomer, &newcomer.user_with(&json!({ "userName": name })));
        answer.refused(403);
        let failed = &answer.json()["detail"]["failedPolicyRequirements"][0];
        assert_eq!(failed["policyRequirements"][0]["policyRequirement"], "UNIQUE", "{name}: {failed}");
    }
}

/// SEC-48: a name that is another person's address would stand between that person and their reset.
#[test]
fn sec_48_another_person_s_address_is_no_user_name() {
    let owner = Newcomer::new("addressee");
    owner.register(&server().anonymous(), "plain");
    let newcomer = Newcomer::new("squatter");
    for name in [owner.mail.clone(), owner.mail.to_uppercase()] {
        let answer = tries(&newcomer, &newcomer.user_with(&json!({ "userName": name })));
        answer.refused(403);
        assert_eq!(answer.json()["detail"]["failedPolicyRequirements"][0]["property"], "userName", "{}", answer.text());
    }
    assert_eq!(tries(&newcomer, &newcomer.user_with(&json!({ "userName": newcomer.mail }))).status, 200, "one's own address is a name");
}

#[test]
fn addresses_that_are_none_are_refused() {
    let newcomer = Newcomer::new("address");
    for mail in [
        "x",
        "x@",
        "@x.test",
        "a@b.test\r\nBcc: c@d.test",
        "a@b.test, c@d.test",
        "<a@b.test>",
        "a b@c.test",
        "a@b.test\0",
        &format!("{}@x.test", "a".repeat(70_000)),
    ] {
        let answer = tries(&newcomer, &newcomer.user_with(&json!({ "mail": mail })));
        assert!([400, 403].contains(&answer.status), "{mail:?}: {} {}", answer.status, answer.text());
    }
    assert!(newcomer.accounts(server()).is_empty());
}

#[test]
fn control_characters_are_refused_in_every_text_and_line_breaks_in_names() {
    let newcomer = Newcomer::new("control");
    let mark = server().log_mark();
    for (name, text) in [
        ("givenName", "A\r\nBcc: x@example.test"),
        ("sn", "B\u{0}C"),
        ("sn", "one\ntwo"),
        ("description", "one\u{7}two"),
        ("city", "\u{1b}[31mred"),
        ("postalAddress", "a\u{85}b"),
    ] {
        let answer = tries(&newcomer, &newcomer.user_with(&json!({ name: text })));
        assert_eq!(answer.refused(400), format!("The property '{name}' must not contain control characters"));
    }
    let log = server().log();
    assert!(!log.lines().skip(mark).any(|line| line.starts_with("Bcc:")), "{log}");
}

#[test]
fn large_values_are_refused_before_they_cost_anything() {
    let newcomer = Newcomer::new("large");
    for (name, size) in [
        ("userName", 1 << 20),
        ("givenName", 1 << 20),
        ("description", 1 << 20),
        ("password", 1 << 20),
        ("mail", 900_000),
        ("description", 900_000),
        ("userName", 900_000),
        ("password", 900_000),
        ("password", 5_000),
    ] {
        let answer = tries(&newcomer, &newcomer.user_with(&json!({ name: "a1B".repeat(size / 3) })));
        assert!([400, 403, 413].contains(&answer.status), "{name} {size}: {} {}", answer.status, answer.text());
        assert!(answer.body.len() < 20_000, "{name}: the answer has {} bytes", answer.body.len());
    }
    let preferences: Map<String, Value> = (0..10_000).map(|number| (format!("p{number}"), json!(true))).collect();
    let answer = tries(&newcomer, &newcomer.user_with(&json!({ "preferences": preferences })));
    assert!([400, 403].contains(&answer.status), "{} {}", answer.status, answer.text());
    assert!(newcomer.accounts(server()).is_empty());
}

#[test]
fn deep_objects_are_refused() {
    let newcomer = Newcomer::new("deep");
    for depth in [50, 500, 20_000] {
        let deep = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        let user = newcomer.user().to_string();
        for field in ["preferences", "description", "kbaInfo"] {
            let body = format!("{{\"input\":{{\"user\":{},\"{field}\":{deep}}}}}}}", user.trim_end_matches('}'));
            let request = server()
                .anonymous()
                .request("POST", "selfservice/plain?_action=submitRequirements")
                .header("Content-Type", "application/json")
                .body(body);
            let answer = server().anonymous().send(&request);
            assert!([400, 403].contains(&answer.status), "{field} {depth}: {} {}", answer.status, answer.text());
        }
    }
}

#[test]
fn every_field_of_every_stage_survives_every_type() {
    let client = server().anonymous();
    let newcomer = Newcomer::new("types");
    let odd = [
        json!(null),
        json!(true),
        json!(7),
        json!(-1.5e300),
        json!([]),
        json!(["x"]),
        json!([[["x"]]]),
        json!({}),
        json!({ "a": { "b": [1] } }),
        json!(""),
        json!("\u{0}"),
    ];
    let (form, token) = newcomer.until(&client, "everything", "allInOneRegistration");
    let whole = newcomer.form(&form);
    for value in &odd {
        for part in ["user", "accept", "kba", "consentGiven", "response"] {
            let mut input = whole.clone();
            input[part] = value.clone();
            let answer = client.submit("everything", token.as_deref(), &input);
            assert!(answer.status < 500, "{part} {value}: {} {}", answer.status, answer.text());
        }
        for property in ["userName", "givenName", "sn", "mail", "password", "preferences", "description", "telephoneNumber"] {
            for process in ["plain", "old", "social"] {
                let person = Newcomer::new("typed");
                let answer = client.submit(process, None, &json!({ "user": person.user_with(&json!({ property: value })) }));
                assert!(answer.status < 500, "{process} {property} {value}: {} {}", answer.status, answer.text());
            }
        }
        for input in [json!({ "returnParams": value }), json!({ "input": value })] {
            assert!(client.submit("registration", None, &input).status < 500, "{input}");
        }
    }
    let (_, token) = newcomer.until(&client, "registration", "emailValidation");
    for value in &odd {
        client.submit("registration", token.as_deref(), &json!({ "code": value })).refused(400);
    }
    assert!(!server().log().contains(SECRET));
}
