"""Looking for what must not be there: templates and names, in every byte that Homeward left anywhere."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

_HINTS: Final = 6
"""So many components of one template, each as text, are no chance; a single number may be."""

_STRIDE: Final = 8
_MASK: Final = (1 << 24) - 1


class Needles(Protocol):
    """Something to look for."""

    def found_in(self, data: bytes) -> set[str]:
        """Return what of it stands in `data`, in words."""
        ...


@dataclass(frozen=True, slots=True)
class Words:
    """Byte strings to look for, by what it would mean to find one."""

    patterns: Mapping[bytes, str]

    def found_in(self, data: bytes) -> set[str]:
        """Return what of it stands in `data`."""
        return {meaning for pattern, meaning in self.patterns.items() if pattern in data}


class Numbers:
    """The components of templates as machine words of one kind, looked for at every offset.

    Two words that follow one another in a template, `step` bytes apart, are proof: by chance a word is met once in
    four thousand million places, and its neighbour not beside it.
    """

    def __init__(self, templates: Mapping[str, NDArray[np.float32]], kind: str, step: int, shift: int) -> None:
        self._owners = list(templates)
        self._kind, self._step, self._shift = kind, step, shift
        self._length = len(next(iter(templates.values())))
        values = np.concatenate(list(templates.values())).astype(kind)
        self._word = np.dtype(f"<u{values.itemsize}")
        words = np.frombuffer(values.tobytes(), self._word)
        self._order = np.argsort(words)
        self._sorted = words[self._order]
        self._likely = np.zeros(_MASK + 1, dtype=bool)
        self._likely[(words >> shift) & _MASK] = True

    def found_in(self, data: bytes) -> set[str]:
        """Return whose templates stand in `data`."""
        places: dict[int, int] = {}
        for offset in range(min(self._word.itemsize, len(data))):
            whole = (len(data) - offset) // self._word.itemsize
            words = np.frombuffer(data, self._word, whole, offset)
            at = np.flatnonzero(self._likely[(words >> self._shift) & _MASK])
            found = np.minimum(np.searchsorted(self._sorted, words[at]), len(self._sorted) - 1)
            for index in np.flatnonzero(self._sorted[found] == words[at]):
                places[int(at[index]) * self._word.itemsize + offset] = int(self._order[found[index]])
        return {
            f"template of {self._owners[number // self._length]} as {self._kind}"
            for place, number in places.items()
            if places.get(place + self._step) == number + 1 and (number + 1) % self._length
        }


class Texts:
    """The components of templates as decimal text."""

    def __init__(self, templates: Mapping[str, NDArray[np.float32]]) -> None:
        self._hints = {
            owner: [f"{component:.7f}"[:7].encode() for component in template[::_STRIDE]]
            for owner, template in templates.items()
        }

    def found_in(self, data: bytes) -> set[str]:
        """Return whose templates stand in `data`."""
        if not re.search(rb"0\.\d{5}\D{1,3}0\.\d{5}|0\.\d{5,}[^\d.]{1,4}-?0\.\d{5}", data):
            return set()
        return {
            f"template of {owner} as text"
            for owner, hints in self._hints.items()
            if sum(hint in data for hint in hints) >= _HINTS
        }


def template_needles(templates: Mapping[str, NDArray[np.float32]]) -> list[Needles]:
    """Return what betrays `templates`, by whose they are.

    Each is looked for as float32 and float64 of both byte orders, as a pickled list of floats, which is how Qdrant's
    local mode writes one (a mark stands before each), and as text; whole or in pieces.
    """
    return [
        Numbers(templates, "<f4", 4, 0),
        Numbers(templates, ">f4", 4, 0),
        # The lower half of a float32 made a float64 is 0, so its upper bits tell numbers apart.
        Numbers(templates, "<f8", 8, 29),
        Numbers(templates, ">f8", 8, 0),
        Numbers(templates, ">f8", 9, 0),
        Texts(templates),
    ]


def name_needles(names: Sequence[str]) -> list[Needles]:
    """Return what betrays `names`, in UTF-8 and UTF-16, whole words and as part of a file's name."""
    patterns: dict[bytes, str] = {}
    for name in names:
        for form in {name, name.replace(" ", "_"), *name.split(), *name.lower().split()}:
            patterns[form.encode()] = f"the name {name}"
            patterns[form.encode("utf-16-le")] = f"the name {name}"
    return [Words(patterns)]


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every regular file below `folder` with its bytes, and every path as bytes of its own."""
    for path in sorted(folder.rglob("*")):
        shown = str(path.relative_to(folder))
        yield f"path {shown}", shown.encode()
        try:
            if path.is_file():
                yield f"file {shown}", path.read_bytes()
        except FileNotFoundError:
            continue


def search(places: Iterable[tuple[str, bytes]], needles: Iterable[Needles]) -> list[str]:
    """Return where what was found, as "meaning in place"; empty when nothing was found."""
    looked_for = list(needles)
    return sorted(
        f"{meaning} in {place}" for place, data in places for needle in looked_for for meaning in needle.found_in(data)
    )
