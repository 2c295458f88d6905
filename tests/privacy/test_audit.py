"""Invariant 7: what cannot be recorded does not happen, and an outsider can verify what was recorded."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from homeward.shared.objectkeys import AUDIT_BUCKET, SUBJECTS_BUCKET, subject_prefix
from homeward.shared.topics import AUTHORISATIONS
from support.asking import ask
from support.officials import api_of, eventually, told
from support.scenes import reference_photo
from support.world import World

SIGNED_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Copy:
    """What an outsider is given: a copy of the log, the keys, and the bucket's checkpoints."""

    request_id: str
    file: Path
    keys: Path
    checkpoints: Path

    def records(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.file.read_text().splitlines()]
        return [line for line in lines if "record_id" in line]

    def verified(self, file: Path | None = None) -> int:
        """Return how `homeward audit verify` ends."""
        command: list[str | Path] = [sys.executable, "-m", "homeward.cli", "audit", "verify", file or self.file]
        command += ["--keys", self.keys, "--checkpoints", self.checkpoints]
        return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode


@pytest.fixture(scope="module")
def copy(world: World, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The log once a search was asked for, agreed to, run and ended."""
    folder = tmp_path_factory.mktemp("audit")
    found = world.search(world.people[1])
    store, request_id = world.pipeline.operator.store, found.authorisation_id
    with api_of(world.pipeline.stack, "auditor") as auditor:

        def exported() -> bool:
            answer = auditor.get("/audit/export")
            (folder / "log.ndjson").write_bytes(answer.content)
            ends = (line for line in answer.text.splitlines() if '"search_ended"' in line)
            return answer.is_success and any(request_id in line for line in ends)

        eventually(exported, SIGNED_WITHIN, "the end of the search is signed")
        (folder / "keys.json").write_text(json.dumps(told(auditor, "/transparency/keys")))
    for listed in store.list(AUDIT_BUCKET):
        path = folder / "checkpoints" / listed.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(store.get(AUDIT_BUCKET, listed.key))
    return Copy(request_id, folder / "log.ndjson", folder / "keys.json", folder / "checkpoints")


def test_an_outsider_verifies_the_log_without_us(copy: Copy) -> None:
    assert copy.verified() == 0


@pytest.mark.parametrize("damage", ["changed", "removed", "reordered"])
def test_one_record_that_is_not_as_it_was_is_found(copy: Copy, tmp_path: Path, damage: str) -> None:
    lines = copy.file.read_text().splitlines(keepends=True)
    if damage == "changed":
        lines[3] = lines[3].replace('"allowed"', '"denied"')
    elif damage == "removed":
        del lines[3]
    else:
        lines[3], lines[4] = lines[4], lines[3]
    (tmp_path / "log.ndjson").write_text("".join(lines))
    assert (tmp_path / "log.ndjson").read_bytes() != copy.file.read_bytes()
    assert copy.verified(tmp_path / "log.ndjson") == 1


def test_every_step_of_a_search_is_on_record_in_its_order(copy: Copy) -> None:
    of_it = [one for one in copy.records() if copy.request_id in {one.get("request_id"), one.get("authorisation_id")}]
    actions = [one["action"] for one in of_it]
    steps = ["request_submitted", "receipt_issued", "request_approved", "search_started", "faces_compared"]
    places = [actions.index(step) for step in [*steps, "request_stopped", "search_ended"]]
    assert places == sorted(places)


def test_what_cannot_be_recorded_does_not_happen(world: World) -> None:
    """The broker answers nobody: nothing is opened, told or begun, then or later."""
    pipeline = world.pipeline
    photo = reference_photo(world.people[0]).read_bytes()
    request_id = ask(pipeline.officials.officer, world, [photo])
    names = ("supervisor", "officer", "auditor")
    supervisor, officer, auditor = clients = [api_of(pipeline.stack, name) for name in names]
    known = told(officer, "/requests")["items"]
    broker = pipeline.stack.broker.process
    approval = {"reason": "The mother came to the station."}
    broker.send_signal(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor() as at_once:
            answers = [
                at_once.submit(supervisor.post, f"/requests/{request_id}/approve", json=approval),
                at_once.submit(officer.get, f"/requests/{request_id}"),
                at_once.submit(officer.get, f"/requests/{request_id}/photos/0"),
                at_once.submit(auditor.get, "/audit"),
            ]
            told_while_away = [answer.result() for answer in answers]
    finally:
        broker.send_signal(signal.SIGCONT)
    assert {answer.status_code for answer in told_while_away} == {HTTPStatus.SERVICE_UNAVAILABLE}
    assert all(len(answer.content) < 1000 for answer in told_while_away)
    eventually(lambda: officer.get("/requests").is_success, timedelta(seconds=60), "access answers again")
    assert pipeline.officials.officer.request(request_id)["state"] == "submitted"
    assert told(officer, "/requests")["items"] == known
    assert request_id not in pipeline.operator.log.state(AUTHORISATIONS)
    assert list(pipeline.operator.store.list(SUBJECTS_BUCKET, subject_prefix(request_id))) == []
    assert pipeline.operator.templates_at_rest() == 0
    pipeline.officials.stop(request_id)
    for client in clients:
        client.close()
