//! Every process of every project of the tests: walked through, drawn and explored.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use process::{MapStep, Process, ProcessMap, StepOutcome};
use serde_json::{Value, json};
use stages::Services;
use vestibule_rehearsal::prove::{Cut, Finding, Prover};
use vestibule_rehearsal::{Became, Decision, Outcome, Plan, Rehearsal, Transcript, in_parallel};

use crate::setting::{setting, setting_at};

fn directories() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/projects");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.join("conf").is_dir()).collect();
    found.sort();
    assert!(found.len() > 50, "{found:?}");
    found
}

/// Whether a step asks under a tag, in one of its branches where it has some.
fn asks(step: &MapStep, tag: &str) -> bool {
    let mut inside = step.branches.iter().flat_map(|branch| &branch.steps);
    step.branches.is_empty() && step.tags.contains(&tag) || inside.any(|inside| asks(inside, tag))
}

/// Every step of a walk is an arrow of the map, every question one that its step asks, and it ends where the map does.
fn keeps_to(map: &ProcessMap, transcript: &Transcript) {
    let names = |became: Became| match became {
        Became::Entered => StepOutcome::Entered,
        Became::Through => StepOutcome::Completed,
        Became::Refused => StepOutcome::Failed,
    };
    for exchange in &transcript.exchanges {
        let mut before: Option<(usize, StepOutcome)> = None;
        for touched in &exchange.stages {
            let (index, outcome) = (touched.place, names(touched.outcome));
            assert_eq!(map.steps.get(index).map(|step| step.stage.as_str()), Some(touched.stage.as_str()), "{}", map.process);
            if let Some((last, how)) = before {
                assert!(index == last || how == StepOutcome::Completed && map.leads(last, Some(index)), "{}: {touched:?}", map.process);
            }
            before = Some((index, outcome));
        }
        for decision in &exchange.decisions {
            if let Decision::Branch { place, branch: Some(branch), .. } = decision {
                let found = map.find(&map.steps[*place].pointer).unwrap();
                assert!(names_branch(found, branch), "{}: {branch} is no way of {found:?}", map.process);
            }
        }
        if exchange.body["tag"] == "end" {
            let last = before.filter(|(_, how)| *how == StepOutcome::Completed).map(|(last, _)| last);
            assert!(last.is_some_and(|last| map.leads(last, None)), "{}: it ends behind {before:?}", map.process);
        }
        if let Some(stage) = exchange.carries.as_ref().and_then(|carries| carries["stage"].as_u64()) {
            let step = &map.steps[usize::try_from(stage).unwrap()];
            let tag = exchange.body["tag"].as_str().unwrap();
            assert!(asks(step, tag), "{}: {tag} is none of {step:?}", map.process);
        }
    }
}

fn names_branch(step: &MapStep, name: &str) -> bool {
    step.branches.iter().any(|branch| branch.name == name || branch.steps.iter().any(|inner| names_branch(inner, name)))
}

#[test]
fn every_step_of_a_walk_is_on_the_map() {
    let (mut walks, mut completed) = (0, 0);
    for root in directories() {
        let setting = setting_at(&root);
        let rehearsal = Rehearsal::new(setting);
        for map in rehearsal.maps() {
            let transcript = rehearsal.run(&map.process, &Plan::default(), None).unwrap();
            keeps_to(&map, &transcript);
            walks += 1;
            completed += usize::from(transcript.outcome == vestibule_rehearsal::Outcome::Completed);
        }
    }
    assert!(walks > 50 && completed * 2 > walks, "{completed} of {walks} were completed");
}

#[test]
fn every_step_of_a_specification_is_on_the_map() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let rehearsal = Rehearsal::new(setting_at(&root));
    let maps = rehearsal.maps();
    let (mut refused, mut ended) = (0, 0);
    for entry in std::fs::read_dir(root.join("tests/specifications")).unwrap() {
        let path = entry.unwrap().path();
        let plan = Plan::read(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let process = plan.process.clone().unwrap();
        let transcript = rehearsal.run(&process, &plan, None).unwrap();
        keeps_to(maps.iter().find(|map| map.process == process).unwrap(), &transcript);
        refused += transcript.exchanges.iter().filter(|exchange| exchange.status >= 400).count();
        ended += usize::from(transcript.outcome == Outcome::Completed);
    }
    assert!(refused > 3 && ended > 8, "{refused} {ended}");
}

