"""Which crops are asked for, and in which order: every face's best first, the others of those worth another look."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from homeward.matching.ports import CropReference, NoTemplate
from homeward.matching.subject import Probe
from homeward.matching.template import Template
from homeward.shared.instants import from_timestamp
from homewardapi.face.v1.face_pb2 import ClipFaces, Crop, Face


@dataclass(slots=True, eq=False)
class LookedAt:
    """A face on its way through a comparison: what was asked of it so far, and what was answered."""

    clip: ClipFaces
    face: Face
    asked: int = 0
    refused: int = 0
    crops: list[Crop] = field(default_factory=list)
    templates: list[Template] = field(default_factory=list, repr=False)

    @property
    def waiting(self) -> bool:
        """Whether something that was asked is not answered yet."""
        return self.refused + len(self.templates) < self.asked

    @property
    def seen_whole(self) -> bool:
        """Whether every crop was asked for."""
        return self.asked == len(self.face.crops)

    def take(self, crop: Crop, answer: Template | NoTemplate) -> None:
        """Note the answer to one crop."""
        if isinstance(answer, Template):
            self.crops.append(crop)
            self.templates.append(answer)
        else:
            self.refused += 1

    def probe(self, template: Template) -> Probe:
        """Return `template`, one of this face, as it is compared."""
        return Probe(template, self.clip.camera_id, from_timestamp(self.clip.starts_at))


class Feed(Iterator[CropReference]):
    """The references of one comparison, made as they are asked for.

    The embedder's client takes them on a thread of its own, the comparison tells of answers on another; `window`
    bounds those under way, so that no template waits for long.
    """

    def __init__(self, faces: Iterable[LookedAt], window: int) -> None:
        self._faces = iter(faces)
        self._window = window
        self._changed = threading.Condition()
        self._again: deque[tuple[LookedAt, Crop]] = deque()
        self._asked: dict[int, tuple[LookedAt, Crop]] = {}
        self._count = 0
        self._open = 0
        self._ended = False
        self._closed = False
        self._failure: Exception | None = None

    def __next__(self) -> CropReference:
        """Return the next reference; wait while as many are under way as may be, or while one may be looked at again.

        What the faces' own iterator raises ends the references, and is raised by `close`.
        """
        with self._changed:
            while not self._closed:
                if len(self._asked) < self._window:
                    found = self._next()
                    if found is not None:
                        return self._ask(*found)
                    if not self._open:
                        break
                self._changed.wait()
            raise StopIteration

    def answered(self, number: int, answer: Template | NoTemplate) -> LookedAt:
        """Take the answer to the reference `number`, counted from 0; return its face. KeyError for any other."""
        with self._changed:
            looked, crop = self._asked.pop(number)
            looked.take(crop, answer)
            self._changed.notify_all()
            return looked

    def look_again(self, looked: LookedAt) -> None:
        """Ask for all the crops of a face that were not asked for yet."""
        with self._changed:
            self._again.extend((looked, crop) for crop in looked.face.crops[looked.asked :])
            looked.asked = len(looked.face.crops)
            self._changed.notify_all()

    def done(self, looked: LookedAt) -> None:
        """Let go of a face: nothing more is asked of it."""
        with self._changed:
            looked.templates.clear()
            self._open -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """End the references, wherever they are; raise what the faces' iterator raised."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._failure is not None:
            raise self._failure

    def _next(self) -> tuple[LookedAt, Crop] | None:
        if self._again:
            return self._again.popleft()
        if self._ended:
            return None
        try:
            looked = next(self._faces)
        except StopIteration:
            self._ended = True
            return None
        except Exception as error:  # noqa: BLE001 - raised again by whoever closes the feed
            self._ended, self._closed, self._failure = True, True, error
            return None
        self._open += 1
        looked.asked = 1
        return looked, looked.face.crops[0]

    def _ask(self, looked: LookedAt, crop: Crop) -> CropReference:
        self._asked[self._count] = looked, crop
        self._count += 1
        return CropReference(looked.clip.optional_crops_key, crop.offset_bytes, crop.length_bytes)
