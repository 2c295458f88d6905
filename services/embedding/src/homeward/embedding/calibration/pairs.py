"""The operator's pairs: photos of people who agreed to it, several of each."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png"})
LEAST_PEOPLE: Final = 20
"""Fewer make 380 pairs of strangers: not even one in a hundred could be told from one in ten."""


class PairsError(ValueError):
    """The folder does not hold what a calibration needs; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class PairedPerson:
    """One person's photos: `reference` is searched with, the `others` are made what a camera would see."""

    name: str
    reference: Path
    others: tuple[Path, ...]


def read_pairs(folder: Path) -> list[PairedPerson]:
    """Return the people of `folder`: files `<person>-<anything>.jpg` or `.png`, the first by name the reference.

    Raises PairsError for fewer than LEAST_PEOPLE with two photos.
    """
    photos: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.glob("*")):
        person, dash, _ = path.stem.partition("-")
        if path.suffix.lower() in _SUFFIXES and dash:
            photos[person].append(path)
    people = [PairedPerson(name, paths[0], tuple(paths[1:])) for name, paths in photos.items() if paths[1:]]
    if len(people) < LEAST_PEOPLE:
        raise PairsError(
            f"{folder} holds two photos, <person>-<a>.jpg and <person>-<b>.jpg, of {len(people)} people; "
            f"a calibration needs {LEAST_PEOPLE} and more"
        )
    return people
