"""The policy of a site: how much may be asked, who must agree, who is who. A versioned file, validated whole."""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from homeward.access.people.principal import Role
from homeward.shared.authorisation import Purpose, Rank, ceilings
from homeward.shared.authorisation.ranks import APPROVER_RANK

_HOUR: Final = timedelta(hours=1)
_LIFETIME_MAX_H: Final = ceilings.LIFETIME_MAX // _HOUR
_WINDOW_MAX_H: Final = ceilings.WINDOW_MAX // _HOUR
_URGENT_MAX_MINUTES: Final = ceilings.URGENT_MAX // timedelta(minutes=1)

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Hours = Annotated[int, Field(ge=1, le=_WINDOW_MAX_H)]
LifetimeHours = Annotated[int, Field(ge=1, le=_LIFETIME_MAX_H)]
Cameras = Annotated[int, Field(ge=1, le=ceilings.CAMERAS_MAX)]


class PolicyFileError(Exception):
    """The policy file cannot be read or is not valid; the message names the file and each part at fault."""


class _Part(BaseModel):
    # Strict in everything but what TOML has no type for: an enum's value is a text there.
    model_config = ConfigDict(frozen=True, extra="forbid")


class Widening(_Part):
    """Who must agree to more than usual: above so many cameras or hours, `rank`."""

    rank: Rank
    cameras_over: Cameras | None = None
    window_over_h: Hours | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.cameras_over is None and self.window_over_h is None:
            raise ValueError("a widening says cameras_over or window_over_h")
        return self

    def applies(self, cameras: int, window: timedelta) -> bool:
        """Whether `cameras` or `window` reach beyond it."""
        by_cameras = self.cameras_over is not None and cameras > self.cameras_over
        return by_cameras or (self.window_over_h is not None and window > self.window_over_h * _HOUR)


