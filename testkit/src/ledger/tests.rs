use super::*;

fn differences(lost: &[u64], unexpected: &[u64], different: &[u64]) -> Differences {
    Differences { lost: lost.to_vec(), unexpected: unexpected.to_vec(), different: different.to_vec() }
}

#[test]
fn an_acknowledged_write_must_be_stored_as_it_was_sent() {
    let mut ledger = Ledger::new();
    ledger.sent(1, Some("a"));
    ledger.acknowledged(1);
    assert_eq!(ledger.compare([(1, "a")]), differences(&[], &[], &[]));
    assert_eq!(ledger.compare([]), differences(&[1], &[], &[]));
    assert_eq!(ledger.compare([(1, "b")]), differences(&[], &[], &[1]));
    assert!(ledger.check([(1, "a")]).is_ok() && ledger.check([]).is_err());
}

#[test]
fn a_rejected_write_must_have_no_effect() {
    let mut ledger = Ledger::new();
    ledger.sent(1, Some("a"));
    ledger.rejected(1);
    assert_eq!(ledger.compare([]), differences(&[], &[], &[]));
    assert_eq!(ledger.compare([(1, "a")]), differences(&[], &[1], &[]));
    ledger.acknowledged_new(2, "a");
    ledger.sent(2, Some("b"));
    ledger.rejected(2);
    assert_eq!(ledger.compare([(2, "b")]), differences(&[], &[], &[2]));
}

#[test]
fn a_write_of_unknown_outcome_may_be_stored_or_not() {
    let mut ledger = Ledger::new();
    ledger.sent(1, Some("a"));
    ledger.unknown(1);
    ledger.sent(2, Some("a"));
    for stored in [vec![], vec![(1, "a")], vec![(2, "a")], vec![(1, "a"), (2, "a")]] {
        assert!(ledger.check(stored).is_ok());
    }
    assert!(ledger.check([(1, "b")]).is_err());
    assert_eq!(ledger.counts(), Counts { acknowledged: 0, rejected: 0, unknown: 2 });
    ledger.sent(1, Some("c"));
    ledger.acknowledged(1);
    assert_eq!(ledger.compare([(1, "a")]), differences(&[], &[], &[1]));
}

#[test]
fn a_deletion_is_a_write_of_nothing() {
    let mut ledger = Ledger::new();
    ledger.acknowledged_new(1, "a");
    ledger.sent(1, None);
    assert!(ledger.check([(1, "a")]).is_ok() && ledger.check([]).is_ok());
    ledger.acknowledged(1);
    assert_eq!(ledger.compare([(1, "a")]), differences(&[], &[1], &[]));
}

#[test]
fn a_key_that_no_client_wrote_is_unexpected() {
    assert_eq!(Ledger::new().compare([(7, ())]), differences(&[], &[7], &[]));
}

#[test]
fn merged_ledgers_hold_the_keys_and_the_counts_of_all_clients() {
    let (mut first, mut second) = (Ledger::new(), Ledger::new());
    first.acknowledged_new(1, "a");
    second.acknowledged_new(2, "b");
    second.sent(3, Some("c"));
    second.rejected(3);
    first.merge(second);
    assert_eq!(first.entries().collect::<Vec<_>>(), [(1, &"a"), (2, &"b")]);
    assert_eq!((first.get(2), first.get(3)), (Some(&"b"), None));
    assert_eq!(first.counts(), Counts { acknowledged: 2, rejected: 1, unknown: 0 });
}

#[test]
fn an_outcome_without_a_write_changes_nothing() {
    let mut ledger: Ledger = Ledger::new();
    ledger.acknowledged(1);
    ledger.rejected(1);
    ledger.unknown(1);
    assert_eq!(ledger.counts(), Counts::default());
    assert!(ledger.check([]).is_ok());
}
