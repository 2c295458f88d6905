import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.shipped import ROOT, SERVICES, compose

BIN = Path(sys.executable).parent


def test_the_file_keeps_to_the_compose_specification(tmp_path: Path) -> None:
    check = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    good = subprocess.run([*check, "docker-compose.yml"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert good.returncode == 0, good.stdout
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(json.dumps({"services": {"a": {"imagge": "b"}}}))
    assert subprocess.run([*check, str(broken)], check=False, capture_output=True).returncode != 0


@pytest.mark.parametrize("folder", [*(f"services/{service}" for service in SERVICES), "cli"])
def test_each_dockerfile_is_clean_and_names_its_own_lock(folder: str) -> None:
    linted = subprocess.run(
        [str(BIN / "hadolint"), f"{folder}/Dockerfile"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert linted.returncode == 0, linted.stdout
    text = (ROOT / folder / "Dockerfile").read_text()
    assert f"{folder}/requirements.lock" in text
    assert "--require-hashes" in text
    assert "USER 10001:10001" in text


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_gated_limited_and_confined(service: str) -> None:
    definition = compose()["services"][service]
    assert "healthcheck" in definition
    assert definition["depends_on"]["prepare"]["condition"] == "service_completed_successfully"
    assert definition["read_only"] is True
    assert definition["cap_drop"] == ["ALL"]
    assert "mem_limit" in definition
    # People come to access alone, and from this host alone: TLS is the proxy's before it.
    assert definition.get("ports", []) == (["127.0.0.1:8080:8080"] if service == "access" else [])


def test_images_are_pinned() -> None:
    for name, definition in compose()["services"].items():
        assert re.search(r":(?!latest)[\w.-]+$", definition["image"]), f"{name} is not pinned"


def test_the_inner_network_has_no_way_out_but_for_those_that_need_one() -> None:
    document = compose()
    assert document["networks"]["inside"]["internal"] is True
    outside = {name for name, definition in document["services"].items() if "outside" in definition["networks"]}
    assert outside == {"access", "ingest", "prepare"}


def test_no_part_phones_home() -> None:
    services = compose()["services"]
    assert services["minio"]["environment"]["MINIO_UPDATE"] == "off"
    assert services["qdrant"]["environment"]["QDRANT__TELEMETRY_DISABLED"] == "true"


def test_access_alone_may_write_the_keys_that_others_verify_by() -> None:
    writers: set[str] = set()
    readers: set[str] = set()
    for name, definition in compose()["services"].items():
        for volume in definition.get("volumes", []):
            if volume.startswith("public-keys:"):
                (readers if volume.endswith(":ro") else writers).add(name)
            assert not volume.startswith("signing-keys:") or name in {"access", "access-prepare"}
    assert writers == {"access", "access-prepare"}
    assert readers == {"embedding", "matching", "retention"}