class PurposePolicy(_Part):
    """What may be asked for one purpose."""

    approver_rank: Rank
    max_window_h: Hours
    default_window_h: Hours
    max_cameras: Cameras
    max_lifetime_h: LifetimeHours
    default_lifetime_h: LifetimeHours
    decide_within_h: Annotated[int, Field(ge=1, le=30 * 24)]
    urgent: bool = False
    urgent_minutes: Annotated[int, Field(ge=1, le=_URGENT_MAX_MINUTES)] = ceilings.URGENT_DEFAULT // timedelta(
        minutes=1
    )
    unredacted_rank: Rank | None = None
    widening: tuple[Widening, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.default_window_h > self.max_window_h or self.default_lifetime_h > self.max_lifetime_h:
            raise ValueError("a default is larger than its maximum")
        if any(not one.rank.reaches(self.approver_rank) for one in self.widening):
            raise ValueError("a widening asks for a lower rank than approver_rank")
        if self.unredacted_rank is not None and not self.unredacted_rank.reaches(self.approver_rank):
            raise ValueError("unredacted_rank is lower than approver_rank")
        return self

    @property
    def max_window(self) -> timedelta:
        """The longest span of footage."""
        return self.max_window_h * _HOUR

    @property
    def default_window(self) -> timedelta:
        """How far back a window reaches at most whose start is left open."""
        return self.default_window_h * _HOUR

    @property
    def max_lifetime(self) -> timedelta:
        """The longest time from the approval to the end."""
        return self.max_lifetime_h * _HOUR

    @property
    def default_lifetime(self) -> timedelta:
        """The time from the approval to the end, unless another is asked for."""
        return self.default_lifetime_h * _HOUR

    @property
    def decide_within(self) -> timedelta:
        """How long a request waits for a decision before it ends by itself."""
        return self.decide_within_h * _HOUR

    @property
    def urgent_for(self) -> timedelta:
        """How long one signature carries."""
        return timedelta(minutes=self.urgent_minutes)


class SubjectAccessPolicy(_Part):
    """The times of the law for somebody's own footage, counted from the day of the request."""

    due_days: Annotated[int, Field(ge=1, le=90)]
    hold_days: Annotated[int, Field(ge=2, le=365)]
    hold_after_refusal_days: Annotated[int, Field(ge=1, le=365)]

    @model_validator(mode="after")
    def _holds_long_enough(self) -> Self:
        if self.hold_days <= self.due_days:
            raise ValueError("hold_days must be more than due_days: footage must outlive the time to answer")
        return self


class ReceiptPolicy(_Part):
    """How receipts may be used."""

    attempts_per_minute: Annotated[int, Field(ge=1, le=600)]


class ReviewPolicy(_Part):
    """How long references to pictures of sightings are kept; none is shown once the search has ended."""

    crops_after_end_h: Annotated[int, Field(ge=0, le=30 * 24)]


class RecordsPolicy(_Part):
    """How long what people wrote is kept."""

    texts_after_end_days: Annotated[int, Field(ge=1, le=730)]


class Group(_Part):
    """What the members of one of the provider's groups may do."""

    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    rung: Name


class Policy(_Part):
    """The whole policy. `digest` is the SHA-256 of the file, in hexadecimal; empty for one made in code."""

    version: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[A-Za-z0-9._-]+$")]
    searches_at_once: Annotated[int, Field(ge=1, le=ceilings.LIVE_SEARCHES_MAX)] = ceilings.LIVE_SEARCHES_DEFAULT
    ladder: Annotated[Mapping[Name, Rank], Field(min_length=1)]
    groups: Mapping[Name, Group]
    purposes: Mapping[Purpose, PurposePolicy]
    subject_access: SubjectAccessPolicy
    receipts: ReceiptPolicy
    review: ReviewPolicy
    records: RecordsPolicy
    digest: Annotated[str, Field(exclude=True)] = ""

    @model_validator(mode="after")
    def _stands(self) -> Self:
        if set(self.purposes) != set(Purpose):
            raise ValueError(f"the purposes are {', '.join(Purpose)}, each exactly once")
        for purpose, part in self.purposes.items():
            if not part.approver_rank.reaches(APPROVER_RANK[purpose]):
                raise ValueError(f"{purpose} cannot be approved below the rank of {APPROVER_RANK[purpose]}")
            if part.urgent and purpose is not Purpose.MISSING_PERSON:
                raise ValueError("only a missing person may be looked for on one signature")
            if part.unredacted_rank is not None and purpose is not Purpose.INCIDENT:
                raise ValueError("only an incident knows footage with faces shown")
        for name, group in self.groups.items():
            if group.rung not in self.ladder:
                raise ValueError(f"the group {name} stands on a rung that the ladder does not have")
        return self

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the policy in the TOML file at `path`; raise PolicyFileError."""
        try:
            data = path.read_bytes()
            return cls.parse(data)
        except OSError as error:
            raise PolicyFileError(f"{path} cannot be read: {error.strerror}") from error
        except PolicyFileError as error:
            raise PolicyFileError(f"{path}: {error}") from error

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the policy in `data`, TOML; raise PolicyFileError."""
        try:
            document = tomllib.loads(data.decode())
        except ValueError as error:
            raise PolicyFileError(f"the policy is not TOML: {error}") from error
        if "digest" in document:
            raise PolicyFileError("digest: a policy does not name its own digest")
        try:
            return cls.model_validate({**document, "digest": hashlib.sha256(data).hexdigest()})
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(str(part) for part in one['loc']) or 'policy'}: {one['msg']}" for one in error.errors()
            )
            raise PolicyFileError(faults) from error

    def of(self, purpose: Purpose) -> PurposePolicy:
        """Return what may be asked for `purpose`."""
        return self.purposes[purpose]

    def roles_of(self, groups: Iterable[str]) -> tuple[frozenset[Role], Rank]:
        """Return the roles and the rank of somebody in `groups`; groups that the policy does not know give nothing."""
        known = [self.groups[name] for name in groups if name in self.groups]
        rank = Rank.OFFICER
        for group in known:
            if self.ladder[group.rung].reaches(rank):
                rank = self.ladder[group.rung]
        return frozenset(role for group in known for role in group.roles), rank

    def needed_rank(self, purpose: Purpose, cameras: int, window: timedelta, *, unredacted: bool = False) -> Rank:
        """Return the rank that must agree to so many cameras and so long a window."""
        part = self.of(purpose)
        needed = [part.approver_rank, *(one.rank for one in part.widening if one.applies(cameras, window))]
        if unredacted:
            needed.append(part.unredacted_rank or Rank.COMMANDER)
        return max(needed, key=list(Rank).index)
