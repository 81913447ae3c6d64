//! Every key of `vestibule.toml` changes what the server does, and a test shows it: the test of each key, held against the keys that are read.

use std::collections::BTreeSet;
use std::path::Path;

/// A key, and the test that fails when it changes nothing: a file below `tests/it`, and a function there.
const TESTS: &[(&str, &str)] = &[
    ("server.listen", "service.rs two_answers_to_where_to_listen_are_refused"),
    ("server.public_url", "diagnostics.rs links_made_of_the_installations_names_lead_to_the_public_address"),
    ("tls.certificate", "serving/tls.rs with_a_certificate_tls_is_spoken_and_nothing_else"),
    ("tls.key", "serving/tls.rs with_a_certificate_tls_is_spoken_and_nothing_else"),
    ("tls.hsts_seconds", "serving/tls.rs cookies_are_secure_and_addresses_are_https_where_the_connection_is"),
    ("tls.acme.directory", "serving/acme.rs a_certificate_is_ordered_served_kept_and_renewed"),
    ("tls.acme.domains", "serving/acme.rs a_certificate_is_ordered_served_kept_and_renewed"),
    ("tls.acme.contact", "serving/acme.rs a_certificate_is_ordered_served_kept_and_renewed"),
    ("tls.acme.terms_agreed", "serving/acme.rs settings_that_cannot_be_used_refuse_the_start_and_check_says_where"),
    ("tls.acme.ca", "serving/acme.rs a_certificate_is_ordered_served_kept_and_renewed"),
    ("store.url", "postgres.rs a_whole_registration_reset_and_sign_in_run_on_postgresql"),
    ("limits.enabled", "serving/proxied.rs sec_52_the_clients_of_a_proxy_have_their_shares"),
    ("limits.submissions_per_client_minute", "security/attacks.rs sec_47_no_header_of_a_client_evades_a_limit_where_no_proxy_is_trusted"),
    ("limits.signins_per_client_minute", "hostile/clock.rs a_clock_that_is_set_back_keeps_nobody_waiting_and_gives_nobody_more"),
    (
        "limits.signin_failures_per_account_hour",
        "security/attacks.rs sec_04_failures_elsewhere_cannot_keep_the_owner_out_where_they_usually_sign_in",
    ),
    ("limits.signin_failures_per_client_hour", "security/attacks.rs sec_47_wrong_passwords_of_one_network_are_limited_whatever_the_names"),
    ("limits.mails_per_recipient_hour", "mail/budgets.rs sec_04_a_mailbox_is_one_recipient_in_every_spelling"),
    ("limits.mails_per_recipient_day", "mail/budgets.rs every_budget_withholds_silently_what_is_over_it"),
    ("limits.mails_per_domain_hour", "mail/budgets.rs every_budget_withholds_silently_what_is_over_it"),
    ("limits.mails_per_client_hour", "mail/budgets.rs every_budget_withholds_silently_what_is_over_it"),
    ("limits.mails_per_process_hour", "mail/budgets.rs every_budget_withholds_silently_what_is_over_it"),
    ("limits.mails_per_hour", "mail/budgets.rs every_budget_withholds_silently_what_is_over_it"),
    (
        "limits.registrations_per_client_day",
        "registration/trace.rs registrations_of_one_client_are_limited_by_the_day_and_the_caller_is_told_when_to_come_back",
    ),
    ("limits.max_body_bytes", "security/boundary.rs sec_52_sizes_and_queues_are_bounded"),
    ("limits.hash_queue", "security/boundary.rs sec_52_a_flood_of_sign_ins_is_answered_and_the_server_stays_up"),
    ("limits.connections", "connections.rs sec_52_one_network_does_not_take_the_server_away_from_others"),
    ("limits.connections_per_network", "connections.rs sec_52_one_network_does_not_take_the_server_away_from_others"),
    ("limits.client_seconds", "connections.rs sec_52_a_body_has_its_time_on_every_path"),
    ("limits.drain_seconds", "serving/draining.rs a_server_that_drains_is_not_ready_and_answers"),
    ("limits.finding_milliseconds", "security/accounts.rs sec_02_an_answer_that_goes_by_an_account_takes_a_least_time"),
    ("limits.search_milliseconds", "queries.rs a_search_that_looks_at_everybody_is_told_to_the_operator_and_has_an_end"),
    ("hashing.memory", "values_at_rest.rs sec_30_hashes_are_made_with_the_operators_parameters_and_renewed_at_the_next_use"),
    ("hashing.passes", "values_at_rest.rs sec_30_hashes_are_made_with_the_operators_parameters_and_renewed_at_the_next_use"),
    ("hashing.lanes", "values_at_rest.rs sec_30_hashes_are_made_with_the_operators_parameters_and_renewed_at_the_next_use"),
    ("hashing.waive", "values_at_rest.rs sec_30_less_than_the_least_costs_stands_only_where_the_operator_waives_it"),
    ("keys.source", "keys.rs imported_keys_are_the_ones_that_tokens_are_made_with"),
    ("keys.file", "command_line.rs keys_are_managed_in_the_file_that_the_project_names"),
    ("keys.keystore", "values_at_rest.rs values_that_idm_encrypted_are_opened_by_the_operators_keystore_and_kept_our_way"),
    ("keys.password", "keys.rs keys_that_cannot_be_used_stop_the_start_and_the_reason_names_the_file"),
    ("keys.alias", "keys.rs keys_that_cannot_be_used_stop_the_start_and_the_reason_names_the_file"),
    ("keys.signing_alias", "keys.rs keys_that_cannot_be_used_stop_the_start_and_the_reason_names_the_file"),
    ("proxies.trusted", "serving/proxied.rs a_trusted_proxy_says_who_its_clients_are_and_nobody_else_does"),
    ("proxies.proxy_protocol", "serving/proxied.rs a_trusted_proxy_without_a_whole_header_is_not_answered"),
    ("pages.builtin", "pages/look.rs our_pages_can_be_switched_off_and_stand_beside_another_clients"),
    ("pages.dir", "static_build.rs a_build_that_is_not_there_is_said_and_an_own_policy_counts"),
    ("pages.content_security_policy", "static_build.rs a_build_that_is_not_there_is_said_and_an_own_policy_counts"),
    ("pages.name", "pages/look.rs a_project_puts_its_name_colours_logo_and_links_on_the_pages"),
    ("pages.logo", "pages/look.rs a_project_puts_its_name_colours_logo_and_links_on_the_pages"),
    ("pages.color", "pages/look.rs a_project_puts_its_name_colours_logo_and_links_on_the_pages"),
    ("pages.color_dark", "pages/look.rs a_project_puts_its_name_colours_logo_and_links_on_the_pages"),
    ("pages.links", "pages/look.rs a_project_puts_its_name_colours_logo_and_links_on_the_pages"),
    ("profile.confirm_mail", "mail_change.rs both_can_be_switched_to_the_old_behaviour"),
    ("profile.notify_changes", "mail_change.rs both_can_be_switched_to_the_old_behaviour"),
    ("profile.notify_new_device", "mail_change.rs both_can_be_switched_to_the_old_behaviour"),
    ("profile.add_lists", "client_contract.rs c_9_a_list_the_edit_form_adds_is_the_list_as_it_is_now"),
    (
        "profile.questions_settle_hours",
        "security/recovery.rs sec_20_questions_set_by_a_session_alone_prove_nothing_by_themselves_for_as_long_as_is_configured",
    ),
    ("mail.password", "mail/encrypted.rs a_password_that_the_file_has_encrypted_is_that_of_the_settings"),
    ("mail.connect_seconds", "mail/hanging.rs a_server_that_hangs_at_any_command_delays_that_mail_until_the_limit_and_no_other"),
    ("mail.greeting_seconds", "mail/hanging.rs a_server_that_hangs_at_any_command_delays_that_mail_until_the_limit_and_no_other"),
    ("mail.command_seconds", "mail/hanging.rs a_server_that_hangs_at_any_command_delays_that_mail_until_the_limit_and_no_other"),
    ("mail.data_seconds", "mail/hanging.rs a_server_that_hangs_at_any_command_delays_that_mail_until_the_limit_and_no_other"),
    ("mail.accepted_seconds", "mail/hanging.rs a_server_that_hangs_at_any_command_delays_that_mail_until_the_limit_and_no_other"),
    ("mail.quit_seconds", "mail/hanging.rs a_server_that_hangs_at_any_command_delays_that_mail_until_the_limit_and_no_other"),
    ("mail.attempt_seconds", "mail/hanging.rs a_mail_has_its_time_whatever_its_commands_have"),
    ("mail.connections", "mail/budgets.rs sec_02_mails_for_nobody_take_no_place_in_the_queue"),
    ("audit.enabled", "backup.rs the_audit_trail_can_be_switched_off"),
    ("audit.required", "backup.rs a_trail_that_is_required_and_cannot_be_written_refuses_changes"),
    ("audit.retain_days", "backup.rs events_older_than_retain_days_are_gone_from_store_and_files"),
    ("metrics.listen", "figures.rs a_listener_of_its_own_serves_figures_to_all_and_nothing_else"),
    ("metrics.token", "figures.rs figures_are_for_who_has_the_right_and_a_connection_from_this_machine_is_none"),
    ("tracing.otlp", "tracing.rs a_reset_is_told_part_by_part_and_nothing_of_whoever_resets"),
    ("tracing.sample", "tracing.rs a_trace_of_a_trusted_proxy_goes_on_and_anybody_elses_does_not"),
    ("tracing.headers", "tracing.rs a_reset_is_told_part_by_part_and_nothing_of_whoever_resets"),
    ("console.networks", "pages/console.rs it_is_for_administrators_from_the_networks_of_the_project"),
    ("names.several_spellings", "names.rs people_sign_in_by_any_spelling_of_their_name_and_an_exact_match_wins"),
    ("signin.managed", "acting.rs nobody_signs_in_with_a_local_password_where_managed_user_is_switched_off"),
    ("tokens.max_instance_hours", "instances.rs an_instance_ends_however_often_its_token_is_renewed"),
    ("prove.credential", "prove.rs an_operator_raises_the_policy_and_sees_the_least_that_is_needed"),
    ("prove.address", "prove.rs what_is_enough_for_another_address_is_the_operators_to_say"),
    ("prove.profile", "prove.rs what_an_open_session_is_enough_for_is_served_and_said_until_the_operator_refuses_it"),
    ("prove.name", "prove.rs what_is_refuted_is_not_served_and_what_was_good_keeps_serving"),
    ("prove.account", "prove.rs weakened_processes_are_refuted_by_scripts_that_work_and_that_the_printed_edit_stops"),
    ("prove.at_load", "prove.rs what_is_refuted_is_not_served_and_what_was_good_keeps_serving"),
    ("stages.*.kind", "custom_stages.rs an_http_service_is_a_stage_and_its_failure_is_503"),
    ("stages.*.type", "custom_stages.rs an_http_service_is_a_stage_and_its_failure_is_503"),
    ("stages.*.file", "custom_stages.rs the_documented_example_runs"),
    ("stages.*.url", "custom_stages.rs an_http_service_is_a_stage_and_its_failure_is_503"),
    ("stages.*.token", "custom_stages.rs an_http_service_is_a_stage_and_its_failure_is_503"),
    ("stages.*.needs", "custom_stages.rs a_stage_sees_the_signed_in_person_without_secrets_and_writes_what_they_may_edit"),
    ("stages.*.gives", "custom_stages.rs sec_31_no_stage_of_a_project_proves_who_somebody_is"),
    ("stages.*.time_limit_ms", "custom_stages.rs a_stage_that_fails_or_says_nothing_never_ends"),
    ("stages.*.requirements", "custom_stages.rs the_documented_example_runs"),
];

