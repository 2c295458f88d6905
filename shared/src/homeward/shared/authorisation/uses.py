"""What somebody wants to do under an authorisation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SearchFaces:
    """Look for the subject's face: enrol, plan, compare."""


@dataclass(frozen=True, slots=True)
class ReadCrops:
    """Read the crops of one clip for templates; `key` is an object in the bucket crops."""

    key: str


@dataclass(frozen=True, slots=True)
class ReadPhoto:
    """Read one reference photo; `key` is an object in the bucket subjects."""

    key: str


Use = SearchFaces | ReadCrops | ReadPhoto
