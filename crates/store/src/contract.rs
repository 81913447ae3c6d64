//! The contract that every backend must keep, as one suite of tests. A backend's test file opens empty stores and invokes
//! [`contract_tests!`](crate::contract_tests); there is no other list of what a store must do.
//!
//! Easiest to break: a rule tested on one backend only. What is true of the ports is tested here; what is true of one engine (its
//! plans, its files) beside that engine.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "tests, named after the rule they guard"
)]

use crest::{Change, Filter, Pointer, Query, Resource};
use identity::Objects;
use process::{CommitError, Effect, InstanceId, Ledger, Outbox, Receipt, Sessions, Spend, Unit};
use serde_json::Value;

use crate::{Collections, cookie};

pub mod canary;
pub mod changes;
pub mod config_versions;
pub mod funnel;
pub mod in_flight;
pub mod kept;
pub mod mails;
pub mod names;
pub mod queries;
pub mod random;
pub mod relationships;
pub mod sessions;
pub mod single_use;
pub mod undone;

/// What commits units and reads objects. An engine in memory is that much of a store.
pub trait Units: Ledger + Objects + Clone + 'static {}
impl<S: Ledger + Objects + Clone + 'static> Units for S {}

/// Everything a store is.
pub trait Store: Units + Outbox + Sessions {}
impl<S: Units + Outbox + Sessions> Store for S {}

/// What the stores of the suite are opened with.
#[must_use]
pub fn collections() -> Collections {
    let mut collections =
        Collections::new().with("managed/user", ["userName"], ["sn", "age", "b c", "list"]).with("managed/role", ["name"], []);
    collections.declare_spelled("managed/user", Pointer::from_tokens(["mail"]));
    collections.declare_spelled("managed/user", Pointer::from_tokens(["o", "x"]));
    collections.declare_references("managed/user", "manager");
    collections.declare_references("managed/user", "roles");
    collections.declare_listed("managed/user", "titles");
    collections
}

/// Reads a paging cookie of a query and writes what was read; `None` for text that is none. For fuzzing: cookies come from clients.
#[must_use]
pub fn reread_cookie(text: &str, collection: &str, query: &Query) -> Option<String> {
    let position = cookie::read(text, "", collection, query, query.sort.len())?;
    Some(cookie::write("", collection, query, &position))
}

