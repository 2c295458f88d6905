"""Invariant 5: a sighting is a question, and two reviewers who do not know of each other's answer answer it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from support.officials import api_of, eventually, told
from support.scenes import reference_photo
from support.world import World

FOLDED_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Review:
    """One open search with its sightings, and the people who look at them."""

    request_id: str
    first: httpx.Client
    second: httpx.Client
    officer: httpx.Client
    auditor: httpx.Client

    def sightings(self, reviewer: httpx.Client) -> list[dict[str, Any]]:
        return list(told(reviewer, f"/review/searches/{self.request_id}/sightings")["sightings"])

    def answer(self, reviewer: httpx.Client, sighting_id: str, answer: str) -> httpx.Response:
        return reviewer.put(f"/review/sightings/{sighting_id}/answer", json={"answer": answer})

    def outcome(self) -> dict[str, Any]:
        return dict(told(self.officer, f"/review/searches/{self.request_id}/outcome"))


@pytest.fixture(scope="module")
def review(world: World) -> Iterator[Review]:
    pipeline = world.pipeline
    photo, cameras = reference_photo(world.people[0]).read_bytes(), sorted(world.scene.videos)
    found = pipeline.search([photo], cameras, world.starts_at, world.ends_at)
    assert len(found.sightings) >= 2
    names = ("reviewer-1", "reviewer-2", "officer", "auditor")
    clients = [api_of(pipeline.stack, name) for name in names]
    review = Review(found.authorisation_id, *clients)
    eventually(lambda: len(review.sightings(review.first)) >= 2, FOLDED_WITHIN, "access has the sightings")
    yield review
    for client in clients:
        client.close()
    pipeline.close(found.authorisation_id)
    pipeline.operator.wait_templates(0, timedelta(seconds=30))


def test_nothing_is_confirmed_by_the_machine_or_by_one_reviewer(review: Review) -> None:
    best = review.sightings(review.first)[0]["sighting_id"]
    assert review.outcome()["confirmed"] == []
    before = told(review.second, f"/review/sightings/{best}")
    for _ in range(2):
        assert review.answer(review.first, best, "yes").json()["standing"] == "waiting"
    assert review.outcome()["confirmed"] == []
    # Whoever comes second sees what they saw before anybody had answered.
    assert told(review.second, f"/review/sightings/{best}") == before
    assert before["standing"] == "asked"
    assert review.answer(review.second, best, "yes").json()["standing"] == "confirmed"
    assert [one["sighting_id"] for one in review.outcome()["confirmed"]] == [best]


def test_reviewers_who_differ_confirm_nothing(review: Review) -> None:
    other = review.sightings(review.first)[1]["sighting_id"]
    confirmed = [one["sighting_id"] for one in review.outcome()["confirmed"]]
    review.answer(review.first, other, "yes")
    assert review.answer(review.second, other, "no").json()["standing"] == "disputed"
    assert [one["sighting_id"] for one in review.outcome()["confirmed"]] == confirmed
    assert review.outcome()["disputed"] == 1


def test_nobody_but_reviewers_answers(review: Review, world: World) -> None:
    sighting_id = review.sightings(review.first)[1]["sighting_id"]
    for somebody in (review.officer, review.auditor):
        assert review.answer(somebody, sighting_id, "yes").status_code == HTTPStatus.FORBIDDEN
    with api_of(world.pipeline.stack) as nobody:
        assert review.answer(nobody, sighting_id, "yes").status_code == HTTPStatus.UNAUTHORIZED
