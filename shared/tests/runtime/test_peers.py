from pathlib import Path

import pytest
from pydantic import ValidationError

from homeward.shared.runtime.peers import connect, peer_name, server_credentials
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