/// The suite on one backend. `$open` is an async function that gives an empty store, opened with
/// [`contract::collections`](crate::contract::collections), and something that is dropped when the test is over.
#[macro_export]
macro_rules! contract_tests {
    (@ $open:ident, $module:ident: $($name:ident)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let (store, _kept) = super::$open().await;
                $crate::contract::$module::$name(store).await;
            })*
        }
    };
    // What is true of everything that commits units, a ledger in memory included.
    ($open:ident, units) => {
        $crate::contract_tests!(@ $open, single_use:
            one_of_a_hundred_parallel_completions_succeeds
            an_instance_is_spent_in_strictly_growing_steps
            one_of_a_hundred_parallel_units_takes_a_thing
            what_a_failed_unit_would_have_taken_is_free
            two_hundred_parallel_counts_are_two_hundred
            a_counter_starts_anew_when_its_time_has_passed
            a_clock_that_is_set_back_makes_a_counter_last_no_longer_than_one_of_now
            the_last_challenge_of_a_purpose_counts
            a_context_is_kept_under_its_token
            definitions_are_kept_by_when_they_were_served_last_and_never_changed
            the_sweep_frees_what_has_expired_and_nothing_else
        );
        $crate::contract_tests!(@ $open, changes:
            one_of_a_hundred_parallel_creates_of_a_user_name_succeeds
            a_taken_id_and_a_taken_value_are_told_apart
            a_value_is_unique_in_its_collection_only
            a_failing_effect_undoes_those_before_it
            only_the_newest_of_somebodys_objects_are_kept
            replacing_and_deleting_respect_the_expected_revision
            a_patch_applies_to_the_object_of_its_transaction
            a_patch_that_changes_nothing_keeps_the_revision
            a_patch_that_cannot_be_applied_is_refused_and_changes_nothing
            one_of_many_guarded_patches_succeeds
            a_name_is_found_in_every_spelling_and_by_its_look
            a_distinct_name_is_refused_in_another_spelling_and_others_are_not
            one_of_many_racing_spellings_succeeds
            content_comes_back_as_it_went
        );
    };
    ($open:ident) => {
        $crate::contract_tests!($open, units);
        $crate::contract_tests!(@ $open, names:
            people_are_found_by_any_spelling_of_what_names_them
            a_long_value_is_unique_and_found_like_others
            what_is_known_of_an_address_is_kept_with_its_object
            whoever_is_near_an_id_is_read
        );
        $crate::contract_tests!(@ $open, relationships:
            a_reference_is_found_from_where_it_leads_after_every_write
            parallel_links_of_one_list_are_all_kept
            a_single_reference_gives_way_only_where_it_may
            a_unit_fails_for_a_reference_to_nobody_and_for_a_place_that_is_taken
            of_parallel_units_that_take_one_place_one_succeeds
            references_go_with_their_object_and_do_not_come_back
            a_write_costs_the_same_however_many_refer_to_one_object
            a_page_of_references_costs_the_same_wherever_it_begins a_page_of_references_in_an_order_loads_no_more_than_a_batch
            who_lists_a_name_is_found_by_it_and_nobody_else_is_looked_at
        );
        $crate::contract_tests!(@ $open, in_flight:
            who_ended_at_one_node_has_ended_whichever_node_says_so_first
        );
        $crate::contract_tests!(@ $open, kept:
            a_text_is_kept_by_its_name_until_its_time_and_found_by_no_token
            a_turn_is_one_holders_until_they_give_it_back_or_its_time_is_over
        );
        $crate::contract_tests!(@ $open, funnel:
            an_instance_is_counted_once_whatever_is_noted_of_it_in_whatever_order
            what_steps_tell_is_forgotten_and_nothing_else_is
            a_definition_is_forgotten_when_nobody_was_on_it_for_long_enough
        );
        $crate::contract_tests!(@ $open, config_versions:
            a_version_is_noted_when_a_file_says_something_else
            of_each_file_the_last_versions_are_kept
            nodes_that_take_up_the_same_files_note_them_once
        );
        $crate::contract_tests!(@ $open, canary:
            both_definitions_of_a_canary_are_counted_once
            a_canary_ends_once_with_one_event_and_keeps_its_numbers
            a_canary_of_edited_files_takes_the_place_of_the_one_before
        );
        $crate::contract_tests!(@ $open, undone:
            nothing_of_a_unit_with_a_failing_effect_is_done
            a_unit_without_its_spend_does_nothing
            a_revision_never_comes_back
            text_with_nul_is_refused
        );
        $crate::contract_tests!(@ $open, queries:
            comparisons_find_what_the_recorded_answers_found
            numbers_compare_as_in_memory_beyond_what_a_float_holds
            values_are_text_and_no_patterns
            missing_values_come_first_or_last_where_reversed
            pages_by_cookie_hold_every_object_once
            a_page_survives_the_deletion_of_its_last_object
            pages_by_offset_continue_by_cookie
            totals_are_counted_when_asked
            a_foreign_cookie_is_refused
            a_sort_key_that_cannot_be_expressed_is_refused
            collections_do_not_see_each_other
        );
        $crate::contract_tests!(@ $open, random:
            a_query_finds_exactly_what_matches_in_memory
            pages_of_any_order_are_that_order
        );
        $crate::contract_tests!(@ $open, mails:
            a_mail_is_claimed_once_until_its_lease_ends
            a_mail_whose_attempts_never_ended_comes_alone_and_last
            parallel_claims_never_share_a_mail
            a_failed_mail_is_tried_again_until_it_is_dead_and_can_be_put_back
            a_withheld_mail_is_never_claimed_and_leaves_no_trace
            mails_that_are_not_delivered_are_counted
            a_lease_can_be_renewed
            a_clock_that_is_set_back_keeps_no_mail_waiting
            mails_are_found_by_their_numbers_as_far_as_they_are_there
            a_mail_comes_back_as_it_went
            delivered_mails_are_forgotten_after_their_time
            mails_that_were_given_up_are_forgotten_after_their_time
            ten_thousand_mails_drain_in_order_and_dead_ones_stay
        );
        $crate::contract_tests!(@ $open, sessions:
            a_session_comes_back_as_it_went
            a_session_is_found_until_it_is_ended
            a_unit_ends_the_other_sessions_of_an_owner
            a_unit_begins_a_session_and_marks_its_credential_as_used_or_does_neither
            a_unit_settles_a_form_on_one_session
            sessions_of_an_owner_are_those_that_live
            the_sweep_ends_old_and_idle_sessions
        );
    };
}

const USERS: &str = "managed/user";

fn instance(name: &str) -> InstanceId {
    InstanceId::from_stored(name)
}

fn spend(name: &str, below: u32) -> Spend {
    Spend { instance: instance(name), below, expires: 1000 }
}

fn create(id: &str, content: Value) -> Effect {
    Effect::Change(Change::Create { collection: USERS.into(), id: id.into(), content })
}

async fn commit<S: Units>(store: &S, effects: Vec<Effect>) -> Result<Receipt, CommitError> {
    store.commit(Unit { now: 100, spend: None, effects }).await
}

async fn changed<S: Units>(store: &S, change: Change) -> Result<Resource, CommitError> {
    Ok(commit(store, vec![Effect::Change(change)]).await?.changed.remove(0))
}

async fn put<S: Units>(store: &S, id: &str, content: Value) -> Resource {
    commit(store, vec![create(id, content)]).await.unwrap().changed.remove(0)
}

async fn ids<S: Units>(store: &S, query: &Query) -> Vec<String> {
    store.query(USERS, query).await.unwrap().result.into_iter().map(|resource| resource.id).collect()
}

async fn found<S: Units>(store: &S, filter: &str) -> Vec<String> {
    ids(store, &Query::all(Filter::parse(filter).unwrap())).await
}
