"""The certificates by which the services of one installation prove to each other who they are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from homeward.shared.clock import Clock
from homeward.shared.runtime.peers import peer_name
from homeward.shared.settings import PeerTlsSettings

HOLDERS: Final = ("access", "cli", "embedding", "matching", "retention")
"""Who speaks gRPC, as a server or as a client."""

_CA: Final = "ca.crt"
_CERTIFICATE: Final = "tls.crt"
_KEY: Final = "tls.key"
"""The names that cert-manager and Kubernetes give them."""

_AHEAD: Final = timedelta(minutes=5)
"""A certificate is valid from a little before it was made: the clocks of two machines differ."""


def make_certificates(folder: Path, clock: Clock, lasts: timedelta) -> None:
    """Write `folder`/<holder>/{ca.crt,tls.crt,tls.key} anew for each of HOLDERS; nobody but the owner may read them.

    One authority signs them all, and its key is kept nowhere: none can be added later, but all can be made anew.
    Raises OSError.
    """
    now = clock.now().astimezone(UTC)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _sign(x509.Name([_common("Homeward services")]), authority_key, now, lasts, ca=True)
    for holder in HOLDERS:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(
            x509.Name([_common(holder)]), key, now, lasts, name=peer_name(holder), issuer=(authority, authority_key)
        )
        own = folder / holder
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(own / _CA, authority.public_bytes(serialization.Encoding.PEM))
        _write(own / _CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))
        _write(
            own / _KEY,
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )


def peer_tls(folder: Path, holder: str) -> PeerTlsSettings:
    """Return the settings of `holder`, whose certificates `make_certificates` wrote into `folder`."""
    own = folder / holder
    return PeerTlsSettings(ca_file=own / _CA, certificate_file=own / _CERTIFICATE, key_file=own / _KEY)


def _sign(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    lasts: timedelta,
    *,
    ca: bool = False,
    name: str | None = None,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _AHEAD)
        .not_valid_after(now + lasts)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if name is not None:
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256())


def _common(name: str) -> x509.NameAttribute[str]:
    return x509.NameAttribute(NameOID.COMMON_NAME, name)


def _write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(data)
