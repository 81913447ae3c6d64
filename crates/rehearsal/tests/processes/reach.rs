//! What `prove` says of processes whose forms ask for what not everything fits: a way behind them is found, or it is said that nothing is proved.

use serde_json::{Value, json};
use vestibule_rehearsal::prove::{Cut, Finding, Goal, Prover, Shape};
use vestibule_rehearsal::{Decision, Outcome, Plan, Rehearsal};

use crate::setting::setting;

fn proved(files: &[(&str, Value)]) -> Finding {
    Prover::new(setting(files)).unwrap().prove("tried").unwrap().unwrap()
}

/// A process called `tried`, without proofs.
fn file(stages: &[Value]) -> (&'static str, Value) {
    ("conf/selfservice-tried.json", json!({ "stageConfigs": stages, "vestibule": { "allowUnproven": true } }))
}

fn settings(text: &str) -> (&'static str, Value) {
    ("vestibule.toml", text.into())
}

/// The default objects, with these properties of people as well.
fn managed(properties: &Value, required: &[&str]) -> (&'static str, Value) {
    let mut managed = identity::Schemas::builtin_declaration();
    let user = managed["objects"].as_array_mut().unwrap().iter_mut().find(|object| object["name"] == "user").unwrap();
    for (name, property) in properties.as_object().unwrap() {
        user["schema"]["properties"][name] = property.clone();
    }
    user["schema"]["required"].as_array_mut().unwrap().extend(required.iter().map(|name| Value::from(*name)));
    ("conf/managed.json", managed)
}

fn query(fields: &[&str]) -> Value {
    json!({ "name": "userQuery", "validQueryFields": fields, "identityIdField": "_id", "identityEmailField": "mail", "identityUsernameField": "userName",
        "identityServiceUrl": "managed/user" })
}

fn mailed(field: &str) -> Value {
    json!({ "name": "emailValidation", "identityEmailField": field, "emailServiceUrl": "external/email", "from": "a@example.com", "mimeType": "text/plain",
        "subjectTranslations": { "en": "s" }, "messageTranslations": { "en": "%link%" }, "verificationLink": "https://a.example/" })
}

fn reset() -> Value {
    json!({ "name": "resetStage", "identityServiceUrl": "managed/user", "identityPasswordField": "password" })
}

fn form(attributes: &[&str]) -> Value {
    let attributes: Vec<Value> = attributes.iter().map(|name| json!({ "name": name, "isRequired": true })).collect();
    json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": attributes })
}

fn reaches(finding: &Finding, goal: Goal) -> bool {
    finding.attacks.iter().any(|attack| attack.goal == goal)
}

const SUM: &str = "(function () { if (request.phase === 'ask') return { requirements: { required: ['answer'], properties: { answer: { type: 'string' } } } }; \
                   if (Number(request.input.answer) !== 16) return { error: 'Supplied answer is wrong' }; return { done: true, gives: ['human'] }; }())";

#[test]
fn what_lies_behind_a_stage_that_nobody_gets_through_is_not_proved() {
    let files = [
        settings("[prove]\nname = [\"mail\"]\n[stages.sum]\nkind = \"script\"\nfile = \"script/sum.js\"\ngives = [\"human\"]\n"),
        ("script/sum.js", SUM.into()),
        file(&[json!({ "name": "sum" }), query(&["mail"]), json!({ "name": "retrieveUsername" })]),
    ];
    let finding = proved(&files);
    let said: Vec<String> = finding.cut_off.iter().map(Cut::to_string).collect();
    assert!(finding.attacks.is_empty(), "{finding:#?}");
    assert_eq!(
        said,
        [
            "nobody gets through stage 0 (sum), whatever they can prove: it answers '400 Supplied answer is wrong', so nothing behind it was tried"
        ]
    );
}

