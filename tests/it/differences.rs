//! Every row of `docs/differences.md` has a test that shows it, by name; those that no other chapter of the suite shows are here.

use serde_json::{Value, json};

use crate::support::mailbox::repository;
use crate::support::newcomer::Newcomer;
use crate::support::people::{PASSWORD, unused};
use crate::support::server::run;
use crate::support::{Person, Project, Server};

/// The matter of each row, and the test: its module and its name.
const SHOWN: &[(&str, &str)] = &[
    (
        "An account that does not exist, is ambiguous or inactive",
        "security::accounts::sec_01_known_unknown_inactive_ambiguous_and_odd_identifiers_look_alike",
    ),
    ("Mistakes of a client that were 500 `Exception intercepted`", "registration::hostile::every_field_of_every_stage_survives_every_type"),
    ("Texts in errors", "differences::texts_in_errors_are_plain"),
    (
        "Tokens that are malformed, altered, of another process or already used",
        "security::proofs::sec_39_no_changed_token_and_no_algorithm_from_a_token_is_accepted",
    ),
    ("A token after the process has ended", "security::proofs::sec_07_sec_38_every_older_token_of_a_finished_instance_is_dead"),
    ("A changed process file", "profile::a_definition_that_changes_lets_people_finish_what_they_began"),
    ("Wrong codes and answers", "security::proofs::sec_47_guesses_are_counted_before_they_are_compared_and_all_of_them"),
    (
        "Which questions are asked",
        "security::questions::sec_01_a_question_of_ones_own_is_shown_before_a_proof_only_where_there_is_no_other",
    ),
    (
        "A `queryFilter` whose values are not all one account's, where questions are asked",
        "security::questions::sec_01_another_case_or_a_made_up_addition_names_a_decoy",
    ),
    (
        "A mailed code whose token lives longer than a day",
        "security::lifetimes::sec_08_a_mailed_code_dies_after_a_day_and_its_token_does_not",
    ),
    ("A newly mailed code", "security::proofs::sec_09_a_new_code_ends_the_earlier_one"),
    ("A reset that was requested before the password changed", "engine::resets::a_changed_password_ends_older_resets"),
    (
        "`userQuery > resetStage` without any proof",
        "engine::check::a_credential_is_never_changed_without_proof_unless_the_operator_says_so",
    ),
    ("Passwords and answers at rest", "security::secrets::sec_06_sec_43_no_secret_is_stored_or_logged_in_clear"),
    ("An encrypted property", "values_at_rest::an_encrypted_value_is_neither_searched_nor_sorted_nor_shown_to_others"),
    (
        r#"`encryption`, `secureHash` or `"scope": "private"` of a value inside an object or a list"#,
        "values_at_rest::what_is_secret_inside_a_value_is_as_secret_as_a_property",
    ),
    (
        "A policy or a script that cannot be run",
        "event_scripts::a_script_that_cannot_be_run_is_an_error_and_refuses_its_writes_until_it_is_waived",
    ),
    (
        "`valid-username`",
        "policies::names::sec_48_a_taken_name_is_no_valid_user_name_for_a_newcomer_an_administrator_or_the_policy_service",
    ),
    ("A limit of time, or a condition, of an internal role itself", "grants::a_role_with_a_limit_of_its_own_is_had_by_nobody"),
    ("A `condition` of a managed role", "grants::a_role_with_a_condition_is_had_while_the_person_meets_it"),
    ("A grant of a managed role that is not there", "grants::effective_roles_are_those_whose_grant_and_role_last"),
    (
        "Properties with a `queryConfig` beside `effectiveRoles` and `effectiveAssignments`",
        "grants::effective_roles_are_those_whose_grant_and_role_last",
    ),
    (
        "A policy of one's own whose file cannot be run",
        "policies::own::a_value_that_is_not_there_is_refused_where_a_file_that_may_ask_for_it_cannot_be_run",
    ),
    ("A notification of a reference that is written from the other side", "relationships::a_manager_is_told_of_a_new_report"),
    (
        "A function of Lodash that is not among the known ones, another library of the product",
        "differences::what_a_library_has_not_got_refuses_the_write_and_check_says_where",
    ),
    ("What a `post…` script writes", "event_scripts::a_post_script_counts_mails_and_fails_without_undoing_anything"),
    ("`kbaInfo`", "managed::what_is_hashed_or_private_never_leaves"),
    (
        "`userName`, `mail` of one's own beside roles, status or `$crypto` values",
        "sessions::people_read_and_change_what_is_theirs_and_nothing_else",
    ),
    ("Mail", "mail::a_deferred_mail_is_tried_again_and_arrives_and_outlives_a_crash"),
    ("Links in mails", "security::secrets::sec_12_no_request_header_reaches_a_link"),
    ("After a reset", "security::accounts::sec_14_the_owner_is_told_nobody_is_signed_in_and_other_sessions_end"),
    (
        "After a reset by mail, where somebody had only given the address",
        "social::squatters::sec_14_a_reset_by_the_owner_of_an_address_ends_the_links_of_whoever_only_gave_it",
    ),
    ("Sessions", "sessions::logging_out_is_2xx_with_and_without_a_session_and_ends_it_for_good"),
    ("The session's cookie", "differences::the_session_s_cookie_is_hidden_from_scripts_whatever_the_file_says"),
    (
        "`X-OpenIDM-RunAs` without `runAsProperties`, or for somebody who cannot be acted for",
        "acting::whoever_may_not_act_for_somebody_is_refused_and_never_answered_as_themselves",
    ),
    (
        r#"`MANAGED_USER` with `"enabled": false`, and no other way to sign in"#,
        "acting::nobody_signs_in_with_a_local_password_where_managed_user_is_switched_off",
    ),
    ("A `queryId` of the project's own, of a module or of `runAsProperties`", "acting::nobody_is_found_by_a_query_that_is_not_run"),
    ("A script `augmentSecurityContext` of the project's own", "acting::a_script_has_its_say_in_every_sign_in"),
    (
        "A filter of `router.json` that is the project's own and has `onResponse`, `onFailure`, or a script that cannot be run",
        "policies::asker::a_filter_that_is_not_run_refuses_what_it_guards_at_every_door_until_it_is_waived",
    ),
    (
        "A filter of `router.json` on requests that changes one which is no write of an object and no question to policies",
        "policies::asker::filters_see_patches_policies_and_reads_and_one_that_changes_what_cannot_be_changed_refuses",
    ),
    (
        "Registration: what is not the person's to set, at any stage",
        "registration::assignment::no_stage_of_details_takes_what_is_not_the_persons_to_set",
    ),
    (
        "A taken mail address, where `mail` is unique and confirmed",
        "registration::disclosure::a_taken_address_is_told_to_its_owner_and_not_to_the_caller",
    ),
    ("A name or address in another spelling", "names::people_sign_in_by_any_spelling_of_their_name_and_an_exact_match_wins"),
    (
        "A second spelling of a unique name, by an administrator",
        "names::administrators_make_one_spelling_of_a_name_unless_the_project_says_otherwise",
    ),
    ("A name that several people have", "names::a_registration_without_mail_does_not_disarm_the_owner_of_an_address"),
    ("`_sortKeys` with more than 64 keys", "differences::more_than_64_sort_keys_are_a_clients_mistake"),
    (
        "A user name in another case or width than an existing lower-case one, a reserved or imitating one",
        "registration::hostile::sec_48_names_that_imitate_are_refused",
    ),
    ("A form of `allInOneRegistration` with several wrong parts", "engine::joined::several_wrong_parts_are_all_named_policies_first"),
    (
        "A profile process that somebody may not use by the access rules, or nobody could complete",
        "profile::gates::listed_processes_that_stand_behind_a_resource_or_a_rule_lock_nobody_out",
    ),
    (
        "`resetStage` or a protected attribute in a process of the signed-in person",
        "profile::gates::a_process_of_the_signed_in_person_changes_a_password_with_the_present_one",
    ),
    (
        "A person deleted, or an account closed, between proof and end",
        "profile::gates::a_person_deleted_or_disabled_between_proof_and_end_is_an_error_and_no_success",
    ),
    ("`credentialJwt`", "engine::creation::decision_15_what_signs_in_lives_a_minute_counts_once_and_names_the_person"),
    ("Whether values satisfy the policies", "security::attacks::sec_47_asking_whether_a_name_is_free_is_limited_like_a_submission"),
    (
        "CORS: any origin, and `allowCredentials` left out",
        "cross_origin::without_the_file_nobody_is_let_in_and_a_change_of_it_counts_at_once",
    ),
    (
        "Accounts per client and day",
        "registration::trace::registrations_of_one_client_are_limited_by_the_day_and_the_caller_is_told_when_to_come_back",
    ),
    ("PUT of an object", "differences::a_whole_object_keeps_what_its_sender_cannot_know"),
    (
        "A text longer than 64 KiB (an administrator's: 1 MiB), a password of more than 1024 characters",
        "rest_details::a_value_that_is_too_long_names_its_property_by_a_policy_clients_know",
    ),
    (
        "An object that a person or a process makes larger than 2 MiB",
        "malformed::sec_52_no_object_grows_without_end_by_what_its_owner_appends",
    ),
    ("A new mail address of a person", "mail_change::sec_21_the_new_address_counts_when_it_is_confirmed_with_the_password"),
    ("A person who is signed in", "differences::somebody_who_is_signed_in_registers_somebody"),
    ("An object that finds a reference which another keeps", "differences::an_object_that_finds_a_reference_keeps_its_revision"),
    (
        "`configuration.lang` of `info/uiconfig`",
        "rest_details::the_pages_are_told_the_language_of_the_request_as_the_projects_texts_spell_it",
    ),
    (
        "A withheld secret in `config/*` that is moved, or whose address changes",
        "config::a_withheld_secret_is_not_carried_to_another_place_or_address",
    ),
    (
        "A notification by a script in Groovy that is not the product's own",
        "rest_details::a_notification_is_made_as_the_projects_file_says",
    ),
    ("`openidm.encrypt` in a script", "rest_details::scripts_encrypt_hash_and_send_what_templates_say"),
];

