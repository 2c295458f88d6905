from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest

from support.shipped import CHART, ROOT, SERVICES, VALUES, chart_environment, manifests, named, workload

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
    broken = workload(manifests({}), "ingest")
    broken["spec"]["replicass"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES, strict=True)


@pytest.mark.parametrize(
    "values",
    [
        {"kafkaa": {}},
        {"kafka": {"bootstrapServers": ""}},
        {"services": {"detection": {"replicas": -1}}},
        {"services": {"ingest": {"replicas": -1}}},
        {"services": {"ingest": {"spoolMaxBytes": 1}}},
        {"services": {"ingest": {"udp": "yes"}}},
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
    for kind in ("ConfigMap", "ServiceAccount", "NetworkPolicy"):
        named(objects, kind, f"homeward-{service}")
    pod = workload(objects, service)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
    assert "memory" in container["resources"]["limits"]
    assert pod["enableServiceLinks"] is False, "Kubernetes would add variables that read like settings"


@CONFIGURATION
def test_every_pod_is_restricted(values: dict[str, Any]) -> None:
    for item in manifests(values):
        if item["kind"] not in {"Deployment", "StatefulSet", "Job"}:
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


@pytest.mark.parametrize(
    ("service", "callers"), [("embedding", ["matching"]), ("matching", ["access", "retention"]), ("access", [])]
)
def test_a_service_answers_those_alone_that_call_it(service: str, callers: list[str]) -> None:
    objects = manifests({})
    policy = named(objects, "NetworkPolicy", f"homeward-{service}")["spec"]
    assert callers == [
        source["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for rule in policy["ingress"]
        for source in rule["from"]
        if "podSelector" in source
    ]


def test_people_come_to_access_by_the_ingress_alone() -> None:
    objects = manifests(VALUES["small-values"])
    policy = named(objects, "NetworkPolicy", "homeward-access")["spec"]
    (web,) = (rule for rule in policy["ingress"] if rule["ports"] == [{"port": "web", "protocol": "TCP"}])
    assert web["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}]
    ingress = named(objects, "Ingress", "homeward-access")["spec"]
    assert ingress["tls"] == [{"hosts": ["homeward.example"], "secretName": "homeward-tls"}]
    assert not [item for item in manifests({}) if item["kind"] == "Ingress"]


def test_access_alone_may_write_the_keys_that_others_verify_by() -> None:
    objects = manifests({})
    mounts = {}
    for service in SERVICES:
        pod = workload(objects, service)["spec"]["template"]["spec"]
        mounts[service] = {mount["name"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    assert [service for service in SERVICES if "signing-keys" in mounts[service]] == ["access"]
    for service in ("embedding", "matching", "retention"):
        assert mounts[service]["public-keys"]["readOnly"] is True
    assert "readOnly" not in mounts["access"]["public-keys"]


def test_the_policy_is_the_one_that_is_shipped_unless_an_operator_gives_their_own() -> None:
    shipped = (ROOT / "services/access/src/homeward/access/policy.toml").read_text()
    name = "homeward-access-policy"
    assert named(manifests({}), "ConfigMap", name)["data"]["policy.toml"] == shipped
    own = {"services": {"access": {"policy": 'version = "2"\n'}}}
    assert named(manifests(own), "ConfigMap", name)["data"]["policy.toml"] == 'version = "2"\n'


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_opens_the_ports_that_others_use(service: str) -> None:
    pod = workload(manifests({}), service)["spec"]["template"]["spec"]
    ports = {port["name"] for port in pod["containers"][0]["ports"]}
    own = {"embedding": {"grpc"}, "matching": {"grpc"}, "access": {"web"}}
    assert ports == {"operations"} | own.get(service, set())


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


@CONFIGURATION
def test_each_recorder_has_a_spool_of_its_own_with_room_beside_its_bound(values: dict[str, Any]) -> None:
    objects = manifests(values)
    spec = workload(objects, "ingest")["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    mounts = {mount["name"]: mount for mount in spec["template"]["spec"]["containers"][0]["volumeMounts"]}
    settings = chart_environment(objects, "ingest")
    assert mounts[claim["metadata"]["name"]]["mountPath"] == settings["HOMEWARD_SPOOL_FOLDER"]
    gibibytes = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi"))
    assert int(settings["HOMEWARD_SPOOL_MAX_BYTES"]) <= 0.75 * gibibytes * 2**30


def test_cameras_secrets_are_mounted_where_the_settings_look() -> None:
    objects = manifests(VALUES["small-values"])
    settings = chart_environment(objects, "ingest")
    pod = workload(objects, "ingest")["spec"]["template"]["spec"]
    mounts = {mount["name"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    secrets = {volume["name"]: volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    assert secrets == {"credentials": "homeward-cameras", "cameras-ca": "homeward-cameras-ca"}
    assert all(mounts[name]["readOnly"] for name in secrets)
    assert mounts["credentials"]["mountPath"] == settings["HOMEWARD_CREDENTIALS_FOLDER"]
    assert settings["HOMEWARD_SOURCE_TLS_CA_FILE"].startswith(mounts["cameras-ca"]["mountPath"] + "/")


@pytest.mark.parametrize(("values", "opened"), [({}, False), (VALUES["small-values"], True)])
def test_datagrams_come_in_from_cameras_alone_and_only_where_they_are_asked_for(
    values: dict[str, Any], *, opened: bool
) -> None:
    policy = named(manifests(values), "NetworkPolicy", "homeward-ingest")["spec"]
    rules = [rule for rule in policy["ingress"] if any(port["protocol"] == "UDP" for port in rule["ports"])]
    assert len(rules) == opened
    for rule in rules:
        assert rule["from"] == [{"ipBlock": {"cidr": "192.0.2.0/24"}}]
        (ports,) = rule["ports"]
        assert (ports["port"], ports["endPort"]) == (20_000, 31_999)


def test_what_people_upload_never_lies_on_a_nodes_disk() -> None:
    pod = workload(manifests({}), "access")["spec"]["template"]["spec"]
    (scratch,) = (volume for volume in pod["volumes"] if volume["name"] == "tmp")
    assert scratch["emptyDir"]["medium"] == "Memory"