#[test]
fn a_new_password_keeps_to_the_policies_of_the_project() {
    for policies in [
        json!([{ "policyId": "minimum-length", "params": { "minLength": 20 } }, { "policyId": "at-least-X-numbers", "params": { "numNums": 3 } }]),
        json!([{ "policyId": "maximum-length", "params": { "maxLength": 8 } }, { "policyId": "at-least-X-capitals", "params": { "numCaps": "2" } }]),
        json!([{ "policyId": "cannot-contain-duplicates" }, { "policyId": "cannot-contain-characters", "params": { "forbiddenChars": ["-"] } }]),
        json!([{ "policyId": "regexpMatches", "params": { "regexp": "^[a-z]{4}[0-9]{4}$" } }]),
    ] {
        let mut objects = managed(&json!({}), &[]);
        let user = objects.1["objects"].as_array_mut().unwrap().iter_mut().find(|object| object["name"] == "user").unwrap();
        user["schema"]["properties"]["password"]["policies"] = policies.clone();
        let finding = proved(&[objects.clone(), file(&[query(&["mail"]), reset()])]);
        assert!(reaches(&finding, Goal::Credential), "{policies}: {finding:#?}");
        let good = json!({ "stageConfigs": [query(&["mail"]), mailed("mail"), reset()] });
        let prover = Prover::new(setting(&[objects, ("conf/selfservice-tried.json", good)])).unwrap();
        let whole = prover.recovery("tried").unwrap().unwrap().into_iter().find(|recovery| recovery.shape == Shape::Whole).unwrap();
        assert!(whole.needs.is_some() && whole.cut_off.is_empty(), "{policies}: {whole:?}");
    }
}

#[test]
fn attributes_are_given_as_the_schema_asks_for_them() {
    let properties = json!({
        "newsletter": { "type": "boolean", "userEditable": true, "viewable": true },
        "colour": { "type": "string", "enum": ["red", "blue"], "userEditable": true, "viewable": true },
        "age": { "type": "integer", "userEditable": true, "viewable": true, "policies": [{ "policyId": "minimum-number-value", "params": { "minValue": 18 } }] },
    });
    for attribute in ["newsletter", "colour", "age"] {
        let finding = proved(&[settings("[prove]\nprofile = [\"mail\"]\n"), managed(&properties, &[]), file(&[form(&[attribute])])]);
        assert!(reaches(&finding, Goal::Profile), "{attribute}: {finding:#?}");
    }
}

