"""Services that prove to each other who they are, over real gRPC on loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]

from homeward.cli.certificates import make_certificates, peer_tls
from homeward.matching.adapters.matching_service import CALLERS, SERVICE_NAME
from homeward.shared.clock import SystemClock
from homeward.shared.runtime.grpc_server import GrpcServer, serve
from homeward.shared.runtime.peers import AllowedPeers, connect, server_credentials
from homeward.shared.settings import PeerTlsSettings
from homewardapi.matching.v1 import matching_service_pb2 as pb
from homewardapi.matching.v1.matching_service_pb2_grpc import (
    MatchingServiceServicer,
    MatchingServiceStub,
    add_MatchingServiceServicer_to_server,
)
from support.authorisations import MovableClock

_LASTS = timedelta(days=1)


class Matching(MatchingServiceServicer):
    def GetSearch(  # noqa: N802 - the contract's name
        self, request: pb.GetSearchRequest, context: grpc.ServicerContext
    ) -> pb.GetSearchResponse:
        del request
        context.abort(grpc.StatusCode.NOT_FOUND, "there is no search")

    def CountTemplates(  # noqa: N802 - the contract's name
        self, request: pb.CountTemplatesRequest, context: grpc.ServicerContext
    ) -> pb.CountTemplatesResponse:
        del request, context
        return pb.CountTemplatesResponse(templates=3, subjects=1)

    def WipeSubject(  # noqa: N802 - the contract's name
        self, request: pb.WipeSubjectRequest, context: grpc.ServicerContext
    ) -> pb.WipeSubjectResponse:
        del request, context
        return pb.WipeSubjectResponse(templates_deleted=1, templates_remaining=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_certificates(tmp_path / "tls", SystemClock(), _LASTS)
    return tmp_path / "tls"


@contextmanager
def serving(tls: PeerTlsSettings) -> Iterator[GrpcServer]:
    server = serve(
        "127.0.0.1:0",
        lambda grpc_server: add_MatchingServiceServicer_to_server(Matching(), grpc_server),
        services=[SERVICE_NAME],
        drain=timedelta(seconds=1),
        interceptors=[AllowedPeers(CALLERS, tls)],
        credentials=server_credentials(tls, "127.0.0.1:0"),
    )
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        yield server
    finally:
        stop.set()
        thread.join()


def ask(channel: grpc.Channel, method: str) -> grpc.StatusCode:
    """Return the status of one call."""
    stub = MatchingServiceStub(channel)
    with channel:
        try:
            if method == "CountTemplates":
                stub.CountTemplates(pb.CountTemplatesRequest(), timeout=5)
            else:
                stub.WipeSubject(pb.WipeSubjectRequest(authorisation_id="a"), timeout=5)
        except grpc.RpcError as error:
            code: grpc.StatusCode = error.code()
            return code
        return grpc.StatusCode.OK


@pytest.mark.parametrize(
    ("caller", "method", "expected"),
    [
        ("access", "CountTemplates", grpc.StatusCode.OK),
        ("access", "WipeSubject", grpc.StatusCode.OK),
        ("retention", "WipeSubject", grpc.StatusCode.OK),
        ("cli", "CountTemplates", grpc.StatusCode.OK),
        ("cli", "WipeSubject", grpc.StatusCode.PERMISSION_DENIED),
        ("retention", "CountTemplates", grpc.StatusCode.PERMISSION_DENIED),
        ("embedding", "WipeSubject", grpc.StatusCode.PERMISSION_DENIED),
    ],
)
def test_a_method_answers_those_who_are_named_for_it(
    folder: Path, caller: str, method: str, expected: grpc.StatusCode
) -> None:
    with serving(peer_tls(folder, "matching")) as server:
        channel = connect(f"127.0.0.1:{server.port}", "matching", peer_tls(folder, caller))
        assert ask(channel, method) is expected


def test_a_caller_without_a_certificate_is_not_even_heard(folder: Path) -> None:
    with serving(peer_tls(folder, "matching")) as server:
        target = f"127.0.0.1:{server.port}"
        assert ask(grpc.insecure_channel(target), "CountTemplates") is grpc.StatusCode.UNAVAILABLE
        authority = (folder / "access" / "ca.crt").read_bytes()
        nobody = grpc.secure_channel(
            target,
            grpc.ssl_channel_credentials(authority),
            options=[("grpc.ssl_target_name_override", "matching.homeward")],
        )
        assert ask(nobody, "CountTemplates") is grpc.StatusCode.UNAVAILABLE


def test_a_certificate_of_another_authority_is_worth_nothing(folder: Path, tmp_path: Path) -> None:
    make_certificates(tmp_path / "other", SystemClock(), _LASTS)
    with serving(peer_tls(folder, "matching")) as server:
        target = f"127.0.0.1:{server.port}"
        for tls in (
            peer_tls(tmp_path / "other", "access"),
            PeerTlsSettings(
                ca_file=folder / "access" / "ca.crt",
                certificate_file=tmp_path / "other" / "access" / "tls.crt",
                key_file=tmp_path / "other" / "access" / "tls.key",
            ),
        ):
            assert ask(connect(target, "matching", tls), "CountTemplates") is grpc.StatusCode.UNAVAILABLE


def test_an_expired_certificate_is_worth_nothing(folder: Path) -> None:
    # Of the same authority in everything but time.
    make_certificates(folder, MovableClock(datetime.now(UTC) - timedelta(days=3)), timedelta(days=1))
    with serving(peer_tls(folder, "matching")) as server:
        channel = connect(f"127.0.0.1:{server.port}", "matching", peer_tls(folder, "access"))
        assert ask(channel, "CountTemplates") is grpc.StatusCode.UNAVAILABLE


def test_whoever_answers_must_be_the_service_that_was_meant(folder: Path) -> None:
    with serving(peer_tls(folder, "embedding")) as server:
        channel = connect(f"127.0.0.1:{server.port}", "matching", peer_tls(folder, "access"))
        assert ask(channel, "CountTemplates") is grpc.StatusCode.UNAVAILABLE


def test_renewed_certificates_need_no_restart(folder: Path) -> None:
    with serving(peer_tls(folder, "matching")) as server:
        target = f"127.0.0.1:{server.port}"
        assert ask(connect(target, "matching", peer_tls(folder, "access")), "CountTemplates") is grpc.StatusCode.OK
        make_certificates(folder, SystemClock(), _LASTS)
        assert ask(connect(target, "matching", peer_tls(folder, "access")), "CountTemplates") is grpc.StatusCode.OK


def test_health_is_told_to_every_service_of_ours(folder: Path) -> None:
    with (
        serving(peer_tls(folder, "matching")) as server,
        connect(f"127.0.0.1:{server.port}", "matching", peer_tls(folder, "embedding")) as channel,
    ):
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
