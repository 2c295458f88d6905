import json
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeward.shared.audit_log.checkpoint import Anchor, Checkpoint, SignedCheckpoint
from homeward.shared.audit_log.copy import proof_line, read_copy
from homeward.shared.audit_log.line import NO_LINE, read_line, write_line
from homeward.shared.audit_log.merkle import inclusion_path, leaf_hash, root_of
from homeward.shared.audit_log.verification import Fault, Verdict, verify
from homeward.shared.authorisation.keys import KeySet, SigningKey
from support.audit_logs import NOON, SignedLog, record, rewritten

SIZE = 12
LOG = SignedLog(SIZE, stops=(5, 8))

Verifying = Callable[[Sequence[bytes]], Verdict]


def with_bucket(lines: Sequence[bytes]) -> Verdict:
    """As an auditor with a copy of the bucket."""
    return verify(read_copy([*lines, LOG.ending]), LOG.anchors, LOG.keys)


def with_ending(lines: Sequence[bytes]) -> Verdict:
    """As an auditor with the file and the public keys alone."""
    return verify(read_copy([*lines, LOG.ending]), (), LOG.keys)


def with_nothing(lines: Sequence[bytes]) -> Verdict:
    """As anybody with the file alone."""
    return verify(read_copy(lines))


def changed(line: bytes) -> bytes:
    return json.dumps(json.loads(line) | {"actor_id": "homeward/nobody"}, separators=(",", ":")).encode()


def found(verdict: Verdict) -> list[tuple[Fault, int, int]]:
    return [(finding.fault, finding.first, finding.last) for finding in verdict.findings]


@pytest.mark.parametrize("verifying", [with_bucket, with_ending])
def test_a_whole_copy_is_good_and_vouched_for(verifying: Verifying) -> None:
    verdict = verifying(LOG.lines)
    assert verdict.good
    assert (verdict.records, verdict.vouched) == (SIZE, SIZE)


def test_without_keys_a_whole_copy_is_good_and_nothing_vouches_for_it() -> None:
    verdict = with_nothing(LOG.lines)
    assert verdict.good
    assert verdict.vouched == 0


@pytest.mark.parametrize("index", range(SIZE))
@pytest.mark.parametrize("verifying", [with_bucket, with_ending, with_nothing])
def test_a_changed_record_is_named(verifying: Verifying, index: int) -> None:
    lines = [*LOG.lines[:index], changed(LOG.lines[index]), *LOG.lines[index + 1 :]]
    verdict = verifying(lines)
    if index == SIZE - 1 and verifying is with_nothing:
        # Nothing was built upon the last one yet: a checkpoint alone can tell.
        assert verdict.good
    elif index == SIZE - 1 and verifying is with_ending:
        assert found(verdict) == [(Fault.CHANGED, 0, index)]
    else:
        assert found(verdict) == [(Fault.CHANGED, index, index)]


@pytest.mark.parametrize("index", range(SIZE))
@pytest.mark.parametrize("verifying", [with_bucket, with_ending, with_nothing])
def test_a_removed_record_is_named(verifying: Verifying, index: int) -> None:
    verdict = verifying([*LOG.lines[:index], *LOG.lines[index + 1 :]])
    if index == SIZE - 1 and verifying is with_nothing:
        assert verdict.good
    else:
        fault = Fault.TRUNCATED if index == SIZE - 1 else Fault.REMOVED
        assert found(verdict) == [(fault, index, index)]


@pytest.mark.parametrize("index", range(SIZE))
@pytest.mark.parametrize("verifying", [with_bucket, with_ending, with_nothing])
def test_an_inserted_record_is_named(verifying: Verifying, index: int) -> None:
    foreign = write_line(record(99), index, read_line(LOG.lines[index]).previous)
    verdict = verifying([*LOG.lines[:index], foreign, *LOG.lines[index:]])
    if index == SIZE - 1 and verifying is not with_bucket:
        # Two lines claim the end and nothing was built upon either: which is foreign, only the bucket's hashes tell.
        assert not verdict.good
    else:
        assert found(verdict) == [(Fault.INSERTED, index, index)]


