"""The demo's photos: public figures in the public domain, taken out of packages that any registry mirror has.

The pipeline sees them as person-1, person-2 and so on; who they are plays no part in the demo.
"""

import hashlib
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np

from homeward.cli.demo.sdist import download_sdist
from homeward.cli.scene.portrait import FacePoints, Portrait, Rgb
from homeward.cli.scene.schedule import Person
from homeward.shared.models.clients import PackageClients
from homeward.shared.models.errors import SourceError


class DemoPhotosError(Exception):
    """The demo's photos cannot be had. The message says what to do."""


class Role(Enum):
    """What a photo is for."""

    REFERENCE = "reference"
    SUBJECT = "subject"
    PASSER_BY = "passer-by"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Package:
    """A registry's package at one version. `sdist_sha256` is set when its source distribution is meant, not a wheel."""

    name: str
    version: str
    sdist_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class PhotoSource:
    """One photo: the package's member that holds it, what it must hash to, and where the face is in it."""

    person_id: str
    role: Role
    file_name: str
    package: Package
    member: str
    sha256: str
    face: FacePoints


_FACES: Final = Package("face_recognition", "1.3.0", "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec")
_SCIKIT_IMAGE: Final = Package("scikit-image", "0.25.2")
_MATPLOTLIB: Final = Package("matplotlib", "3.10.8")

SUBJECT_ID: Final = "person-1"
ABSENT_ID: Final = "person-4"

PHOTOS: Final = (
    PhotoSource(
        SUBJECT_ID,
        Role.REFERENCE,
        "person-1-a.jpg",
        _FACES,
        "face_recognition-1.3.0/tests/test_images/obama.jpg",
        "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
        FacePoints((437, 215), (549, 220), (494, 333)),
    ),
    PhotoSource(
        SUBJECT_ID,
        Role.SUBJECT,
        "person-1-b.jpg",
        _FACES,
        "face_recognition-1.3.0/tests/test_images/obama2.jpg",
        "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
        FacePoints((249, 375), (376, 384), (286, 519)),
    ),
    PhotoSource(
        SUBJECT_ID,
        Role.SUBJECT,
        "person-1-c.jpg",
        _FACES,
        "face_recognition-1.3.0/tests/test_images/obama3.jpg",
        "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
        FacePoints((735, 382), (856, 399), (798, 501)),
    ),
    PhotoSource(
        "person-2",
        Role.PASSER_BY,
        "person-2-a.jpg",
        _FACES,
        "face_recognition-1.3.0/tests/test_images/biden.jpg",
        "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
        FacePoints((524, 322), (644, 355), (572, 465)),
    ),
    PhotoSource(
        "person-3",
        Role.PASSER_BY,
        "person-3-a.png",
        _SCIKIT_IMAGE,
        "skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        FacePoints((204, 101), (248, 105), (224, 148)),
    ),
    PhotoSource(
        ABSENT_ID,
        Role.ABSENT,
        "person-4-a.jpg",
        _MATPLOTLIB,
        "matplotlib/mpl-data/sample_data/grace_hopper.jpg",
        "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
        FacePoints((221, 192), (304, 189), (265, 281)),
    ),
)

_REFERENCE_MARGIN: Final = 1.1
"""How much of the photo around the face a reference keeps, in face widths on every side."""


@dataclass(frozen=True, slots=True, eq=False)
class DemoCast:
    """Who plays in the demo.

    `reference` is a photo file of the subject that no walker wears; `people` walk; `absent_reference` is a photo file
    of somebody who does not walk. Both files carry no metadata, which in press photos names people.
    """

    reference: Path
    people: tuple[Person, ...]
    absent_reference: Path

    @property
    def subject_id(self) -> str:
        """Return which of `people` is looked for."""
        return SUBJECT_ID


class PackageReader(Protocol):
    """Where packages come from."""

    def download(self, package: Package, folder: Path) -> Path:
        """Return the package's file, put into `folder`. Blocks; raises SourceError with the reason."""
        ...


