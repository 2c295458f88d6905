"""The scores of people's own and of strangers' faces, at every width at which a camera may see them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from homeward.embedding.answers import RefusedError
from homeward.embedding.calibration.degrade import as_seen, face_in
from homeward.embedding.calibration.pairs import PairedPerson, PairsError
from homeward.embedding.photo import find_faces, subject_face
from homeward.embedding.ports import Embedder, FaceFinder
from homeward.shared.vision.alignment import AlignmentError, align, inner
from homeward.shared.vision.jpeg import PictureError, decode_picture, encode_jpeg

WIDTHS_PX: Final = (24.0, 32.0, 40.0, 48.0, 64.0, 80.0, 120.0)
PICTURES: Final = 3
"""What a camera sees of a face: detection keeps three pictures of it at the most."""

_MOST_PIXELS: Final = 40_000_000


@dataclass(frozen=True, slots=True)
class Scores:
    """The faces seen at one width, N of them, against R references.

    `pictures` is NxPICTURESxR, cosines, NaN where no face was found in a picture; `person` says whose face each is, by
    the reference's position.
    """

    width_px: float
    pictures: NDArray[np.float32]
    person: NDArray[np.intp]

    @property
    def missed(self) -> int:
        """The pictures in which no face was found."""
        return int(np.isnan(self.pictures[:, :, 0]).sum())

    def same(self) -> NDArray[np.float32]:
        """Return the scores of pictures with their own person's reference."""
        own = np.take_along_axis(self.pictures, self.person[:, None, None], axis=2).ravel()
        return np.asarray(own[~np.isnan(own)], dtype=np.float32)

    def strangers(self, among: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """Return the scores of pictures with other people's references; `among` says of which people, or of all."""
        kept = np.ones(self.pictures.shape[2], dtype=np.bool_) if among is None else among
        other = np.arange(self.pictures.shape[2])[None, :] != self.person[:, None]
        other &= kept[None, :] & kept[self.person][:, None]
        found = self.pictures.transpose(0, 2, 1)[other].ravel()
        return np.asarray(found[~np.isnan(found)], dtype=np.float32)


Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Makes one template of one face, uint8 112x112x3 RGB."""


def embed_with(embedder: Embedder) -> Embed:
    """Return the call that makes one template by `embedder`."""
    return lambda face: np.asarray(embedder.embed(face[None])[0], dtype=np.float32)


def measure(
    people: Sequence[PairedPerson],
    finder: FaceFinder,
    embed: Embed,
    progress: Callable[[int], None] = lambda _: None,
    widths_px: Sequence[float] = WIDTHS_PX,
) -> list[Scores]:
    """Return the scores at each of `widths_px`; the same photos give the same scores.

    Raises PairsError, which names the file, for a photo without exactly one usable face.
    """
    references = np.stack([embed(_subject(person.reference, finder)) for person in people])
    rows: dict[float, list[NDArray[np.float32]]] = {width: [] for width in widths_px}
    owners: list[int] = []
    for number, person in enumerate(people):
        for other, path in enumerate(person.others):
            photo = _photo(path)
            faces = find_faces(photo, finder)
            if not faces:
                raise PairsError(f"{path}: no face is found")
            owners.append(number)
            for width in widths_px:
                templates = []
                for take in range(PICTURES):
                    random = np.random.default_rng([number, other, round(width), take])
                    seen = as_seen(photo, faces[0], width, random)
                    templates.append(_template(seen, width, finder, embed, references.shape[1]))
                rows[width].append(np.stack(templates) @ references.T)
        progress(number + 1)
    return [Scores(width, np.stack(rows[width]).astype(np.float32), np.array(owners)) for width in widths_px]


def _template(
    seen: NDArray[np.uint8], width_px: float, finder: FaceFinder, embed: Embed, size: int
) -> NDArray[np.float32]:
    """Return the template of the face in a camera's picture; NaN where none is found."""
    face = face_in(seen, width_px, finder)
    try:
        if face is not None:
            # Once through JPEG more, as a crop goes on its way to the embedder.
            crop = decode_picture(encode_jpeg(align(seen, face.landmarks)), _MOST_PIXELS)
            return embed(inner(crop))
    except AlignmentError:
        pass
    return np.full(size, np.nan, dtype=np.float32)


def _subject(path: Path, finder: FaceFinder) -> NDArray[np.uint8]:
    try:
        return subject_face(_photo(path), finder)
    except RefusedError as refused:
        raise PairsError(f"{path}: {refused}") from refused


def _photo(path: Path) -> NDArray[np.uint8]:
    try:
        return decode_picture(path.read_bytes(), _MOST_PIXELS)
    except (PictureError, OSError) as error:
        raise PairsError(f"{path} cannot be read as a picture") from error
