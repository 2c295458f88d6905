"""The OIDC provider over HTTP, by httpx."""

import json
import ssl
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from homeward.access.people.loopback import require_protected
from homeward.access.people.ports import CodeRefusedError, Endpoints, ProviderAwayError
from homeward.access.settings import OidcSettings
from homeward.shared.clock import Clock

DEMO_CLAIM: Final = "homeward_demo_provider"
"""In the metadata of the demo provider: it signs in whoever clicks."""

_TIMEOUT_S: Final = 5.0
_KEPT: Final = timedelta(hours=1)
_PAUSE: Final = timedelta(seconds=5)
"""After a failure nobody waits for the provider for so long."""
_MOST_BYTES: Final = 1024 * 1024


class HttpProvider:
    """The port `Provider`. It follows no redirect and reads nothing of the environment, proxies included."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        clock: Clock,
        *,
        verify: ssl.SSLContext | bool = True,
        demo: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`demo` says that the provider is the demo's; neither is taken for the other."""
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        self._demo = demo
        self._http = httpx.Client(
            timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False, verify=verify, transport=transport
        )
        self._metadata: Mapping[str, Any] | None = None
        self._asked_at: float | None = None
        self._lock = threading.Lock()

    @classmethod
    def configured(cls, settings: OidcSettings, clock: Clock) -> Self:
        """Return the provider of `settings`; raise OSError when one of its files cannot be read."""
        secret = settings.client_secret_file
        context = ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else True
        return cls(
            settings.issuer,
            settings.client_id,
            None if secret is None else secret.read_text().strip(),
            clock,
            verify=context,
            demo=settings.demo,
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def endpoints(self) -> Endpoints:
        """Return the provider's endpoints; raise ProviderAwayError."""
        metadata = self._discovered()
        return Endpoints(metadata["authorization_endpoint"], metadata.get("end_session_endpoint"))

    def key_set(self) -> Mapping[str, Any]:
        """Return the provider's JWKS, fetched now; raise ProviderAwayError."""
        status, document = self._send(self._http.build_request("GET", self._discovered()["jwks_uri"]))
        if status != httpx.codes.OK:
            raise ProviderAwayError(f"the sign-in provider gives no keys (HTTP {status})")
        return document

    def exchange(self, code: str, verifier: str, redirect_uri: str) -> str:
        """Return the ID token that `code` stands for; raise CodeRefusedError and ProviderAwayError."""
        metadata = self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
        }
        request = self._http.build_request("POST", metadata["token_endpoint"], data=form | self._named(metadata))
        if (secret := self._basic(metadata)) is not None:
            request = next(secret.sync_auth_flow(request))
        status, document = self._send(request)
        if status == httpx.codes.BAD_REQUEST and document.get("error") == "invalid_grant":
            raise CodeRefusedError("the sign-in provider does not take the code")
        token = document.get("id_token")
        if status != httpx.codes.OK or not isinstance(token, str):
            raise ProviderAwayError(f"the sign-in provider gives no token (HTTP {status})")
        return token

    def _named(self, metadata: Mapping[str, Any]) -> dict[str, str]:
        if self._client_secret is None:
            return {"client_id": self._client_id}
        if self._basic(metadata) is not None:
            return {}
        return {"client_id": self._client_id, "client_secret": self._client_secret}

    def _basic(self, metadata: Mapping[str, Any]) -> httpx.BasicAuth | None:
        # A provider that names no method takes this one (OIDC Discovery, 3).
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._client_secret is None or "client_secret_basic" not in methods:
            return None
        return httpx.BasicAuth(quote(self._client_id, safe=""), quote(self._client_secret, safe=""))

    def _discovered(self) -> Mapping[str, Any]:
        with self._lock:
            now = self._clock.monotonic()
            age = None if self._asked_at is None else now - self._asked_at
            if self._metadata is None and age is not None and age < _PAUSE.total_seconds():
                raise ProviderAwayError("the sign-in provider did not answer a moment ago")
            if self._metadata is None or age is None or age >= _KEPT.total_seconds():
                self._metadata, self._asked_at = None, now
                self._metadata = self._fetch_metadata()
            return self._metadata

    def _fetch_metadata(self) -> Mapping[str, Any]:
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        status, metadata = self._send(self._http.build_request("GET", url))
        if status != httpx.codes.OK or metadata.get("issuer") != self._issuer:
            raise ProviderAwayError(f"the sign-in provider does not say that it is the issuer (HTTP {status})")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"):
            self._check_endpoint(name, metadata.get(name))
        if (metadata.get(DEMO_CLAIM) is True) is not self._demo:
            raise ProviderAwayError("the sign-in provider is the demo's where it may not be, or is not where it must")
        return metadata

    def _check_endpoint(self, name: str, url: object) -> None:
        if url is None and name == "end_session_endpoint":
            return
        try:
            if not isinstance(url, str):
                raise ProviderAwayError(f"the sign-in provider has no {name}")
            require_protected(url)
        except ValueError:
            raise ProviderAwayError(f"the sign-in provider's {name} is not https") from None
        if url.startswith("http://") and self._issuer.startswith("https://"):
            raise ProviderAwayError(f"the sign-in provider's {name} is not https")

    def _send(self, request: httpx.Request) -> tuple[int, dict[str, Any]]:
        request.headers["Accept"] = "application/json"
        try:
            answer = self._http.send(request, stream=True)
            try:
                body = bytearray()
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise ProviderAwayError("the sign-in provider's answer is too large")
            finally:
                answer.close()
            document = json.loads(bytes(body))
        except httpx.HTTPError as error:
            # The text may hold the URL, which holds the code.
            raise ProviderAwayError(f"the sign-in provider does not answer ({type(error).__name__})") from None
        except (ValueError, RecursionError):
            raise ProviderAwayError("the sign-in provider's answer is not JSON") from None
        if not isinstance(document, dict):
            raise ProviderAwayError("the sign-in provider's answer is no JSON object")
        return answer.status_code, document
