"""Mutual TLS between our services: each proves by a certificate which service it is, and answers only whom it knows.

A service is named by the DNS name `<service>.homeward` in its certificate's subject alternative names, wherever it
runs: a client checks that name and not the address, so that an address alone never makes anybody the embedder.
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import grpc

from homeward.shared.settings import PeerTlsError, PeerTlsSettings
from homeward.shared.telemetry.logging import get_logger

DOMAIN: Final = "homeward"

_HEALTH: Final = "/grpc.health.v1.Health/"
_SUBJECT_NAMES: Final = "x509_subject_alternative_name"
_OPTIONS: Final[tuple[tuple[str, Any], ...]] = (
    # A peer that was started anew is found within seconds; gRPC itself would wait up to two minutes.
    ("grpc.max_reconnect_backoff_ms", 2000),
    # The target alone is asked, whatever proxy the environment names.
    ("grpc.enable_http_proxy", 0),
)

_KINDS: Final[Mapping[tuple[bool, bool], tuple[str, Callable[..., Any]]]] = MappingProxyType(
    {
        (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler),
        (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler),
        (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler),
        (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler),
    }
)
"""Where a handler keeps its behaviour and what makes another, by whether requests and answers are streams."""

_log = get_logger()


def peer_name(service: str) -> str:
    """Return the DNS name by which a certificate names `service`."""
    return f"{service}.{DOMAIN}"


def server_credentials(tls: PeerTlsSettings, listen: str) -> grpc.ServerCredentials | None:
    """Return what a server on `listen`, host:port, proves itself with; None for loopback without certificates.

    The files are read again at each new connection, so that a renewed certificate needs no restart.
    Raises PeerTlsError where the files are not usable, or are not given and others could reach the address.
    """
    if not tls.given:
        _require_loopback(listen)
        return None
    certificate, key, authority = _read(tls)
    last = [(certificate, key, authority)]

    def fetch() -> Any:
        try:
            last[0] = _read(tls)
        except PeerTlsError as error:
            # Half renewed: what was good a moment ago goes on until it is whole.
            _log.error("certificates cannot be read again", error=error)
        current_certificate, current_key, current_authority = last[0]
        return grpc.ssl_server_certificate_configuration([(current_key, current_certificate)], current_authority)

    return grpc.dynamic_ssl_server_credentials(
        grpc.ssl_server_certificate_configuration([(key, certificate)], authority),
        fetch,
        require_client_authentication=True,
    )


def connect(target: str, service: str, tls: PeerTlsSettings) -> grpc.Channel:
    """Return a channel to `service` at `target`, host:port; it connects when it is used.

    Raises PeerTlsError as `server_credentials` does.
    """
    if not tls.given:
        _require_loopback(target)
        return grpc.insecure_channel(target, options=list(_OPTIONS))
    certificate, key, authority = _read(tls)
    credentials = grpc.ssl_channel_credentials(authority, key, certificate)
    named = ("grpc.ssl_target_name_override", peer_name(service))
    return grpc.secure_channel(target, credentials, options=[*_OPTIONS, named])


class AllowedPeers(grpc.ServerInterceptor):
    """Lets a method be called by the services that are named for it, and by nobody else.

    Without certificates, on loopback, there is nobody to tell apart, and every caller is let in.
    """

    def __init__(self, allowed: Mapping[str, Iterable[str]], tls: PeerTlsSettings) -> None:
        """`allowed` names the services by method, "/package.Service/Method"; any other method is refused to all."""
        self._allowed = {
            method: frozenset(peer_name(service) for service in services) for method, services in allowed.items()
        }
        self._given = tls.given

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """Return the method's handler, guarded."""
        handler = continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or not self._given or method.startswith(_HEALTH):
            return handler
        allowed = self._allowed.get(method, frozenset())
        kind = (handler.request_streaming, handler.response_streaming)
        name, make = _KINDS[kind]
        guard = _guarded_stream if handler.response_streaming else _guarded_single
        behaviour = guard(getattr(handler, name), allowed)
        return make(behaviour, handler.request_deserializer, handler.response_serializer)


def _guarded_single(behaviour: Callable[[Any, Any], Any], allowed: frozenset[str]) -> Callable[[Any, Any], Any]:
    def guarded(request: Any, context: grpc.ServicerContext) -> Any:
        _require(context, allowed)
        return behaviour(request, context)

    return guarded


def _guarded_stream(behaviour: Callable[[Any, Any], Any], allowed: frozenset[str]) -> Callable[[Any, Any], Any]:
    def guarded(request: Any, context: grpc.ServicerContext) -> Any:
        _require(context, allowed)
        yield from behaviour(request, context)

    return guarded


def _require(context: grpc.ServicerContext, allowed: frozenset[str]) -> None:
    names = context.auth_context().get(_SUBJECT_NAMES, ())
    told = [names] if isinstance(names, bytes) else names
    if not allowed.intersection(name.decode(errors="replace") for name in told):
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "this service does not answer whom your certificate names")


def _read(tls: PeerTlsSettings) -> tuple[bytes, bytes, bytes]:
    found = []
    for path in (tls.certificate_file, tls.key_file, tls.ca_file):
        try:
            found.append((path or Path()).read_bytes())
        except OSError as error:
            raise PeerTlsError(f"{path} cannot be read: {error.strerror}") from error
    certificate, key, authority = found
    return certificate, key, authority


def _require_loopback(address: str) -> None:
    host = address.rpartition(":")[0].strip("[]")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise PeerTlsError(
            f"{address} is not on loopback, so services must prove who they are: set HOMEWARD_GRPC_TLS__CA_FILE, "
            "HOMEWARD_GRPC_TLS__CERTIFICATE_FILE and HOMEWARD_GRPC_TLS__KEY_FILE"
        )
