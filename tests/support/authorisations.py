"""Authorisations for tests: real tokens by a throw-away key, and a clock that the test moves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from homeward.shared.authorisation import Claims, KeySet, Purpose, Rank, SigningKey, Verifier, issue
from homeward.shared.authorisation.policy import Official, Request, decide

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
AUTHORISATION_ID = "0d5c2f6e-9b1a-4c53-8a7e-3f0b6f1d2c41"
OFFICER = Official("officer-1", Rank.OFFICER)
SUPERVISOR = Official("supervisor-1", Rank.SUPERVISOR)


class MovableClock:
    """A clock that stands still until the test moves it; `sleep` moves it too, and returns at once."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=max(0.0, seconds))

    def move(self, span: timedelta) -> None:
        self._now += span


def request(
    authorisation_id: str = AUTHORISATION_ID,
    *,
    purpose: Purpose = Purpose.MISSING_PERSON,
    requester: Official = OFFICER,
    camera_ids: Sequence[str] = ("gate", "hall"),
    window: tuple[datetime, datetime] = (NOON - timedelta(hours=3), NOON + timedelta(hours=3)),
    photos: int = 1,
    lifetime: timedelta = timedelta(hours=12),
    urgent_for: timedelta | None = None,
) -> Request:
    """Return a request that a supervisor may approve, but for what the test changes."""
    return Request(
        authorisation_id,
        purpose,
        requester,
        tuple(camera_ids),
        *window,
        tuple(f"{authorisation_id}/{index}.jpg" for index in range(photos)),
        lifetime,
        urgent_for,
    )


def claims_for(asked: Request, *approvers: Official, now: datetime = NOON) -> Claims:
    """Return the claims that the policy grants, by a supervisor unless it is urgent; fail where it grants none."""
    signed_by = approvers or (() if asked.urgent_for is not None else (SUPERVISOR,))
    decision = decide(asked, signed_by, now=now, open_searches=0)
    assert isinstance(decision, Claims), decision
    return decision


@dataclass
class Authority:
    """A key and what it signs, for tests of services: `authority.token()` is a token in force at its clock."""

    clock: MovableClock = field(default_factory=MovableClock)
    key: SigningKey = field(default_factory=SigningKey.generate)

    @property
    def keys(self) -> KeySet:
        return KeySet.of([self.key.public_key])

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.keys, self.clock)

    def token(self, asked: Request | None = None, *approvers: Official) -> str:
        return issue(claims_for(asked or request(), *approvers, now=self.clock.now()), self.key)
