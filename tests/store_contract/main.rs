//! One suite, every database: what the store promises, it promises on all three.
//!
//! SQLite needs nothing. PostgreSQL and MySQL/MariaDB are named by `TEST_POSTGRES_URL` and `TEST_MYSQL_URL`;
//! `scripts/databases` finds or starts them. Without them the suite fails: it never skips a database.

// A test may fail at once, also in what it shares with others.
#![allow(clippy::unwrap_used, clippy::panic)]

mod accounts;
mod audit;
mod changes;
mod clock;
mod database;
mod jobs;
mod language;
mod links;
mod live_count;
mod parked;
mod property_index;
mod purge;
mod query;
mod races;
mod recovery;
mod resources;
mod sample;
mod schema;
mod waits;

/// Runs each case on each database, in a database of its own that is dropped afterwards.
macro_rules! store_contract {
    ($module:ident: $databases:tt => $cases:tt) => {
        mod $module {
            store_contract!(@databases $module, $databases, $cases);
        }
    };
    (@databases $module:ident, [$($database:ident),+], $cases:tt) => {
        $(mod $database {
            store_contract!(@cases $module, $database, $cases);
        })+
    };
    (@cases $module:ident, $database:ident, [$($case:ident),+ $(,)?]) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            crate::database::on(crate::database::$database().await, crate::$module::$case).await;
        })+
    };
}
mod contract {
    store_contract!(schema: [sqlite, postgres, mysql] => [
        the_schema_goes_up_and_down,
        results_and_changes_of_before_are_kept,
        names_and_values_of_before_are_kept,
        several_processes_may_migrate_at_the_same_time,
        a_server_that_does_not_answer_is_a_passing_failure,
    ]);
    store_contract!(clock: [sqlite, postgres, mysql] => [
        a_new_collection_knows_itself_at_tick_1,
        registering_again_finds_the_collection_and_takes_the_priority_over,
        a_collection_stored_under_another_endpoint_is_refused,
        several_processes_may_register_at_the_same_time,
        unstamped_resources_get_consecutive_ticks_in_the_order_of_their_changes,
        several_writes_between_two_operations_make_one_tick,
        a_raised_own_tick_is_never_given_again,
        a_rolled_back_write_leaves_no_tick,
        the_digest_is_clean_only_while_nothing_waits,
        a_saved_digest_has_every_endpoint_it_was_told_of,
        an_impossible_priority_is_damage,
        the_clock_of_the_database_is_about_right,
    ]);
    store_contract!(races: [sqlite, postgres, mysql] => [
        a_change_committed_late_gets_a_tick_above_every_digest_shown_before,
        a_resource_rewritten_while_it_is_stamped_keeps_its_last_version,
        a_follower_of_the_digest_misses_no_change_of_concurrent_writers,
        one_transaction_at_a_time_holds_a_collection,
        a_lost_connection_leaves_nothing_behind,
    ]);
    store_contract!(waits: [postgres, mysql] => [
        an_ordinary_write_does_not_wait_for_the_collection,
        uuids_of_clients_are_looked_up_while_none_is_changed,
        the_victim_of_a_deadlock_may_try_again,
        nobody_waits_in_a_circle_for_resources_by_whatever_name,
        a_uuid_that_goes_elsewhere_while_it_is_waited_for_is_looked_up_again,
        an_index_learns_of_new_resources_that_are_committed_after_it_was_filled,
    ]);
    store_contract!(resources: [sqlite, postgres, mysql] => [
        what_is_written_is_read_by_key_uuid_and_id,
        keys_are_compared_byte_for_byte,
        a_taken_value_is_refused_by_name,
        a_key_that_is_too_long_is_refused,
        a_large_payload_comes_back_whole,
        thousands_of_resources_go_in_one_batch,
        an_update_replaces_state_content_and_unique_values,
        a_tombstone_has_neither_content_nor_unique_values,
        replacing_the_content_is_no_change,
        live_resources_are_paged_in_order,
        ids_are_unique_over_two_processes,
        what_a_transaction_wrote_it_reads,
    ]);
    store_contract!(changes: [sqlite, postgres, mysql] => [
        changes_come_range_by_range_with_ascending_ticks,
        a_page_begins_behind_any_position,
        tombstones_nobody_heard_of_are_no_changes,
        changes_with_references_by_key_are_found,
        states_that_are_taken_are_found,
    ]);
    store_contract!(links: [sqlite, postgres, mysql] => [
        resources_that_a_change_set_may_send_get_a_uuid,
        a_replaced_uuid_still_finds_its_resource,
        uuids_go_from_one_resource_to_another_at_once,
        a_retired_uuid_names_nothing_but_references_follow_it,
        references_by_key_follow_united_resources,
        a_uuid_is_never_given_twice,
        a_resource_gets_the_same_uuid_again_unless_it_was_taken_away,
        only_linked_resources_are_listed,
    ]);
    store_contract!(query: [sqlite, postgres, mysql] => [
        functions_of_texts_have_one_meaning,
        arithmetic_and_functions_of_numbers_have_one_meaning,
        functions_of_days_and_times_have_one_meaning,
        comparisons_hold_for_every_type,
        all_words_of_a_search_must_be_found,
        references_are_followed_by_every_name_of_a_resource,
        pages_go_on_behind_the_last_resource_in_any_order,
        a_cursor_has_a_place_in_its_own_order_alone,
        a_query_ends_when_its_time_is_over_and_writing_goes_on,
    ]);
    store_contract!(language: [sqlite, postgres, mysql] => [
        conditions_select_what_the_table_says,
        resources_are_sorted_as_the_table_says,
        a_database_agrees_with_memory_about_any_condition,
    ]);
    store_contract!(live_count: [sqlite, postgres, mysql] => [
        the_count_follows_what_lives_and_dies,
        the_count_is_true_whatever_writers_do_at_the_same_time,
        a_count_that_another_program_left_wrong_is_mended,
    ]);
    store_contract!(property_index: [sqlite, postgres, mysql] => [
        pages_along_an_index_are_those_without_it,
        an_index_follows_every_write,
        an_index_that_is_declared_later_is_filled_and_one_no_longer_wanted_goes,
        an_index_that_is_filled_while_others_write_is_true,
        processes_that_declare_differently_keep_every_index,
        an_index_learns_of_what_was_being_written_when_it_was_declared,
    ]);
    store_contract!(jobs: [sqlite, postgres, mysql] => [
        the_same_tracking_id_is_one_operation_however_often_it_is_submitted,
        a_tracking_id_of_another_operation_or_collection_is_in_use,
        tracking_ids_are_compared_byte_for_byte,
        the_oldest_operation_is_claimed_first_and_lanes_run_side_by_side,
        a_process_claims_only_operations_it_serves,
        two_workers_never_hold_one_lane,
        an_expired_lease_is_taken_over_and_the_old_owner_notices,
        a_lease_that_ends_later_than_any_can_is_taken_over,
        a_finished_operation_can_be_read_until_it_expires,
        a_failed_operation_keeps_its_reason,
        a_deleted_operation_is_cancelled_and_stays_deleted,
        an_operation_can_be_done_at_once,
        what_waits_or_runs_is_counted_by_account_and_without_one_by_address,
        results_come_back_in_the_order_of_the_request,
        bodies_are_kept_in_parts_and_orphans_go,
        the_progress_of_a_feed_is_known,
        expiry_never_touches_a_resource,
    ]);
    store_contract!(accounts: [sqlite, postgres, mysql] => [
        an_account_has_a_password_and_any_number_of_grants,
        tokens_are_found_by_their_hash_and_go_with_their_account,
    ]);
    store_contract!(audit: [sqlite, postgres, mysql] => [
        name_and_stamp_together_are_one_run,
        names_of_runs_are_kept_exactly_as_sent,
        a_run_counts_its_events_changes_and_failures,
        events_come_back_as_they_were_recorded,
        changes_come_back_with_both_states_and_the_losing_version,
        the_audit_is_filtered_and_paged,
    ]);
    store_contract!(purge: [sqlite, postgres, mysql] => [
        purging_never_touches_what_lives,
        what_is_purged_moves_the_horizon_and_what_is_needed_stays,
        old_rows_of_the_audit_go_a_few_at_a_time,
    what_is_kept_of_a_run_is_found_by_index,
        one_process_at_a_time_has_a_duty,
        a_duty_that_was_done_or_is_kept_by_a_later_clock_is_due,
        peers_are_known_by_their_last_digest,
    ]);
    store_contract!(recovery: [sqlite, postgres, mysql] => [
        a_database_that_is_not_where_it_was_is_recognized,
        what_waited_in_a_database_that_was_put_back_is_not_done_again,
        a_clock_that_goes_backwards_under_a_process_is_noticed,
        a_clock_stands_still_until_everybody_has_come,
        own_ticks_are_certain_up_to_a_moment_and_can_be_taken_away,
        a_process_notices_that_its_database_was_put_back,
        a_clock_that_another_process_moved_was_seen_too,
        what_a_lost_database_gave_is_remembered_by_name,
        a_new_database_beside_an_illegible_witness_gives_nothing,
        ids_given_after_a_backup_are_left_out,
    ]);
    store_contract!(parked: [sqlite, postgres, mysql] => [
        a_parked_entry_comes_back_as_it_was,
        the_same_state_parked_again_replaces_the_first,
        a_failed_retry_moves_the_next_one,
        due_entries_name_their_collections,
        an_operator_retries_and_discards,
    ]);
}
