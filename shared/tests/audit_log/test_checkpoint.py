import pytest

from homeward.shared.audit_log.checkpoint import Anchor, MalformedCheckpointError, SignedCheckpoint
from homeward.shared.audit_log.merkle import Frontier, grow
from homeward.shared.authorisation.keys import KeySet, SigningKey
from support.audit_logs import SignedLog

LOG = SignedLog(5, stops=(2,))
SIGNED = LOG.anchors[1].signed


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    read = SignedCheckpoint.parse(SIGNED.note)
    assert read == SIGNED
    assert read.signed_by(LOG.keys)


def test_a_checkpoint_counts_by_a_known_key_alone() -> None:
    assert not SIGNED.signed_by(KeySet.of([SigningKey.generate().public_key]))


@pytest.mark.parametrize(
    ("place", "text"), [(0, "another.log"), (1, "4"), (2, "A" * 43 + "="), (3, "20261123T140000.000000Z")]
)
def test_each_line_of_a_checkpoint_is_signed(place: int, text: str) -> None:
    lines = SIGNED.note.split("\n")
    lines[place] = text
    try:
        read = SignedCheckpoint.parse("\n".join(lines))
    except MalformedCheckpointError:
        return
    assert not read.signed_by(LOG.keys)


@pytest.mark.parametrize("note", ["", "homeward.audit.v1\n", SIGNED.note + "x", SIGNED.note.replace("\n5\n", "\n05\n")])
def test_what_is_no_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(MalformedCheckpointError):
        SignedCheckpoint.parse(note)


def test_an_anchor_is_read_as_it_was_written() -> None:
    read = Anchor.from_json(LOG.anchors[1].to_json())
    assert read == LOG.anchors[1]
    assert read.follows(grow(Frontier(), LOG.leaves[:2]))
    assert not read.follows(grow(Frontier(), LOG.leaves[1:3]))
    assert not read.follows(Frontier())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"checkpoint":1,"first":0,"leaf_hashes":[]}'])
def test_what_is_no_anchor_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedCheckpointError):
        Anchor.from_json(data)


def test_an_anchor_whose_hashes_end_elsewhere_is_refused() -> None:
    with pytest.raises(MalformedCheckpointError):
        Anchor(SIGNED, 3, LOG.leaves[2:])