@pytest.mark.parametrize("verifying", [with_bucket, with_ending, with_nothing])
def test_a_repeated_record_is_named(verifying: Verifying) -> None:
    verdict = verifying([*LOG.lines[:4], LOG.lines[2], *LOG.lines[4:]])
    assert [fault for fault, _, _ in found(verdict)] == [Fault.INSERTED]


@given(st.data())
@pytest.mark.parametrize("verifying", [with_bucket, with_ending, with_nothing])
def test_a_record_in_another_place_is_named(verifying: Verifying, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, SIZE - 1))
    others = [*LOG.lines[:index], *LOG.lines[index + 1 :]]
    # Moved by one place, either of the two may be called the one that moved.
    to = data.draw(st.integers(0, SIZE - 1).filter(lambda to: abs(to - index) > 1))
    verdict = verifying([*others[:to], LOG.lines[index], *others[to:]])
    assert found(verdict) == [(Fault.REORDERED, index, index)]


@pytest.mark.parametrize("verifying", [with_bucket, with_ending, with_nothing])
def test_two_records_that_changed_places_are_seen(verifying: Verifying) -> None:
    verdict = verifying([*LOG.lines[:5], LOG.lines[6], LOG.lines[5], *LOG.lines[7:]])
    assert [fault for fault, _, _ in found(verdict)] == [Fault.REORDERED]


@pytest.mark.parametrize("length", range(SIZE))
def test_a_tail_that_was_cut_off_is_missed(length: int) -> None:
    assert found(with_bucket(LOG.lines[:length])) == [(Fault.TRUNCATED, length, SIZE - 1)]
    assert found(with_ending(LOG.lines[:length])) == [(Fault.TRUNCATED, length, SIZE - 1)]


def test_a_tail_cut_off_together_with_the_newest_checkpoint_is_missed_by_the_bucket_alone() -> None:
    lines = [*LOG.lines[:8], json.dumps({"checkpoint": LOG.sign(8).note}).encode()]
    assert verify(read_copy(lines), (), LOG.keys).good
    assert found(verify(read_copy(lines), LOG.anchors, LOG.keys)) == [(Fault.TRUNCATED, 8, SIZE - 1)]


def test_a_forger_who_rewrites_all_that_follows_is_found_by_the_roots() -> None:
    lines = [*LOG.lines[:6], *rewritten(LOG.lines[6:], actor_id="homeward/nobody")]
    assert with_nothing(lines).good
    assert found(with_ending(lines)) == [(Fault.CHANGED, 0, SIZE - 1)]
    assert found(with_bucket(lines)) == [(Fault.CHANGED, index, index) for index in range(6, SIZE)]


def test_roots_alone_narrow_a_forgery_to_between_two_checkpoints() -> None:
    lines = [*LOG.lines[:6], *rewritten(LOG.lines[6:], actor_id="homeward/nobody")]
    bare = [Anchor(anchor.signed, anchor.signed.checkpoint.size, ()) for anchor in LOG.anchors]
    assert found(verify(read_copy(lines), bare, LOG.keys)) == [(Fault.CHANGED, 5, 7)]


def test_what_no_checkpoint_vouches_for_is_told() -> None:
    lines = [*LOG.lines, write_line(record(SIZE), SIZE, LOG.leaves[-1])]
    assert found(with_bucket(lines)) == [(Fault.UNPROVEN, SIZE, SIZE)]


def test_a_line_that_is_none_is_a_changed_record() -> None:
    lines = [*LOG.lines[:3], b"{", *LOG.lines[4:]]
    assert found(with_bucket(lines)) == [(Fault.CHANGED, 3, 3)]


def test_an_index_that_was_made_up_costs_nothing() -> None:
    far = json.dumps(json.loads(LOG.lines[-1]) | {"index": 10**17}).encode()
    verdict = with_nothing([*LOG.lines[:-1], far])
    assert found(verdict) == [(Fault.REMOVED, SIZE - 1, 10**17 - 1)]