#[test]
fn a_step_of_a_specification_that_is_never_submitted_is_a_failure() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let rehearsal = Rehearsal::new(setting_at(&root));
    // No answer gave a ninth token: neither this step nor the one behind it is ever submitted.
    let text = "process = \"reset\"\n[[step]]\n[[step]]\ntoken = 9\n[[step]]\ninput = { code = \"{code}\" }\n[expect]\ncompleted = false\n";
    let tested = rehearsal.test("reset", &Plan::read(text).unwrap()).unwrap();
    assert_eq!(tested.failures, ["step 2: it never came to this", "step 3: it never came to this"]);
}

#[test]
fn no_process_of_a_project_that_is_served_has_a_way_that_the_policy_forbids() {
    // Many projects have the same processes: each list of stages is explored once.
    let mut explored: BTreeSet<Vec<String>> = BTreeSet::new();
    let mut wanted = Vec::new();
    for root in directories() {
        let setting = setting_at(&root);
        let served = setting.processes.iter().filter(|process| !process.options.allow_unproven && process.stages.len() <= 6);
        let stages = |process: &Process<Services>| process.stages.iter().map(|placed| placed.stage.name().to_owned()).collect::<Vec<_>>();
        let names: Vec<String> = served.filter(|process| explored.insert(stages(process))).map(|process| process.name.clone()).collect();
        if !names.is_empty() {
            wanted.push((root, setting, names));
        }
    }
    let proved = in_parallel(&wanted, |(root, setting, names)| {
        let prover = Prover::new(setting.clone()).unwrap();
        for name in names {
            let finding = prover.prove(name).unwrap().unwrap();
            let ways: Vec<_> = finding.attacks.iter().map(|attack| (attack.goal, attack.shape, &attack.has, &attack.steps)).collect();
            assert!(ways.is_empty(), "{} {name}: {ways:#?}", root.display());
        }
        names.len()
    });
    assert_eq!(proved.iter().sum::<usize>(), explored.len());
    assert!(explored.len() > 15, "{explored:?}");
}

