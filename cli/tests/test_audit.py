import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from homeward.cli.__main__ import app
from homeward.shared.authorisation import KeySet, SigningKey
from support.audit_logs import SignedLog

SIZE = 9


class Desk:
    """An auditor's desk: a copy, the bucket's checkpoints, the public keys."""

    def __init__(self, folder: Path) -> None:
        self.log = SignedLog(SIZE, stops=(4,))
        self.folder = folder
        self.file = folder / "copy.ndjson"
        self.keys = folder / "keys.json"
        self.log.keys.save_jwks(self.keys)
        self.bucket = folder / "audit"
        (self.bucket / "2026-11-23").mkdir(parents=True)
        for anchor in self.log.anchors:
            path = self.bucket / "2026-11-23" / f"{anchor.signed.checkpoint.size:020d}.json"
            path.write_bytes(anchor.to_json())

    def verify(self, lines: Sequence[bytes], *options: str | Path) -> Result:
        self.file.write_bytes(b"".join(line + b"\n" for line in [*lines, self.log.ending]))
        return CliRunner().invoke(app, ["audit", "verify", str(self.file), *map(str, options)], env={"COLUMNS": "200"})

    def verify_all(self, lines: Sequence[bytes]) -> Result:
        return self.verify(lines, "--checkpoints", self.bucket, "--keys", self.keys)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_good_copy_is_vouched_for(desk: Desk) -> None:
    result = desk.verify_all(desk.log.lines)
    assert result.exit_code == 0
    assert "9 records: none changed, removed, inserted or reordered" in result.output
    assert "3 signed checkpoints vouch for 9 of them" in result.output


@pytest.mark.parametrize(
    ("bend", "said"),
    [
        (lambda lines: [*lines[:3], lines[3].replace(b"allowed", b"denied"), *lines[4:]], "changed: record 3 is not"),
        (lambda lines: [*lines[:3], *lines[4:]], "removed: record 3 is missing"),
        (lambda lines: [*lines[:3], lines[6], *lines[3:6], *lines[7:]], "reordered: record 6 stands in another place"),
        (lambda lines: [*lines[:3], lines[3].replace(b"allowed", b"denied"), *lines[3:]], "inserted: line 4 of"),
        (lambda lines: lines[:7], "truncated: the copy ends before record 7"),
    ],
)
def test_a_copy_that_was_bent_is_told(desk: Desk, bend: object, said: str) -> None:
    assert callable(bend)
    result = desk.verify_all(bend(desk.log.lines))
    assert result.exit_code == 1
    assert said in result.output
    assert result.output.count("\n") == 1


def test_a_copy_cut_short_with_its_checkpoint_needs_the_bucket(desk: Desk) -> None:
    desk.log.anchors.pop()
    lines = desk.log.lines[:4]
    assert desk.verify(lines, "--keys", desk.keys).exit_code == 0
    result = desk.verify_all(lines)
    assert result.exit_code == 1
    assert "truncated: the copy ends before record 4, and a checkpoint vouches for 9" in result.output


def test_without_keys_it_says_what_is_not_proven(desk: Desk) -> None:
    result = desk.verify(desk.log.lines)
    assert result.exit_code == 0
    assert "no signature was checked" in result.output


def test_a_key_that_signed_nothing_vouches_for_nothing(desk: Desk) -> None:
    KeySet.of([SigningKey.generate().public_key]).save_jwks(desk.keys)
    result = desk.verify_all(desk.log.lines)
    assert result.exit_code == 1
    assert "not signed by a known key" in result.output


def test_a_log_rewritten_from_its_middle_is_not_told_record_by_record(desk: Desk) -> None:
    desk.log.lines = [json.dumps({**json.loads(line), "previous": "00" * 32}).encode() for line in desk.log.lines * 5]
    result = desk.verify_all(desk.log.lines)
    assert result.exit_code == 1
    assert "more" in result.output.splitlines()[-1]


@pytest.mark.parametrize("missing", ["copy", "keys", "checkpoints", "checkpoint"])
def test_what_is_missing_is_said(desk: Desk, missing: str, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    if missing == "copy":
        result = CliRunner().invoke(app, ["audit", "verify", str(nothing / "file")])
    elif missing == "keys":
        result = desk.verify(desk.log.lines, "--keys", nothing / "keys.json")
    elif missing == "checkpoints":
        result = desk.verify(desk.log.lines, "--checkpoints", nothing)
    else:
        (nothing / "one.json").write_text("{}")
        result = desk.verify(desk.log.lines, "--checkpoints", nothing)
    assert result.exit_code == 1
    assert "error:" in result.output