#[test]
fn every_key_of_the_settings_has_a_test_that_changes_behaviour() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/it");
    let read: BTreeSet<String> = project::setting_keys().collect();
    let listed: BTreeSet<String> = TESTS.iter().map(|(key, _)| (*key).to_owned()).collect();
    assert_eq!(listed.len(), TESTS.len(), "a key stands twice");
    assert_eq!(read.difference(&listed).collect::<Vec<_>>(), Vec::<&String>::new(), "keys without a test");
    assert_eq!(listed.difference(&read).collect::<Vec<_>>(), Vec::<&String>::new(), "keys that nobody reads");
    // What several tests of a file set stands in what they share.
    let shared = std::fs::read_to_string(here.join("support/authority.rs")).unwrap();
    for (key, test) in TESTS {
        let (file, function) = test.split_once(' ').unwrap();
        let text = std::fs::read_to_string(here.join(file)).unwrap_or_else(|error| panic!("{key}: {file}: {error}"));
        let above = text.split_once(&format!("fn {function}()")).map(|(above, _)| above.rsplit("\n\n").next().unwrap_or_default());
        assert!(above.is_some_and(|above| above.contains("#[test]")), "{key}: {file} has no test '{function}'");
        let name = key.rsplit('.').next().unwrap();
        assert!(text.contains(name) || shared.contains(name), "{key} is not in {file}");
    }
}