/// The figures of ADR 51: 900 submissions are enough for all processes but one.
#[test]
fn what_a_start_can_afford_is_enough_for_all_processes_but_one() {
    let (tried, cut_off) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let next = Mutex::new(directories());
    let refute = || {
        while let Some(root) = { next.lock().unwrap().pop() } {
            let prover = Prover::new(setting_at(&root)).unwrap();
            for name in prover.processes() {
                let Some(finding) = prover.refute(name).unwrap() else { continue };
                tried.fetch_add(1, Ordering::Relaxed);
                let project = root.file_name().unwrap().to_string_lossy();
                let which = |why: &Cut| (format!("{project} {name}"), matches!(why, Cut::NotReached(_)), why.to_string());
                cut_off.lock().unwrap().extend(finding.cut_off.iter().map(which));
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(refute);
        refute();
    });
    let mut cut_off = cut_off.into_inner().unwrap();
    cut_off.sort();
    let (not_reached, larger): (Vec<_>, Vec<_>) = cut_off.into_iter().partition(|(_, not_reached, _)| *not_reached);
    let said: Vec<String> = larger.into_iter().map(|(process, _, why)| format!("{process}: {why}")).collect();
    assert_eq!(said, ["odd-08-text-flags reset: there is more to submit"]);
    // Nobody here has a password beside an account at a provider: it is said.
    let said: Vec<&str> = not_reached.iter().map(|(process, ..)| process.as_str()).collect();
    assert_eq!(said, ["social-01 socialUserClaim", "social-02 socialUserClaim", "social-03 socialUserClaim"], "{not_reached:#?}");
    let tried = tried.into_inner();
    assert!(tried >= 139, "{tried}");
}

#[test]
fn an_exploration_that_is_cut_off_says_so() {
    let stages = json!([{ "name": "parameters", "parameterNames": ["a"] }, { "name": "userQuery", "validQueryFields": ["userName", "mail"],
        "identityIdField": "_id", "identityEmailField": "mail", "identityUsernameField": "userName", "identityServiceUrl": "managed/user" },
        { "name": "emailUsername", "emailServiceUrl": "external/email", "from": "a@example.com", "subjectTranslations": { "en": "s" },
          "messageTranslations": { "en": "%username%" }, "mimeType": "text/html", "usernameToken": "%username%" }]);
    let setting = setting(&[("conf/selfservice-lookup.json", json!({ "stageConfigs": stages }))]);
    let mut prover = Prover::new(setting).unwrap();
    let whole = prover.prove("lookup").unwrap().unwrap();
    assert!(whole.cut_off.is_empty() && whole.attacks.is_empty() && whole.states > 3, "{whole:?}");
    prover.bounds.states = 1;
    assert!(!prover.prove("lookup").unwrap().unwrap().cut_off.is_empty());
    assert!(prover.prove("elsewhere").unwrap().is_none());
}

/// A registration whose form an identity provider may fill in, and what an exploration of it says.
fn registered_by(form: &str, provider: &Value, more: &[Value]) -> Finding {
    let form = json!({ "name": form, "socialRegistrationEnabled": true, "identityEmailField": "mail", "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"] });
    let create = json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" });
    let stages: Vec<&Value> = std::iter::once(&form).chain(more).chain([&create]).collect();
    let mut file = json!({ "provider": "acme", "enabled": true, "clientId": "c", "clientSecret": "s", "scope": ["openid"], "type": "OPENID_CONNECT",
        "wellKnownEndpoint": "https://acme.example/.well-known/openid-configuration", "redirectUri": "http://localhost/back",
        "authorizationEndpoint": "https://acme.example/authorize", "authenticationIdKey": "sub" });
    file.as_object_mut().unwrap().extend(provider.as_object().unwrap().clone());
    let files = [("conf/selfservice-registration.json", json!({ "stageConfigs": stages })), ("conf/identityProvider-acme.json", file)];
    let prover = Prover::new(setting(&files)).unwrap();
    let finding = prover.prove("registration").unwrap().unwrap();
    assert!(finding.served && finding.attacks.is_empty() && finding.states > 2, "{finding:#?}");
    finding
}

#[test]
fn what_no_provider_can_be_played_for_is_said() {
    let script = |source: &str| json!({ "normalizationScript": { "type": "text/javascript", "source": source } });
    let cut = |form: &str, provider: &Value| registered_by(form, provider, &[]).cut_off.contains(&Cut::Provider);
    assert!(cut("socialUserDetails", &json!({})), "a code of the provider");
    assert!(!cut("socialUserDetails", &json!({ "enabled": false })), "there is nobody to ask");
    assert!(!cut("idmUserDetails", &json!({})));
    assert!(!cut("idmUserDetails", &script("({ email: rawProfile.email, username: rawProfile.sub })")));
    assert!(cut("idmUserDetails", &script("({ email: rawProfile.emails[0].value })")), "a profile that is another one");
    assert!(!cut("userDetails", &script("({ email: rawProfile.emails[0].value })")), "the process takes no provider");
}

#[test]
fn a_provider_that_confirms_addresses_confirms_the_attackers_own_and_no_other() {
    let mail = json!({ "name": "emailValidation", "identityEmailField": "mail", "emailServiceUrl": "external/email", "from": "a@example.com",
        "mimeType": "text/plain", "subjectTranslations": { "en": "s" }, "messageTranslations": { "en": "%link%" }, "verificationLink": "https://a.example/" });
    let explored = |provider: &Value| registered_by("idmUserDetails", provider, std::slice::from_ref(&mail));
    let (confirmed, mailed) = (explored(&json!({ "vestibule": { "confirmsMail": true } })), explored(&json!({})));
    // An account is there without a mail, which is a way of its own; and none of them is an account with somebody else's address.
    assert!(confirmed.states > mailed.states, "{confirmed:?} {mailed:?}");
}
