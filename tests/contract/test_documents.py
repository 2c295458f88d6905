import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, timeout=240)


def test_the_asyncapi_document_is_what_the_table_renders() -> None:
    rendered = run(sys.executable, "docs/render_asyncapi.py")
    assert rendered.returncode == 0, rendered.stderr
    assert rendered.stdout == (ROOT / "docs/asyncapi.yaml").read_text(), "run `make docs` and commit the document"


def test_make_help_lists_every_target_and_the_guide_every_lane() -> None:
    said = [line for line in (ROOT / "Makefile").read_text().splitlines() if re.match(r"\w[\w-]*:.*##", line)]
    targets = {line.partition(":")[0] for line in said}
    assert {"demo", "test", "lint", "bench"} <= targets
    assert {line.split()[0] for line in run("make", "--no-print-directory", "help").stdout.splitlines()} == targets
    guide = (ROOT / "docs/development.md").read_text()
    assert [lane for lane in sorted(targets) if lane.startswith("test-") and f"`make {lane}`" not in guide] == []


def test_generated_code_is_what_the_protos_say() -> None:
    checked = run(sys.executable, "protos/generate.py", "--check")
    assert checked.returncode == 0, checked.stdout


@pytest.fixture(scope="module")
def buf() -> str:
    return str(Path(sys.executable).parent / "buf")


def test_the_protos_are_clean_and_break_nothing_released(buf: str) -> None:
    assert run(buf, "lint", "protos").stdout == ""
    assert run(buf, "breaking", "protos", "--against", "protos/released.binpb").stdout == ""


def test_a_moved_field_is_a_breaking_change(buf: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "protos", tmp_path / "protos", ignore=shutil.ignore_patterns("gen", "__pycache__"))
    proto = tmp_path / "protos/homewardapi/clip/v1/clip.proto"
    proto.write_text(proto.read_text().replace("string camera_id = 2", "string camera_id = 22"))
    broken = run(buf, "breaking", "protos", "--against", str(ROOT / "protos/released.binpb"), cwd=tmp_path)
    assert broken.returncode != 0
    assert "camera_id" in broken.stdout


def test_the_asyncapi_document_keeps_to_the_specification(tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        missing = "npm is not here: it brings the AsyncAPI specification's own schema"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    fetched = run(npm, "pack", "--silent", "@asyncapi/specs@6.11.1", cwd=tmp_path)
    assert fetched.returncode == 0, fetched.stderr
    shutil.unpack_archive(tmp_path / fetched.stdout.strip(), tmp_path, "gztar")
    schema = json.loads((tmp_path / "package/schemas/3.0.0-without-$id.json").read_text())
    document = yaml.safe_load((ROOT / "docs/asyncapi.yaml").read_text())
    jsonschema.Draft7Validator(schema).validate(document)
    document["channels"]["Clip"]["address"] = 7
    assert list(jsonschema.Draft7Validator(schema).iter_errors(document)), "the schema lets anything pass"
