from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest

from support.shipped import CHART, SERVICES, VALUES, manifests, named

CONFIGURATION = pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
KUBERNETES = "1.31"


def test_lint_finds_nothing_above_information() -> None:
    result = helm.lint(str(CHART))
    assert result["errors"] == []
    assert [message for message in result["messages"] if message["severity"] > 1] == []


@CONFIGURATION
def test_every_object_keeps_to_kubernetes_own_schema(values: dict[str, Any]) -> None:
    objects = manifests(values)
    assert len(objects) > 25
    for item in objects:
        kubernetes_validate.validate(item, KUBERNETES, strict=True)


def test_the_schema_check_can_fail() -> None:
    broken = named(manifests({}), "Deployment", "homeward-ingest")
    broken["spec"]["replicass"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES, strict=True)


@pytest.mark.parametrize(
    "values",
    [
        {"kafkaa": {}},
        {"kafka": {"bootstrapServers": ""}},
        {"services": {"detection": {"replicas": -1}}},
        {"services": {"ingest": {"replicas": 2}}},
        {"services": {"faces": {"replicas": 1}}},
        {"services": {"matching": {"resources": {"limits": {"memory": None}}}}},
        {"log": {"level": "TRACE"}},
    ],
    ids=str,
)
def test_a_wrong_value_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(helm.HelmError):
        manifests(values)


@CONFIGURATION
@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_its_objects(service: str, values: dict[str, Any]) -> None:
    objects = manifests(values)
    for kind in ("Deployment", "ConfigMap", "ServiceAccount", "NetworkPolicy"):
        named(objects, kind, f"homeward-{service}")
    pod = named(objects, "Deployment", f"homeward-{service}")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
    assert "memory" in container["resources"]["limits"]
    assert pod["enableServiceLinks"] is False, "Kubernetes would add variables that read like settings"


@CONFIGURATION
def test_every_pod_is_restricted(values: dict[str, Any]) -> None:
    for item in manifests(values):
        if item["kind"] not in {"Deployment", "Job"}:
            continue
        pod = item["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}


def test_embedding_answers_matching_alone() -> None:
    objects = manifests({})
    policy = named(objects, "NetworkPolicy", "homeward-embedding")["spec"]
    callers = [
        source["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for rule in policy["ingress"]
        for source in rule["from"]
        if "podSelector" in source
    ]
    assert callers == ["matching"]


@pytest.mark.parametrize("service", SERVICES)
def test_only_ingest_and_retention_lack_a_grpc_port(service: str) -> None:
    pod = named(manifests({}), "Deployment", f"homeward-{service}")["spec"]["template"]["spec"]
    ports = {port["name"] for port in pod["containers"][0]["ports"]}
    assert ports == ({"operations", "grpc"} if service in {"embedding", "matching"} else {"operations"})


def test_no_secret_stands_in_a_config_map() -> None:
    for values in VALUES.values():
        for item in manifests(values):
            if item["kind"] == "ConfigMap":
                assert not [name for name in item["data"] if name.endswith(("_KEY", "PASSWORD", "TOKEN"))]


def test_a_changed_setting_starts_the_pods_anew() -> None:
    def checksum(values: dict[str, Any]) -> str:
        pod = named(manifests(values), "Deployment", "homeward-detection")["spec"]["template"]
        return str(pod["metadata"]["annotations"]["checksum/config"])

    assert checksum({}) == checksum({})
    assert checksum({}) != checksum({"log": {"level": "DEBUG"}})