class Registry:
    """The registry that this machine's pip is set up for."""

    def download(self, package: Package, folder: Path) -> Path:
        """Return the package's wheel, or its source distribution where a hash of one is given."""
        if package.sdist_sha256 is not None:
            return download_sdist(package.name, package.version, package.sdist_sha256, folder)
        return PackageClients().pip(package.name, package.version, folder)


def fetch_cast(folder: Path, said: Callable[[str], None] = print, packages: PackageReader | None = None) -> DemoCast:
    """Return the demo's cast, its photos kept in `folder`; what is there already is not fetched again.

    `said` is told of each package that is downloaded. Blocks; raises DemoPhotosError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [photo for photo in PHOTOS if not _is_there(folder, photo)]
    for package in dict.fromkeys(photo.package for photo in missing):
        said(f"fetching photos out of the package {package.name} {package.version}")
        wanted = [photo for photo in missing if photo.package == package]
        _take_out(package, wanted, folder, packages or Registry())
    return _cast(folder)


def _is_there(folder: Path, photo: PhotoSource) -> bool:
    path = folder / photo.file_name
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == photo.sha256


def _take_out(package: Package, photos: list[PhotoSource], folder: Path, packages: PackageReader) -> None:
    help_ = (
        f"The demo needs a network once, for packages of the registry that pip uses; without one, put the files "
        f"{', '.join(photo.file_name for photo in photos)} into {folder} yourself, or use your own video and photo."
    )
    with tempfile.TemporaryDirectory(prefix="homeward-photos-") as scratch:
        try:
            archive = packages.download(package, Path(scratch))
            contents = [_member(archive, photo.member) for photo in photos]
        except SourceError as error:
            raise DemoPhotosError(f"the package {package.name} {package.version}: {error}. {help_}") from error
    for photo, content in zip(photos, contents, strict=True):
        found = hashlib.sha256(content).hexdigest()
        if found != photo.sha256:
            raise DemoPhotosError(
                f"{photo.member} of the package {package.name} {package.version} has the SHA-256 {found} and must "
                f"have {photo.sha256}; the registry gives another file than the one that the demo was made for"
            )
        unfinished = folder / (photo.file_name + ".part")
        unfinished.write_bytes(content)
        unfinished.replace(folder / photo.file_name)


def _member(archive: Path, member: str) -> bytes:
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(member)
        with tarfile.open(archive) as sdist:
            file = sdist.extractfile(member)
            if file is None:
                raise SourceError(f"{member} in it is no file")
            return file.read()
    except KeyError as error:
        raise SourceError(f"it holds no {member}") from error
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError) as error:
        raise SourceError("it is not a whole package") from error


def _cast(folder: Path) -> DemoCast:
    worn: dict[str, list[Portrait]] = {}
    references: dict[Role, Path] = {}
    for photo in PHOTOS:
        picture = _read(folder / photo.file_name)
        if photo.role in {Role.REFERENCE, Role.ABSENT}:
            references[photo.role] = folder / f"reference-{photo.person_id}.jpg"
            _write_reference(references[photo.role], picture, photo.face)
        else:
            worn.setdefault(photo.person_id, []).append(Portrait(picture, photo.face))
    people = tuple(Person(person_id, tuple(portraits)) for person_id, portraits in worn.items())
    return DemoCast(references[Role.REFERENCE], people, references[Role.ABSENT])


def _read(path: Path) -> Rgb:
    decoded = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if decoded is None:
        raise DemoPhotosError(f"{path} is no picture that can be read; delete it and try again")
    return np.asarray(decoded, dtype=np.uint8)


def _write_reference(path: Path, picture: Rgb, face: FacePoints) -> None:
    box = face.box()
    margin = _REFERENCE_MARGIN * box.width
    left, top = max(0, round(box.left - margin)), max(0, round(box.top - margin))
    right, bottom = round(box.left + box.width + margin), round(box.top + box.height + margin)
    head = picture[top:bottom, left:right]
    if not cv2.imwrite(str(path), head[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95]):
        raise DemoPhotosError(f"{path} cannot be written; is there space, and may this user write there?")
