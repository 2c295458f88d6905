"""SeaweedFS as Homeward starts it: closed to everybody but the holder of its keys, and still there after a crash."""

import http.client
import socket
from dataclasses import asdict
from pathlib import Path

import pytest
from minio.error import S3Error

from homeward.cli.embedded.ports import LOOPBACK, free_ports, is_free
from homeward.cli.embedded.process import ProcessError
from homeward.cli.embedded.seaweedfs import GRPC_DISTANCE, SeaweedFs, SeaweedPorts
from homeward.shared.objectstore.minio_store import MinioStore

KEY = "2026-11-23/cam-1/clip.mp4"


def listeners(pid: int) -> set[tuple[str, int]]:
    """Return the address and port of every TCP socket on which a process listens."""
    inodes = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in inodes:
                address, _, port = local.partition(":")
                shown = socket.inet_ntoa(bytes.fromhex(address)[::-1]) if table == "tcp" else address
                found.add((shown, int(port, 16)))
    return found


def http_status(port: int, method: str, path: str) -> int:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_it_listens_on_loopback_alone_and_on_its_own_ports(own_seaweedfs: SeaweedFs) -> None:
    pid = own_seaweedfs.process.pid
    assert pid is not None
    found = listeners(pid)
    told = set(asdict(own_seaweedfs.ports).values())
    assert {address for address, _ in found} == {LOOPBACK}
    assert {port for _, port in found} <= told | {port + GRPC_DISTANCE for port in told}


def test_its_keys_are_random_and_its_owner_s_alone(own_seaweedfs: SeaweedFs, tmp_path: Path) -> None:
    assert (tmp_path / "identities.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    secret = own_seaweedfs.settings.secret_key.get_secret_value()
    assert len(secret) == 64
    assert secret not in own_seaweedfs.process.log.read_text()
    pid = own_seaweedfs.process.pid
    assert secret not in Path(f"/proc/{pid}/cmdline").read_text()
    assert "-master.telemetry=false" in Path(f"/proc/{pid}/cmdline").read_text()


def test_a_crash_and_a_stop_lose_nothing(own_seaweedfs: SeaweedFs) -> None:
    store = MinioStore(own_seaweedfs.settings)
    store.ensure_bucket("footage")
    store.put("footage", KEY, b"footage")
    before = own_seaweedfs.ports
    own_seaweedfs.kill()
    own_seaweedfs.start()
    assert own_seaweedfs.ports == before
    assert store.get("footage", KEY) == b"footage"
    own_seaweedfs.stop()
    own_seaweedfs.start()
    assert store.get("footage", KEY) == b"footage"
    store.put("footage", f"{KEY}.2", b"more")


def test_another_run_finds_the_objects_on_other_ports(own_seaweedfs: SeaweedFs, tmp_path: Path) -> None:
    store = MinioStore(own_seaweedfs.settings)
    store.ensure_bucket("footage")
    store.put("footage", KEY, b"footage")
    own_seaweedfs.stop()
    with socket.create_server((LOOPBACK, own_seaweedfs.ports.filer)), SeaweedFs(tmp_path) as again:
        assert again.ports.filer != own_seaweedfs.ports.filer
        moved = MinioStore(again.settings)
        assert moved.get("footage", KEY) == b"footage"
        moved.put("footage", f"{KEY}.2", b"more")
        assert [found.key for found in moved.list("footage")] == [KEY, f"{KEY}.2"]


def test_a_taken_port_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    ports = SeaweedPorts.free()
    with socket.create_server((LOOPBACK, ports.s3)), pytest.raises(ProcessError, match=r"SeaweedFS .*ready"):
        SeaweedFs(tmp_path, ports=ports).start()
    assert all(is_free(port) for port in (ports.filer, ports.master, ports.volume))


def test_the_parts_behind_the_s3_api_refuse_whoever_has_no_key(own_seaweedfs: SeaweedFs) -> None:
    store = MinioStore(own_seaweedfs.settings)
    store.ensure_bucket("footage")
    store.put("footage", KEY, b"x" * 100_000)
    filer = own_seaweedfs.ports.filer
    assert http_status(filer, "GET", f"/buckets/footage/{KEY}") == http.HTTPStatus.UNAUTHORIZED
    assert http_status(filer, "GET", "/buckets/footage/") == http.HTTPStatus.UNAUTHORIZED
    assert http_status(filer, "DELETE", f"/buckets/footage/{KEY}") == http.HTTPStatus.UNAUTHORIZED
    assert http_status(own_seaweedfs.ports.s3, "GET", f"/footage/{KEY}") == http.HTTPStatus.FORBIDDEN
    statuses = {http_status(own_seaweedfs.ports.volume, "GET", f"/{volume},01637037d6") for volume in range(1, 4)}
    assert http.HTTPStatus.OK not in statuses
    assert store.get("footage", KEY) == b"x" * 100_000


def test_a_full_bucket_cannot_be_deleted(own_seaweedfs: SeaweedFs) -> None:
    store = MinioStore(own_seaweedfs.settings)
    store.ensure_bucket("footage")
    store.put("footage", KEY, b"footage")
    with pytest.raises(S3Error, match="BucketNotEmpty"):
        store._client.remove_bucket("footage")
    assert store.get("footage", KEY) == b"footage"


def test_it_leaves_no_sockets_among_everybody_s_temporary_files(own_seaweedfs: SeaweedFs) -> None:
    ports = asdict(own_seaweedfs.ports).values()
    own = {str(port + distance) for port in ports for distance in (0, GRPC_DISTANCE)}
    own_seaweedfs.kill()
    left = {path.stem.rpartition("-")[2] for path in Path("/tmp").glob("seaweedfs-*.sock")}  # noqa: S108 - its choice
    assert not left & own


def test_a_lifecycle_pass_without_a_server_is_an_error(own_seaweedfs: SeaweedFs) -> None:
    own_seaweedfs.kill()
    with pytest.raises(ProcessError, match="does not run"):
        own_seaweedfs.run_lifecycle()


def test_a_server_that_was_never_started_has_no_settings(tmp_path: Path) -> None:
    with pytest.raises(ProcessError, match="not started"):
        _ = SeaweedFs(tmp_path).settings


def test_free_ports_are_different_and_have_free_companions() -> None:
    ports = free_ports(5, GRPC_DISTANCE)
    assert len(set(ports)) == 5
    assert all(is_free(port) and is_free(port + GRPC_DISTANCE) for port in ports)
    with socket.create_server((LOOPBACK, ports[0])):
        assert not is_free(ports[0])
