"""Tokens of the provider: who they speak of, once everything about them is checked."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
from jwt.exceptions import PyJWTError

from homeward.access.people.csrf import is_same
from homeward.access.people.identity import Identity
from homeward.access.people.provider_keys import ProviderKeys
from homeward.shared.clock import Clock

LEEWAY: Final = timedelta(seconds=30)
"""How far the provider's clock may be from ours."""

_REQUIRED: Final = ["aud", "exp", "iat", "iss", "sub"]
_LONGEST_TOKEN: Final = 16_000
_LONGEST_NAME: Final = 200
_LONGEST_GROUP: Final = 200
_MOST_GROUPS: Final = 500
_LATEST_S: Final = 253_000_000_000  # in the year 9987: Python knows no year of five digits


class BadTokenError(Exception):
    """A token that does not count. `code` says why, for the audit record; whoever sent it is not told more."""

    def __init__(self, code: str) -> None:
        super().__init__(f"a token does not count: {code}")
        self.code = code


class TokenVerifier:
    """Verifies tokens of one issuer for one audience."""

    def __init__(
        self,
        keys: ProviderKeys,
        clock: Clock,
        *,
        issuer: str,
        audience: str,
        algorithms: Collection[str],
        longest: timedelta,
        groups_claim: str,
    ) -> None:
        """A token that is valid for more than `longest` is refused: nobody could take it back in time."""
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._algorithms = sorted(algorithms)
        self._longest = longest
        self._groups_claim = groups_claim

    def verify(self, token: str, nonce: str | None = None) -> Identity:
        """Return whom `token` speaks of; with `nonce`, it must be the answer to the sign-in that began with it.

        Raises BadTokenError, and ProviderAwayError when the provider's keys are not to be had.
        """
        claims = self._claims(token)
        self._check_audience(claims)
        if nonce is not None:
            self._check_answer(claims, nonce)
        issued_at = self._check_times(claims)
        subject = claims["sub"]
        if not subject:
            raise BadTokenError("subject")
        return Identity(self._issuer, subject, _name(claims), self._groups(claims), issued_at)

    def _claims(self, token: str) -> Mapping[str, Any]:
        if len(token) > _LONGEST_TOKEN or not token.isascii():
            raise BadTokenError("malformed")
        try:
            header = jwt.get_unverified_header(token)
        except PyJWTError:
            raise BadTokenError("malformed") from None
        # Before any key is looked for: what is not signed by a pinned algorithm costs nothing.
        if header.get("alg") not in self._algorithms:
            raise BadTokenError("algorithm")
        key_id = header.get("kid")
        key = self._keys.find(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise BadTokenError("key")
        try:
            # Every option is spelled out, so that no version's default decides. The algorithms are a list of ours,
            # never the token's word; PyJWT also refuses one that is not the key's own.
            return jwt.decode(
                token,
                key=key,
                algorithms=self._algorithms,
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={
                    "verify_signature": True,
                    "require": _REQUIRED,
                    "strict_aud": False,  # a list of one is the same audience; of more, _check_audience refuses
                    "verify_aud": True,
                    "verify_iss": True,
                    "verify_sub": True,
                    "verify_jti": True,
                    # PyJWT reads the machine's clock: these are checked by _check_times, against ours.
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "enforce_minimum_key_length": True,
                },
            )
        except jwt.InvalidAudienceError:
            raise BadTokenError("audience") from None
        except jwt.InvalidIssuerError:
            raise BadTokenError("issuer") from None
        except jwt.InvalidSignatureError:
            raise BadTokenError("signature") from None
        except (PyJWTError, ValueError, TypeError):
            # The text may repeat a claim.
            raise BadTokenError("malformed") from None

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        # A token for several services could be shown to us by another one of them.
        if claims["aud"] not in (self._audience, [self._audience]):
            raise BadTokenError("audience")

    def _check_answer(self, claims: Mapping[str, Any], nonce: str) -> None:
        if claims.get("azp", self._audience) != self._audience:
            raise BadTokenError("audience")
        said = claims.get("nonce")
        if not isinstance(said, str) or not is_same(said, nonce):
            raise BadTokenError("nonce")

    def _check_times(self, claims: Mapping[str, Any]) -> datetime:
        now = self._clock.now()
        expires_at, issued_at = _time(claims["exp"]), _time(claims["iat"])
        if expires_at + LEEWAY <= now:
            raise BadTokenError("expired")
        if issued_at - LEEWAY > now or ("nbf" in claims and _time(claims["nbf"]) - LEEWAY > now):
            raise BadTokenError("not_yet")
        if expires_at - issued_at > self._longest:
            raise BadTokenError("too_long")
        return issued_at

    def _groups(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        listed = claims.get(self._groups_claim, [])
        if not isinstance(listed, list):
            listed = [listed]
        if len(listed) > _MOST_GROUPS:
            # Which of them count would be chance.
            raise BadTokenError("groups")
        return tuple(sorted({one for one in listed if isinstance(one, str) and len(one) <= _LONGEST_GROUP}))


def _time(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST_S:
        raise BadTokenError("malformed")
    return datetime.fromtimestamp(value, UTC)


def _name(claims: Mapping[str, Any]) -> str:
    for claim in ("name", "preferred_username", "email"):
        said = claims.get(claim)
        # Nothing that turns the direction of a page's text or hides in it.
        shown = "".join(each if each.isprintable() else " " for each in said) if isinstance(said, str) else ""
        if line := " ".join(shown.split()):
            return line[:_LONGEST_NAME]
    return str(claims["sub"])[:_LONGEST_NAME]
