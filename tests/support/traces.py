"""Looking for what must not be there: templates and names, in every byte that Homeward left anywhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

_RUN: Final = 6
"""So many neighbouring components are a template's beyond doubt: 6 float32 values are 24 bytes."""

_STRIDE: Final = 8
_HINTS: Final = 6


@dataclass(frozen=True, slots=True)
class Needles:
    """What to look for, as bytes, by what it would mean to find it.

    One of `patterns` is proof. One of `hints` may stand there by chance, as a number may; several of one meaning are
    proof.
    """

    patterns: Mapping[bytes, str]
    hints: Mapping[str, Sequence[bytes]] = field(default_factory=dict)

    def found_in(self, data: bytes) -> set[str]:
        """Return what of it stands in `data`."""
        proven = {meaning for pattern, meaning in self.patterns.items() if pattern in data}
        return proven | {
            meaning for meaning, hints in self.hints.items() if sum(hint in data for hint in hints) >= _HINTS
        }


def template_needles(templates: Mapping[str, NDArray[np.float32]]) -> Needles:
    """Return what betrays `templates`, by whose they are.

    Each is looked for as float32 and float64 of both byte orders, as half precision, and as text;
    by short runs from all along it, so that a template cut into pieces is found as well.
    """
    patterns: dict[bytes, str] = {}
    for owner, template in templates.items():
        for start in range(0, len(template) - _RUN + 1, _STRIDE):
            run = template[start : start + _RUN]
            for kind in ("<f4", ">f4", "<f8", ">f8", "<f2"):
                patterns[run.astype(kind).tobytes()] = f"template of {owner} as {kind}"
    texts = {
        f"template of {owner} as text": [f"{component:.7f}"[:7].encode() for component in template[::_STRIDE]]
        for owner, template in templates.items()
    }
    return Needles(patterns, texts)


def name_needles(names: Sequence[str]) -> Needles:
    """Return what betrays `names`, in UTF-8 and UTF-16, whole words and as part of a file's name."""
    patterns: dict[bytes, str] = {}
    for name in names:
        for form in {name, name.replace(" ", "_"), *name.split(), *name.lower().split()}:
            patterns[form.encode()] = f"the name {name}"
            patterns[form.encode("utf-16-le")] = f"the name {name}"
    return Needles(patterns)


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


def search(places: Iterable[tuple[str, bytes]], *needles: Needles) -> list[str]:
    """Return where what was found, as "meaning in place"; empty when nothing was found."""
    return sorted(
        f"{meaning} in {place}" for place, data in places for needle in needles for meaning in needle.found_in(data)
    )