/// The text of a test's file, by its module; `engine` stands for the suite of the engine.
fn source(module: &str) -> String {
    let path = match module.strip_prefix("engine::") {
        Some(file) => format!("crates/stages/tests/engine/{file}.rs"),
        None => format!("tests/it/{}.rs", module.replace("::", "/")),
    };
    std::fs::read_to_string(repository().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_row_is_shown_by_a_test() {
    let page = std::fs::read_to_string(repository().join("docs/differences.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).map(str::trim).collect();
    let rows: Vec<&str> = rows.into_iter().filter(|row| *row != "Matter").collect();
    assert!(rows.len() > 50, "{rows:?}");
    for row in &rows {
        assert!(SHOWN.iter().any(|(matter, _)| matter == row), "no test is named for: {row}");
    }
    for (matter, test) in SHOWN {
        assert!(rows.contains(matter), "there is no row: {matter}");
        let (module, name) = test.rsplit_once("::").unwrap();
        assert!(source(module).contains(&format!("fn {name}(")), "{matter}: there is no test {test}");
    }
}

#[test]
fn texts_in_errors_are_plain() {
    let server = Server::on(Project::new()).start();
    assert!(server.admin().get("managed/user/a%3Cb%26c").refused(404).contains("a<b&c"));
}

#[test]
fn more_than_64_sort_keys_are_a_clients_mistake() {
    let server = Server::on(Project::new()).start();
    let sorted = |keys: usize| server.admin().get(&format!("managed/user?_queryFilter=true&_sortKeys={}", vec!["sn"; keys].join(",")));
    sorted(64).expect(200);
    for many in [65, 3000] {
        sorted(many).refused(400);
    }
}

#[test]
fn the_session_s_cookie_is_hidden_from_scripts_whatever_the_file_says() {
    let session = json!({ "name": "JWT_SESSION", "properties": { "isHttpOnly": false } });
    let managed = json!({ "name": "MANAGED_USER", "enabled": true, "properties": { "queryOnResource": "managed/user",
        "defaultUserRoles": ["internal/role/openidm-authorized"] } });
    let context = json!({ "serverAuthContext": { "sessionModule": session, "authModules": [managed] } });
    let server = Server::on(Project::new().json("conf/authentication.json", &context)).start();
    let person = Person::create(&server, "cookie");
    let client = server.nobody().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", PASSWORD);
    let began = client.post_empty("authentication?_action=login").expect(200);
    assert!(began.header("set-cookie").unwrap().contains("HttpOnly"), "{:?}", began.header("set-cookie"));
}

#[test]
fn a_whole_object_keeps_what_its_sender_cannot_know() {
    let server = Server::on(Project::new()).start();
    let boss = Person::create(&server, "boss");
    let person = Person::with(&server, "whole", &json!({ "manager": { "_ref": format!("managed/user/{}", boss.id) } }));
    let path = format!("managed/user/{}", person.id);
    let mut whole = server.admin().get(&path).ok();
    assert!(whole.get("password").is_none() && whole.get("manager").is_none(), "{whole}");
    whole["_id"] = json!("somebody-else");
    whole["city"] = json!("Ulm");
    let written = server.admin().put(&path, &whole).expect(200).json();
    assert_eq!((&written["_id"], &written["city"]), (&json!(person.id), &json!("Ulm")));
    assert!(server.signs_in(&person.name, PASSWORD), "the password stays");
    let kept = server.admin().get(&format!("{path}?_fields=manager")).ok();
    assert_eq!(kept["manager"]["_ref"], json!(format!("managed/user/{}", boss.id)));
    whole.as_object_mut().unwrap().retain(|name, _| name != "sn");
    server.admin().put(&path, &whole).refused(403);
}

#[test]
fn somebody_who_is_signed_in_registers_somebody() {
    let stages = [
        json!({ "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": "managed/user",
            "registrationProperties": ["userName", "givenName", "sn", "mail"], "registrationPreferences": [] }),
        json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" }),
    ];
    let server = Server::on(Project::new().process("registration", &stages)).start();
    let person = Person::create(&server, "member");
    let client = server.nobody().session(&person.name, PASSWORD).with("X-Requested-With", "x");
    let newcomer = Newcomer::new("guest");
    assert_eq!(newcomer.register(&client, "registration").end["tag"], "end");
    assert_eq!(client.get("info/login").ok()["authorization"]["id"], json!(person.id));
    newcomer.account(&server);
}

#[test]
fn an_object_that_finds_a_reference_keeps_its_revision() {
    let server = Server::on(Project::new()).start();
    let boss = Person::create(&server, "boss");
    let path = format!("managed/user/{}", boss.id);
    let revision = || server.admin().get(&path).ok()["_rev"].clone();
    let before = revision();
    Person::with(&server, "report", &json!({ "manager": { "_ref": path } }));
    let found = server.admin().get(&format!("{path}?_fields=reports")).ok();
    assert_eq!((found["reports"].as_array().map(Vec::len), revision()), (Some(1), before));
}

#[test]
fn what_a_library_has_not_got_refuses_the_write_and_check_says_where() {
    let with = |source: &str| {
        let event = json!({ "type": "text/javascript", "source": source });
        json!({ "objects": [{ "name": "user", "onCreate": event, "schema": { "type": "object",
            "properties": { "userName": { "type": "string" }, "sn": { "type": "string" } } } }] })
    };
    let checked = |managed: &Value| {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Project::new().json("conf/managed.json", managed).write_to(directory.path());
        let ran = run(&["check", "--project", directory.path().to_str().unwrap()], "");
        (ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned())
    };
    let offered = with("var _ = require('lib/lodash');\nobject.sn = _.chain([object.userName]).map(_.capitalize).first().value();");
    let (code, out) = checked(&offered);
    assert_eq!(code, Some(0), "{out}");
    let server = Server::on(Project::new().json("conf/managed.json", &offered)).start();
    let made = server.admin().post("managed/user?_action=create", &json!({ "userName": unused("lodash") })).expect(201).json();
    assert!(made["sn"].as_str().unwrap().starts_with("Lodash"), "{made}");
    for (source, words) in [
        ("var _ = require('lib/lodash');\n_.template('x')(object);", "line 2: 'template' of the library 'lodash' is not offered"),
        ("var handlebars = require('lib/handlebars');", "line 1: the product's library 'lib/handlebars' is not here"),
    ] {
        let (code, out) = checked(&with(source));
        assert!(code == Some(1) && out.contains(words), "{out}");
    }
    let server = Server::on(Project::new().json("conf/managed.json", &with("require('lib/lodash').debounce(object)"))).start();
    server.admin().post("managed/user?_action=create", &json!({ "userName": unused("refused") })).refused(403);
}
