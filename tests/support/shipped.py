"""The environment of each service as the compose file and the chart set it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import helm_python as helm
import yaml

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "charts" / "homeward"
_VARIABLE: Final = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)(?::-(?P<default>[^}]*)|:\?[^}]*)\}")
_CHOSEN: Final = {"HOMEWARD_PUBLIC_URL": "https://homeward.example", "HOMEWARD_OIDC_ISSUER": "https://id.example"}
SERVICES: Final = ("ingest", "detection", "embedding", "matching", "retention", "access")
VALUES: Final[Mapping[str, dict[str, Any]]] = {
    "default": {},
    **{path.stem: yaml.safe_load(path.read_text()) for path in sorted((CHART / "ci").glob("*-values.yaml"))},
}


def compose() -> dict[str, Any]:
    """Return the compose file with its variables left as they stand."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


def compose_environment(service: str) -> dict[str, str]:
    """Return the environment that compose gives `service`, with defaults and _CHOSEN for what an operator chooses."""
    environment = compose()["services"][service]["environment"]
    return {name: _VARIABLE.sub(_chosen, str(value)) for name, value in environment.items()}


def _chosen(variable: re.Match[str]) -> str:
    default = variable["default"]
    return default if default is not None else _CHOSEN.get(variable["name"], "chosen-by-operator")


def manifests(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every object that the chart renders with `values`."""
    with helm.Chart.load(str(CHART)) as chart:
        rendered = chart.render(values, name="homeward", namespace="cctv")
    return [document for text in rendered.values() for document in yaml.safe_load_all(text) if document]


def named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """Return the one object of `kind` with `name`."""
    (found,) = (item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name)
    return found


def workload(objects: list[dict[str, Any]], service: str) -> dict[str, Any]:
    """Return what runs the pods of `service`: ingest has a volume for each, and so is a StatefulSet."""
    return named(objects, "StatefulSet" if service == "ingest" else "Deployment", f"homeward-{service}")


def chart_environment(objects: list[dict[str, Any]], service: str) -> dict[str, str]:
    """Return the environment that the chart gives `service`; a secret's value is "from-secret"."""
    settings = dict(named(objects, "ConfigMap", f"homeward-{service}")["data"])
    pod = workload(objects, service)["spec"]["template"]["spec"]
    return settings | {entry["name"]: "from-secret" for entry in pod["containers"][0]["env"]}
