"""Every variable that the compose file and the chart set is one that the service's own settings load."""

import importlib
import os
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from homeward.shared.settings import PREFIX, ServiceSettings, UnknownSettingError, variables
from support.shipped import SERVICES, VALUES, chart_environment, compose_environment, manifests, named

EVERY_SERVICE = pytest.mark.parametrize("service", SERVICES)


def settings_class(service: str) -> type[ServiceSettings]:
    if service == "prepare":
        return importlib.import_module("homeward.cli.settings").DeploymentSettings  # type: ignore[no-any-return]
    found: type[ServiceSettings] = getattr(
        importlib.import_module(f"homeward.{service}.settings"), f"{service.title()}Settings"
    )
    return found


def load(monkeypatch: pytest.MonkeyPatch, service: str, environment: Mapping[str, str]) -> BaseSettings:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return settings_class(service).load()


@pytest.mark.parametrize("service", [*SERVICES, "prepare"])
def test_compose(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = compose_environment(service)
    assert environment
    load(monkeypatch, service, environment)


@EVERY_SERVICE
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_chart(service: str, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    load(monkeypatch, service, chart_environment(manifests(values), service))


def test_the_charts_preparation(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = manifests({})
    job = named(objects, "Job", "homeward-prepare")
    container = job["spec"]["template"]["spec"]["containers"][0]
    (settings,) = (
        item["data"] for item in objects if item["kind"] == "ConfigMap" and item["metadata"]["name"].endswith("prepare")
    )
    load(monkeypatch, "prepare", settings | {entry["name"]: "from-secret" for entry in container["env"]})


@EVERY_SERVICE
def test_a_misspelt_setting_stops_the_service(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = compose_environment(service) | {"HOMEWARD_KAFKA__BOOTSTRAP_SERVER": "kafka:9092"}
    with pytest.raises(UnknownSettingError, match="HOMEWARD_KAFKA__BOOTSTRAP_SERVER"):
        load(monkeypatch, service, environment)


@EVERY_SERVICE
def test_every_setting_is_described(service: str) -> None:
    undescribed = [name for name, description in variables(settings_class(service)).items() if not description]
    assert undescribed == []


@EVERY_SERVICE
def test_the_chart_and_compose_agree_on_what_a_service_is_told(service: str) -> None:
    # What only one of them needs: TLS is the chart's; compose always has a folder for credentials, be it empty.
    own = {"HOMEWARD_KAFKA__SECURITY_PROTOCOL", "HOMEWARD_OBJECT_STORE__REGION", "HOMEWARD_CREDENTIALS_FOLDER"}
    values = VALUES["small-values"] if service == "matching" else {}
    chart = chart_environment(manifests(values), service).keys()
    assert chart ^ compose_environment(service).keys() <= own
