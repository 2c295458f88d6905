"""What review shows."""

from dataclasses import dataclass
from datetime import datetime

from homeward.access.review.verdict import Answer, Standing
from homeward.access.review.words import Quality, Support
from homeward.shared.authorisation import Purpose


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a sighting's face, by its number; `face_width_px` is the face's width in the frame."""

    number: int
    taken_at: datetime
    face_width_px: float
    quality: float
    quality_word: Quality


@dataclass(frozen=True, slots=True)
class SightingView:
    """A sighting as one reviewer may see it.

    Nothing here depends on what others answered until one has answered oneself, or the sighting is decided.
    `likelihood_ratio` says how many times likelier the score is if both faces are one person's than if they are two
    people's; `false_match_rate` which share of strangers score as high. `pictures` are none once the search has ended.
    """

    sighting_id: str
    request_id: str
    camera_id: str
    first_seen_at: datetime
    last_seen_at: datetime
    found_at: datetime
    live: bool
    likelihood_ratio: float | None
    support: Support
    false_match_rate: float | None
    standing: Standing
    own_answer: Answer | None
    may_answer: bool
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search has come. Times of all cameras together in seconds.

    `expected_false` is how many of the candidates so far are expected to be strangers. `tasks` is None while the
    search of recordings is not planned. `refusal` is why the search could not start, as in
    homewardapi.search.v1.RefusalReason, in lower case, and `refused_photo` the photo at fault, counted from 0.
    """

    tasks: int | None
    tasks_done: int
    faces_compared: int
    faces_too_poor: int
    faces_unreadable: int
    clips_unreadable: int
    candidates: int
    camera_s: float
    planned_camera_s: float
    expected_false: float
    refusal: str | None
    refused_photo: int | None


@dataclass(frozen=True, slots=True)
class CaseView:
    """A search as a reviewer sees it; `asked` counts the sightings that await their own answer."""

    request_id: str
    purpose: Purpose
    case_reference: str
    opened_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    photos: int
    sightings: int
    asked: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class SightingList:
    """A part of a search's sightings, best first; `after` asks for the next part, None at the end."""

    sightings: tuple[SightingView, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What review came to, for those who asked and decided: counts, and the confirmed sightings alone."""

    undecided: int
    disputed: int
    confirmed: tuple[SightingView, ...]
    rejected: int
    progress: Progress
