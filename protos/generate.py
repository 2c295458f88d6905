"""Generate protos/gen from protos/homewardapi; `--check` compares instead of writing."""

import argparse
import filecmp
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent


def generate(out: Path) -> None:
    """Write Python modules and type stubs for every proto below ROOT into `out`."""
    sources = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("homewardapi/**/*.proto"))
    services = [source for source in sources if source.endswith("_service.proto")]
    # The plugins stand beside the interpreter in the virtual environment, which need not be on PATH.
    tools = Path(sys.executable).parent
    include = [f"--proto_path={ROOT}", f"--proto_path={files('grpc_tools') / '_proto'}"]
    messages = [
        f"--plugin=protoc-gen-mypy={tools / 'protoc-gen-mypy'}",
        f"--python_out={out}",
        f"--mypy_out=quiet:{out}",
        *sources,
    ]
    stubs = [
        f"--plugin=protoc-gen-mypy_grpc={tools / 'protoc-gen-mypy_grpc'}",
        f"--grpc_python_out={out}",
        f"--mypy_grpc_out=quiet:{out}",
        *services,
    ]
    for arguments in (messages, stubs):
        if protoc.main(["protoc", *include, *arguments]) != 0:
            raise SystemExit("protoc refused the protos: its message stands above")
    for package in sorted({path.parent for path in (out / "homewardapi").rglob("*.py")}):
        (package / "__init__.py").touch()
        (package / "py.typed").touch()


def differences(generated: Path, committed: Path) -> list[str]:
    """Return the files, relative to the package root, that differ or stand on one side alone."""
    names = {
        path.relative_to(root)
        for root in (generated, committed)
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return sorted(
        str(name)
        for name in names
        if not (generated / name).is_file()
        or not (committed / name).is_file()
        or not filecmp.cmp(generated / name, committed / name, shallow=False)
    )


def main() -> int:
    """Generate or check; the exit status is 1 when the committed code is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    committed = ROOT / "gen"
    if not parser.parse_args().check:
        committed.mkdir(exist_ok=True)
        generate(committed)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        stale = differences(Path(folder), committed)
    if stale:
        print("protos/gen is stale; run `make protos` and commit it:", *stale, sep="\n  ")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
