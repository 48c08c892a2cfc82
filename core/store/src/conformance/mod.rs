//! What every store must do, as one suite. A store's own tests call [`run`], and [`survives_reopening`] if it has a disk.
//!
//! Hidden from the documentation: for tests, of this crate and of stores elsewhere.

mod erasure;
mod feeds;
mod holes;
mod ranges;
mod records;

use sotay_feed::{
    DeviceId, DeviceKeys, Draft, Envelope, Kind, Space, SpaceId, SpaceKind, Tip, UnitId, Verified,
};

use crate::{Arrival, Batch, Bucket, Budget, Outcome, Put, Store, Stored};

/// Runs the whole suite; each behaviour gets a fresh, empty store. Panics where the store deviates.
pub fn run<S: Store>(mut make: impl FnMut() -> S) {
    for behaviour in behaviours::<S>() {
        behaviour(&mut make());
    }
    holes::the_log_shows_what_was_dropped_and_a_copy_of_it_answers_alike(&mut make);
}

fn behaviours<S: Store>() -> Vec<fn(&mut S)> {
    vec![
        feeds::an_empty_store_holds_nothing,
        feeds::a_feed_grows_by_one_and_arrivals_count_and_commit_to_everything_before,
        feeds::a_duplicate_changes_nothing,
        feeds::a_gap_is_told_and_nothing_is_kept,
        feeds::one_bad_envelope_does_not_hold_back_others_of_its_batch,
        feeds::another_envelope_at_a_taken_number_is_kept_as_evidence_only,
        feeds::another_predecessor_proves_a_fork_one_number_earlier,
        feeds::the_lowest_proof_of_a_fork_is_kept_and_one_per_feed,
        feeds::spaces_with_equal_writers_do_not_mix,
        feeds::an_arrival_is_passed_only_if_this_history_went_through_it,
        feeds::an_envelope_of_the_greatest_size_and_of_an_unknown_kind_is_kept_as_it_came,
        ranges::pages_follow_each_other_without_loss_or_repetition,
        ranges::at_least_one_envelope_is_returned_over_any_budget,
        ranges::a_page_stays_within_its_budget,
        ranges::a_range_beyond_the_head_is_empty,
        ranges::missing_leaves_out_exactly_what_the_other_side_has,
        ranges::missing_finds_little_in_much_from_any_place,
        erasure::an_erased_body_is_gone_and_its_feed_goes_on,
        erasure::what_was_erased_before_it_came_is_stored_without_its_body,
        erasure::a_body_shorter_than_its_hash_is_erased_as_well,
        erasure::nothing_but_cards_is_erased_and_unknown_ids_do_no_harm,
        holes::a_leap_over_a_gap_is_stored_and_without_leave_it_is_a_gap,
        holes::a_leap_to_or_below_the_tip_is_judged_as_ever,
        holes::what_is_dropped_is_gone_and_the_feed_stands_where_it_stood,
        holes::dropping_twice_drops_once_and_what_nobody_holds_drops_nothing,
        holes::the_tip_and_what_a_proof_of_a_fork_needs_stay,
        holes::ranges_skip_what_was_dropped_and_end_properly,
        holes::missing_finds_little_in_much_with_holes,
        holes::what_was_erased_can_be_dropped_and_what_was_dropped_can_be_erased,
        holes::rows_that_do_not_continue_are_not_taken,
        records::a_record_is_read_back_replaced_and_deleted,
        records::records_are_listed_by_prefix_in_byte_order,
        records::later_puts_of_a_batch_win,
        records::records_are_written_though_an_envelope_of_the_batch_was_refused,
        records::keys_and_values_at_the_limit_pass_and_one_byte_more_fails_the_whole_batch,
    ]
}

/// Fills a store, reopens it through `reopen` and expects the same answers.
pub fn survives_reopening<S: Store>(store: S, reopen: impl FnOnce(S) -> S) {
    records::everything_is_there_after_reopening(store, reopen);
}

/// A space for tests, by number.
pub fn space(number: u8) -> SpaceId {
    Space::of(UnitId::from_bytes([number; 32]), SpaceKind::Main).id()
}

/// No bound that a test reaches.
pub const ALL: Budget = Budget {
    count: usize::MAX,
    bytes: usize::MAX,
};

/// A device that writes in one space.
#[derive(Debug)]
pub struct Author {
    keys: DeviceKeys,
    seed: u8,
    space: SpaceId,
    tip: Option<Tip>,
}

impl Author {
    /// The device of this number, at the beginning of its feed.
    pub fn new(seed: u8, space: SpaceId) -> Self {
        Self {
            keys: DeviceKeys::from_seeds([seed; 32], [seed ^ 0x80; 32]),
            seed,
            space,
            tip: None,
        }
    }

    /// The same device where its feed stands.
    pub fn continuing(seed: u8, space: SpaceId, tip: Option<Tip>) -> Self {
        Self {
            tip,
            ..Self::new(seed, space)
        }
    }

    /// Its id.
    pub fn id(&self) -> DeviceId {
        self.keys.id()
    }

    /// The same device with the same history, from which both may go on.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::continuing(self.seed, self.space, self.tip)
    }

    /// The next envelope of its feed.
    pub fn write(&mut self, body: &[u8]) -> Verified<Envelope> {
        self.write_kind(Kind::CHANGE, body)
    }

    /// The same, of any kind.
    pub fn write_kind(&mut self, kind: Kind, body: &[u8]) -> Verified<Envelope> {
        let envelope = Draft::next(&self.keys, kind, &self.space, self.tip)
            .sign(&self.keys, &self.space, body)
            .expect("a valid test envelope");
        self.tip = Some(envelope.tip());
        envelope
    }

    /// Several.
    pub fn write_many(&mut self, count: usize) -> Vec<Verified<Envelope>> {
        (0..count)
            .map(|n| self.write(format!("body {n}").as_bytes()))
            .collect()
    }
}

/// Commits envelopes alone.
pub fn commit<S: Store>(store: &mut S, envelopes: Vec<Verified<Envelope>>) -> Vec<Outcome> {
    let puts = Vec::new();
    store
        .commit(Batch {
            envelopes,
            puts,
            ..Batch::default()
        })
        .expect("a commit")
        .outcomes
}

/// Commits records alone.
pub fn put<S: Store>(store: &mut S, puts: Vec<Put>) {
    let envelopes = Vec::new();
    store
        .commit(Batch {
            envelopes,
            puts,
            ..Batch::default()
        })
        .expect("a commit");
}

/// A record to write or delete.
pub fn record(bucket: Bucket, key: &[u8], value: Option<&[u8]>) -> Put {
    Put {
        bucket,
        key: key.to_vec(),
        value: value.map(<[u8]>::to_vec),
    }
}

fn stored_all(outcomes: &[Outcome]) -> Vec<Arrival> {
    let arrival = |outcome: &Outcome| match outcome {
        Outcome::Stored(arrival) => *arrival,
        other => panic!("expected to be stored, was {other:?}"),
    };
    outcomes.iter().map(arrival).collect()
}

fn numbers(stored: &[Stored]) -> Vec<u64> {
    stored.iter().map(|stored| stored.arrival).collect()
}
