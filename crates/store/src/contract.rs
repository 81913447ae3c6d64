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

use crest::{Change, Filter, Query, Resource};
use identity::{Objects, Sessions};
use process::{CommitError, Effect, InstanceId, Ledger, Outbox, Receipt, Spend, Unit};
use serde_json::Value;

use crate::{Collections, cookie};

pub mod changes;
pub mod mails;
pub mod queries;
pub mod random;
pub mod sessions;
pub mod single_use;

/// Everything a store is.
pub trait Store: Ledger + Outbox + Objects + Sessions + Clone + 'static {}
impl<S: Ledger + Outbox + Objects + Sessions + Clone + 'static> Store for S {}

/// What the stores of the suite are opened with.
#[must_use]
pub fn collections() -> Collections {
    Collections::new().with("managed/user", ["userName"], ["mail", "sn", "age"]).with("managed/role", ["name"], [])
}

/// Reads a paging cookie of a query and writes what was read; `None` for text that is none. For fuzzing: cookies come from clients.
#[must_use]
pub fn reread_cookie(text: &str, collection: &str, query: &Query) -> Option<String> {
    let position = cookie::read(text, collection, query, query.sort.len())?;
    Some(cookie::write(collection, query, &position))
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
    ($open:ident) => {
        $crate::contract_tests!(@ $open, single_use:
            one_of_a_hundred_parallel_completions_succeeds
            an_instance_is_spent_in_strictly_growing_steps
            two_hundred_parallel_counts_are_two_hundred
            a_counter_starts_anew_when_its_time_has_passed
            the_last_challenge_of_a_purpose_counts
            a_context_is_kept_under_its_token
            definitions_are_kept_newest_first_and_never_changed
            the_sweep_frees_what_has_expired_and_nothing_else
        );
        $crate::contract_tests!(@ $open, changes:
            one_of_a_hundred_parallel_creates_of_a_user_name_succeeds
            nothing_of_a_unit_with_a_failing_effect_is_done
            a_unit_without_its_spend_does_nothing
            a_taken_id_and_a_taken_value_are_told_apart
            a_value_is_unique_in_its_collection_only
            replacing_and_deleting_respect_the_expected_revision
            a_patch_applies_to_the_object_of_its_transaction
            a_patch_that_changes_nothing_keeps_the_revision
            a_patch_that_cannot_be_applied_is_refused_and_changes_nothing
            one_of_many_guarded_patches_succeeds
            a_revision_never_comes_back
            text_with_nul_is_refused
            a_name_is_found_in_every_spelling_and_by_its_look
            a_distinct_name_is_refused_in_another_spelling_and_others_are_not
            one_of_many_racing_spellings_succeeds
            content_comes_back_as_it_went
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
            a_mail_whose_attempt_never_ended_comes_alone_and_last
            parallel_claims_never_share_a_mail
            a_failed_mail_is_tried_again_until_it_is_dead_and_can_be_put_back
            a_withheld_mail_leaves_no_trace
            a_mail_comes_back_as_it_went
            delivered_mails_are_forgotten_after_their_time
        );
        $crate::contract_tests!(@ $open, sessions:
            a_session_comes_back_as_it_went
            a_session_is_found_until_it_is_ended
            a_unit_ends_the_other_sessions_of_an_owner
            a_unit_begins_a_session_with_what_it_spends_or_does_neither
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

async fn commit<S: Store>(store: &S, effects: Vec<Effect>) -> Result<Receipt, CommitError> {
    store.commit(Unit { now: 100, spend: None, effects }).await
}

async fn changed<S: Store>(store: &S, change: Change) -> Result<Resource, CommitError> {
    Ok(commit(store, vec![Effect::Change(change)]).await?.changed.remove(0))
}

async fn put<S: Store>(store: &S, id: &str, content: Value) -> Resource {
    commit(store, vec![create(id, content)]).await.unwrap().changed.remove(0)
}

async fn ids<S: Store>(store: &S, query: &Query) -> Vec<String> {
    store.query(USERS, query).await.unwrap().result.into_iter().map(|resource| resource.id).collect()
}

async fn found<S: Store>(store: &S, filter: &str) -> Vec<String> {
    ids(store, &Query::all(Filter::parse(filter).unwrap())).await
}