def test_a_checkpoint_of_an_unknown_key_vouches_for_nothing() -> None:
    other = KeySet.of([SigningKey.generate().public_key])
    verdict = verify(read_copy([*LOG.lines, LOG.ending]), LOG.anchors, other)
    assert {fault for fault, _, _ in found(verdict)} == {Fault.FORGED_CHECKPOINT}
    assert verdict.vouched == 0


def test_two_signed_checkpoints_of_one_size_show_a_fork() -> None:
    fork = SignedCheckpoint.sign(Checkpoint(8, root_of([leaf_hash(b"another")]), NOON), LOG.key)
    verdict = verify(read_copy([*LOG.lines, LOG.ending]), [*LOG.anchors, Anchor(fork, 8, ())], LOG.keys)
    assert Fault.FORKED in {fault for fault, _, _ in found(verdict)}


def test_hashes_that_do_not_give_the_signed_root_vouch_for_nothing() -> None:
    bent = Anchor(LOG.anchors[0].signed, 0, [leaf_hash(b"another"), *LOG.leaves[1:5]])
    verdict = verify(read_copy([*LOG.lines, LOG.ending]), [bent, *LOG.anchors[1:]], LOG.keys)
    assert found(verdict) == [(Fault.FORGED_CHECKPOINT, 0, 5)]


def test_a_folder_without_one_checkpoint_still_names_what_it_can() -> None:
    lines = [*LOG.lines[:2], changed(LOG.lines[2]), *LOG.lines[3:]]
    verdict = verify(read_copy([*lines, LOG.ending]), [LOG.anchors[0], LOG.anchors[2]], LOG.keys)
    assert found(verdict) == [(Fault.CHANGED, 2, 2)]


def perfect(level: int, index: int) -> bytes:
    return root_of(LOG.leaves[index << level : (index + 1) << level])


def selection(indices: Sequence[int]) -> list[bytes]:
    lines: list[bytes] = []
    for index in indices:
        lines += [LOG.lines[index], proof_line(index, SIZE, inclusion_path(index, SIZE, perfect))]
    return lines


def test_a_selection_is_proven_line_by_line() -> None:
    verdict = verify(read_copy([*selection([2, 7, 11]), LOG.ending]), (), LOG.keys)
    assert verdict.good
    assert verdict.vouched == 3


def test_a_changed_line_of_a_selection_is_named() -> None:
    lines = selection([2, 7, 11])
    lines[2] = changed(lines[2])
    assert found(verify(read_copy([*lines, LOG.ending]), (), LOG.keys)) == [(Fault.CHANGED, 7, 7)]


def test_a_line_of_a_selection_needs_its_own_proof() -> None:
    lines = selection([2, 7, 11])
    assert found(verify(read_copy([*lines[:3], *lines[4:], LOG.ending]), (), LOG.keys)) == [(Fault.UNPROVEN, 7, 7)]
    assert found(verify(read_copy(lines), (), LOG.keys)) == [(Fault.UNPROVEN, at, at) for at in (2, 7, 11)]
    assert not verify(read_copy([*lines, LOG.ending])).good


def test_a_line_holds_what_was_recorded_and_its_place() -> None:
    told = [json.loads(line) for line in LOG.lines]
    assert [one["index"] for one in told] == list(range(SIZE))
    assert told[0]["previous"] == NO_LINE.hex()
    assert all(after["previous"] == leaf_hash(LOG.lines[before["index"]]).hex() for before, after in pairwise(told))
    line = json.loads(write_line(record(1, optional_faces_compared=0, optional_purpose="incident"), 0, NO_LINE))
    assert line["action"] == "request_viewed"
    assert line["outcome"] == "allowed"
    assert line["recorded_at"] == "20261123T120001.000000Z"
    assert line["faces_compared"] == 0
    assert line["purpose"] == "incident"
    assert "camera_seconds" not in line