#[test]
fn a_new_person_is_described_as_the_schema_asks() {
    let properties = json!({
        "phone": { "type": "string", "userEditable": true, "viewable": true, "policies": [{ "policyId": "valid-phone-format" }] },
        "country": { "type": "string", "enum": ["no", "se"], "userEditable": true, "viewable": true },
    });
    let details = json!({ "name": "idmUserDetails", "identityEmailField": "mail", "identityServiceUrl": "managed/user", "socialRegistrationEnabled": false,
        "registrationProperties": ["userName", "givenName", "sn", "mail", "phone", "country"] });
    let files = [
        settings("[prove]\naccount = [\"mail\"]\n"),
        managed(&properties, &["phone", "country"]),
        file(&[details, json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" })]),
    ];
    let finding = proved(&files);
    assert!(reaches(&finding, Goal::Account), "{finding:#?}");
}

#[test]
fn an_address_and_a_user_name_are_what_the_project_calls_so() {
    let text = json!({ "type": "string", "userEditable": true, "viewable": true, "searchable": true });
    let properties = json!({ "contact": text, "login": text });
    let mut by_contact = query(&["contact"]);
    by_contact["identityEmailField"] = "contact".into();
    let whole = ("conf/selfservice-reset.json", json!({ "stageConfigs": [by_contact, mailed("contact"), reset()] }));
    let changed = proved(&[whole.clone(), managed(&properties, &[]), file(&[form(&["contact"])])]);
    assert!(reaches(&changed, Goal::Address), "{changed:#?}");
    let mut by_mail = query(&["mail"]);
    by_mail["identityUsernameField"] = "/login".into();
    let told = file(&[by_mail, json!({ "name": "retrieveUsername" })]);
    let told = proved(&[settings("[prove]\nname = [\"mail\"]\n"), managed(&properties, &[]), told]);
    assert!(reaches(&told, Goal::Name), "{told:#?}");
    let prover = Prover::new(setting(&[whole, managed(&properties, &[])])).unwrap();
    let whole = prover.recovery("reset").unwrap().unwrap().into_iter().find(|recovery| recovery.shape == Shape::Whole).unwrap();
    assert_eq!(whole.needs, Some(project::Proofs::MAIL), "{whole:?}");
}

#[test]
fn a_branch_that_nobody_takes_is_tried_alone() {
    let branch = |inside: &Value| {
        json!({ "name": "conditionaluser", "identityServiceUrl": "managed/user", "evaluateConditionOnField": "user",
            "condition": { "type": "queryFilter", "filter": "/city eq \"Nowhere\"" }, "onConditionTrue": inside, "onConditionFalse": null })
    };
    let asked = file(&[branch(&form(&["city"]))]);
    let said = proved(&[settings("[prove]\nprofile = [\"mail\"]\n"), asked.clone()])
        .cut_off
        .iter()
        .map(Cut::to_string)
        .collect::<Vec<_>>()
        .join("; ");
    assert!(said.contains("the branch onConditionTrue of stage 0 (conditionaluser), which nobody took, lets somebody with "), "{said}");
    assert!(said.contains(" have a changed account where its condition is so"), "{said}");
    let harmless = proved(&[asked]);
    assert!(harmless.attacks.is_empty() && harmless.cut_off.is_empty(), "{harmless:#?}");
}

/// Where nobody is asked anything, whoever the condition is so for is asked nothing.
#[test]
fn a_branch_without_a_stage_that_nobody_takes_is_tried_too() {
    let branch = |filter: &str, inside: &Value| {
        json!({ "name": "conditionaluser", "identityServiceUrl": "managed/user", "evaluateConditionOnField": "user",
            "condition": { "type": "queryFilter", "filter": filter }, "onConditionTrue": null, "onConditionFalse": inside })
    };
    let oslo = |inside: &Value| branch("/city eq \"Oslo\"", inside);
    let said = |stages: &[Value]| {
        let found = proved(&[file(stages)]);
        assert!(found.attacks.is_empty(), "{found:#?}");
        found.cut_off.iter().map(Cut::to_string).collect::<Vec<_>>().join("; ")
    };
    let script = json!({ "name": "conditionaluser", "identityServiceUrl": "managed/user", "evaluateConditionOnField": "user",
        "condition": { "type": "script", "source": "object.city === 'Oslo'" }, "onConditionTrue": null, "onConditionFalse": mailed("mail") });
    let why = "the branch onConditionTrue of stage 1 (conditionaluser), which nobody took, lets somebody with nothing have a new credential where its condition is so";
    let whoever = said(&[query(&["mail"]), oslo(&mailed("mail")), reset()]);
    assert!(whoever.contains(why), "{whoever}");
    // There is nobody whom the script could look at, where a decoy is named: it fails, and nothing is asked.
    let scripted = said(&[query(&["mail"]), script, reset()]);
    assert!(scripted.contains(why), "{scripted}");
    let inside = said(&[query(&["mail"]), branch("/city eq \"Bergen\"", &oslo(&mailed("mail"))), reset()]);
    assert!(inside.contains(why), "{inside}");
    // Two that must both be gone around.
    let both = said(&[query(&["mail"]), oslo(&mailed("mail")), branch("/sn eq \"Who\"", &mailed("mail")), reset()]);
    assert!(
        both.contains("stage 1 (conditionaluser) with the branch onConditionTrue of stage 2 (conditionaluser), which nobody took, lets"),
        "{both}"
    );
    // They have proved themselves already, and it may be that nobody gets further.
    assert_eq!(said(&[query(&["mail"]), mailed("mail"), oslo(&mailed("mail")), reset()]), "");
    let proved_later = said(&[
        query(&["mail"]),
        oslo(&json!({ "name": "termsAndConditions", "termsTranslations": { "en": "t" } })),
        mailed("mail"),
        reset(),
    ]);
    assert_eq!(proved_later, "");
}

#[test]
fn questions_of_a_stages_own_are_answered_and_as_many_as_it_asks() {
    let verify = |more: &Value| {
        let mut stage = json!({ "name": "kbaSecurityAnswerVerificationStage", "kbaPropertyName": "kbaInfo", "identityServiceUrl": "managed/user", "kbaConfig": null });
        stage.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        stage
    };
    let own = json!({ "kbaConfig": { "kbaPropertyName": "kbaInfo", "questions": { "7": { "en": "Which river?" }, "b": { "en": "Which tree?" } } } });
    for more in [own, json!({ "numberOfQuestionsUserMustAnswer": "4" })] {
        let files = [("conf/selfservice-tried.json", json!({ "stageConfigs": [query(&["mail"]), verify(&more), reset()] }))];
        let found = proved(&files);
        assert!(found.attacks.is_empty() && found.cut_off.is_empty(), "{more}: {found:#?}");
        let rehearsal = Rehearsal::new(setting(&files));
        assert_eq!(rehearsal.run("tried", &Plan::default(), None).unwrap().outcome, Outcome::Completed, "{more}");
        let answers = json!({ "stageConfigs": [query(&["mail"]), verify(&more), reset()] });
        let raised = proved(&[("conf/selfservice-tried.json", answers), settings("[prove]\ncredential = [\"mail\"]\n")]);
        assert!(reaches(&raised, Goal::Credential), "{more}: {raised:#?}");
    }
}

#[test]
fn a_stage_that_loops_is_named_with_its_script_and_given_up() {
    let files = [
        settings("[stages.endless]\nkind = \"script\"\nfile = \"script/endless.js\"\ntime_limit_ms = 20\n"),
        ("script/endless.js", "while (true) {}".into()),
        file(&[json!({ "name": "endless" }), query(&["mail"]), reset()]),
    ];
    let finding = proved(&files);
    let said: Vec<String> = finding.cut_off.iter().map(Cut::to_string).collect();
    assert!(said.iter().any(|said| said.contains("stage 0 (endless): script/endless.js: the script was stopped after 20 ms")), "{said:?}");
    assert!(said.iter().any(|said| said == "scripts have run out of time 8 times, and no more is tried"), "{said:?}");
    assert!(finding.inputs <= 10, "{finding:?}");
    let transcript = Rehearsal::new(setting(&files)).run("tried", &Plan::default(), None).unwrap();
    assert_eq!(transcript.outcome, Outcome::Broken);
    assert!(transcript.fault.as_deref().is_some_and(|fault| fault.contains("script/endless.js")), "{:?}", transcript.fault);
}

#[test]
fn a_stage_that_throws_at_some_inputs_hides_no_way_behind_it() {
    let word = json!({ "name": "word" });
    // As many as would be too many if they had run out of time, and one more.
    let stages: Vec<Value> = std::iter::repeat_n(word, 9).chain([query(&["mail"]), reset()]).collect();
    let files = [
        settings(
            "[stages.word]\nkind = \"script\"\nfile = \"script/word.js\"\nrequirements = { properties = { word = { type = \"string\" } } }\n",
        ),
        ("script/word.js", "if (request.input.word === undefined) { throw new Error('no word'); } ({ done: true });".into()),
        file(&stages),
    ];
    let finding = proved(&files);
    assert!(reaches(&finding, Goal::Credential), "{finding:#?}");
    let said: Vec<String> = finding.cut_off.iter().map(Cut::to_string).collect();
    assert!(
        said.iter().any(|said| said.starts_with("a stage failed, as nothing here can play what it needs: stage 8 (word): ")),
        "{said:?}"
    );
}

#[test]
fn whatever_is_said_of_a_stage_that_fails_is_its_own_reason() {
    let branch = json!({ "name": "conditionaluser", "identityServiceUrl": "managed/user", "evaluateConditionOnField": "user",
        "condition": { "type": "script", "source": "nothing.at.all" }, "onConditionTrue": form(&["city"]), "onConditionFalse": null });
    let files = [
        settings("[stages.dumb]\nkind = \"script\"\nfile = \"script/dumb.js\"\n"),
        ("script/dumb.js", "({})".into()),
        file(&[branch, json!({ "name": "dumb" })]),
    ];
    let transcript = Rehearsal::new(setting(&files)).run("tried", &Plan::default(), None).unwrap();
    assert_eq!(
        transcript.fault.as_deref(),
        Some("stage 1 (dumb): This step cannot be taken at the moment, try again later"),
        "{transcript:#?}"
    );
}

#[test]
fn what_can_wait_is_explored_further_and_not_without_an_end() {
    let flags: Vec<String> = (0..6).map(|number| format!("flag{number} = {{ type = \"boolean\" }}")).collect();
    let own = format!(
        "[stages.flags]\nkind = \"script\"\nfile = \"script/flags.js\"\nrequirements = {{ properties = {{ {} }} }}\n",
        flags.join(", ")
    );
    let stages = [json!({ "name": "flags" }), json!({ "name": "flags" }), query(&["mail"]), mailed("mail"), reset()];
    let whole = ("conf/selfservice-tried.json", json!({ "stageConfigs": stages }));
    let prover = Prover::new(setting(&[settings(&own), ("script/flags.js", "({ done: true })".into()), whole])).unwrap();
    let at_load = prover.refute("tried").unwrap().unwrap();
    assert!(at_load.inputs <= 900 && at_load.cut_off.contains(&Cut::Submissions), "{at_load:#?}");
    let further = prover.refute_further("tried").unwrap().unwrap();
    assert!(further.inputs > 900 && further.bounds.submissions == 9_000 && further.cut_off.is_empty(), "{further:#?}");
}

#[test]
fn a_branch_is_told_as_the_engine_decided_it_though_it_asks_nothing() {
    let mail = json!({ "name": "emailUsername", "emailServiceUrl": "external/email", "from": "a@example.com", "subjectTranslations": { "en": "s" },
        "messageTranslations": { "en": "%username%" }, "mimeType": "text/plain", "usernameToken": "%username%" });
    let branch = json!({ "name": "conditionaluser", "identityServiceUrl": "managed/user", "evaluateConditionOnField": "user",
        "condition": { "type": "queryFilter", "filter": "/mail pr" }, "onConditionTrue": mail, "onConditionFalse": null });
    let rehearsal = Rehearsal::new(setting(&[file(&[query(&["mail"]), branch])]));
    let transcript = rehearsal.run("tried", &Plan::default(), None).unwrap();
    let decisions: Vec<&Decision> = transcript.exchanges.iter().flat_map(|exchange| &exchange.decisions).collect();
    let taken = decisions.iter().find_map(|decision| if let Decision::Branch { branch, .. } = decision { branch.as_deref() } else { None });
    assert_eq!(taken, Some("onConditionTrue"), "{decisions:?}");
    assert!(decisions.iter().any(|decision| matches!(decision, Decision::Said { what, .. } if what == "person-found")), "{decisions:?}");
    assert!(transcript.reached.stages.contains("/stageConfigs/1/onConditionTrue"), "{:?}", transcript.reached);
}

#[test]
fn what_the_schema_says_is_secret_is_in_no_specification() {
    let properties = json!({ "pin": { "type": "string", "userEditable": true, "viewable": true, "secureHash": { "algorithm": "SHA-256" } },
        "ssn": { "type": "string", "scope": "private", "userEditable": true } });
    let plan = Plan::read("reauthenticated = true\n[person]\npin = \"4711-0815\"\nssn = \"123-45-6789\"\n").unwrap();
    let rehearsal = Rehearsal::new(setting(&[managed(&properties, &[]), file(&[form(&["pin", "city"])])]));
    let transcript = rehearsal.run("tried", &plan, None).unwrap();
    let written = vestibule_rehearsal::recorded(&transcript);
    assert!(!written.contains("4711-0815") && !written.contains("123-45-6789"), "{written}");
    assert!(written.contains("[[step]]"), "{written}");
}

#[test]
fn an_account_at_a_provider_is_played_and_is_in_no_transcript() {
    let provider = json!({ "provider": "acme", "enabled": true, "clientId": "c", "clientSecret": "s", "scope": ["openid"], "type": "OPENID_CONNECT",
        "wellKnownEndpoint": "https://acme.example/.well-known/openid-configuration", "redirectUri": "http://localhost/back",
        "authorizationEndpoint": "https://acme.example/authorize", "authenticationIdKey": "sub" });
    let claim = json!({ "name": "socialUserClaim", "identityServiceUrl": "managed/user", "claimQueryFilter": "/mail eq \"{{mail}}\"" });
    let files = [("conf/identityProvider-acme.json", provider), file(&[claim, json!({ "name": "localAutoLogin", "successUrl": "" })])];
    let rehearsal = Rehearsal::new(setting(&files));
    let transcript = rehearsal.run("tried", &Plan { account: Some(true), ..Plan::default() }, None).unwrap();
    assert_eq!(transcript.outcome, Outcome::Completed, "{}", transcript.text());
    assert!(transcript.text().contains("{clientToken acme}") && !transcript.text().contains("eyJ"), "{}", transcript.text());
    let plan = Plan::read(&vestibule_rehearsal::recorded(&transcript)).unwrap();
    let again = rehearsal.test("tried", &plan).unwrap();
    assert!(again.failures.is_empty(), "{:?}", again.failures);
    let stranger = Plan::read("account = true\n[[elsewhere]]\nprovider = \"acme\"\nprofile = { email = \"other@example.com\" }\n").unwrap();
    let other = rehearsal.run("tried", &stranger, None).unwrap();
    assert!(other.exchanges.len() < transcript.exchanges.len(), "{}", other.text());
    let unknown = Plan::read("[[elsewhere]]\nprovider = \"acmee\"\n").unwrap();
    assert_eq!(rehearsal.run("tried", &unknown, None).unwrap_err().to_string(), "the project has no identity provider 'acmee'");
}
