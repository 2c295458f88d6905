from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from pydantic import ValidationError

from homeward.shared.runtime.peers import AllowedPeers, connect, peer_name, server_credentials
from homeward.shared.settings import PeerTlsError, PeerTlsSettings


def test_a_service_is_named_wherever_it_runs() -> None:
    assert peer_name("matching") == "matching.homeward"


@pytest.mark.parametrize("address", ["0.0.0.0:50051", "matching:50051", "10.0.0.7:50051", "[::]:50051", ":50051"])
def test_without_certificates_nobody_listens_or_calls_beyond_loopback(address: str) -> None:
    with pytest.raises(PeerTlsError, match="HOMEWARD_GRPC_TLS__CA_FILE"):
        server_credentials(PeerTlsSettings(), address)
    with pytest.raises(PeerTlsError, match="HOMEWARD_GRPC_TLS__CA_FILE"):
        connect(address, "matching", PeerTlsSettings())


@pytest.mark.parametrize("address", ["127.0.0.1:50051", "localhost:50051", "[::1]:50051"])
def test_loopback_needs_none(address: str) -> None:
    assert server_credentials(PeerTlsSettings(), address) is None


def test_a_certificate_that_is_missing_is_named(tmp_path: Path) -> None:
    tls = PeerTlsSettings(ca_file=tmp_path / "ca", certificate_file=tmp_path / "crt", key_file=tmp_path / "key")
    with pytest.raises(PeerTlsError, match="crt cannot be read"):
        server_credentials(tls, "127.0.0.1:0")


def test_the_three_files_belong_together(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="all three"):
        PeerTlsSettings(ca_file=tmp_path / "ca")


class Context:
    """A call by `names`, as gRPC tells a certificate's; an abort ends it."""

    def __init__(self, *names: str) -> None:
        self._names = [name.encode() for name in names]

    def auth_context(self) -> dict[str, list[bytes]]:
        return {"x509_subject_alternative_name": self._names}

    def abort(self, code: grpc.StatusCode, _: str) -> None:
        raise PermissionError(code.name)


@pytest.mark.parametrize("kind", ["unary_unary", "unary_stream", "stream_unary", "stream_stream"])
def test_every_kind_of_method_is_guarded(kind: str, tmp_path: Path) -> None:
    given = PeerTlsSettings(ca_file=tmp_path / "ca", certificate_file=tmp_path / "crt", key_file=tmp_path / "key")
    peers = AllowedPeers({"/a.B/C": ["matching"]}, given)
    streams = kind.endswith("stream")
    answer = getattr(grpc, f"{kind}_rpc_method_handler")(lambda _, __: iter(["told"]) if streams else "told")
    handler = peers.intercept_service(lambda _: answer, SimpleNamespace(method="/a.B/C"))

    def call(context: Context) -> object:
        told = getattr(handler, kind)("asked", context)
        return list(told) if streams else told

    assert call(Context("other.example", "matching.homeward")) == (["told"] if streams else "told")
    for stranger in (Context(), Context("retention.homeward"), Context("matching")):
        with pytest.raises(PermissionError, match="PERMISSION_DENIED"):
            call(stranger)


def test_a_method_that_names_nobody_is_refused_to_all(tmp_path: Path) -> None:
    given = PeerTlsSettings(ca_file=tmp_path / "ca", certificate_file=tmp_path / "crt", key_file=tmp_path / "key")
    handler = AllowedPeers({}, given).intercept_service(
        lambda _: grpc.unary_unary_rpc_method_handler(lambda _, __: "told"), SimpleNamespace(method="/a.B/C")
    )
    with pytest.raises(PermissionError):
        handler.unary_unary("asked", Context("matching.homeward"))
