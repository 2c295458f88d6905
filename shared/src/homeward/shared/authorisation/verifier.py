"""Verification: what a token opens, judged anew on every use."""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import jwt

from homeward.shared.authorisation import ceilings
from homeward.shared.authorisation.caveats import CamerasCaveat, SubjectCaveat, UrgentCaveat, WindowCaveat
from homeward.shared.authorisation.claims import AUDIENCE, CLAIMS, ISSUER, Claims, read_claims, read_object
from homeward.shared.authorisation.decisions import (
    AuthorisationDeniedError,
    Decision,
    Denial,
    DenialCode,
    Success,
    require,
)
from homeward.shared.authorisation.keys_file import PublicKeys
from homeward.shared.authorisation.ranks import Purpose
from homeward.shared.authorisation.token import ALGORITHM, TYPE
from homeward.shared.authorisation.uses import Use
from homeward.shared.clock import Clock

_SEGMENTS: Final = 3
_HEADER: Final = frozenset({"alg", "kid", "typ"})


@dataclass(frozen=True, slots=True)
class VerifiedAuthorisation:
    """An authorisation whose token was verified. Only `Verifier` makes one; times are aware, in UTC."""

    claims: Claims
    _clock: Clock = field(repr=False)

    @property
    def authorisation_id(self) -> str:
        """The authorisation's id, the token's "jti"."""
        return self.claims.authorisation_id

    @property
    def purpose(self) -> Purpose:
        """Why."""
        return self.claims.purpose

    @property
    def camera_ids(self) -> frozenset[str]:
        """The cameras it opens."""
        return frozenset(self.claims.caveat(CamerasCaveat).camera_ids)

    @property
    def window_starts_at(self) -> datetime:
        """The first moment at which a clip may begin."""
        return self.claims.caveat(WindowCaveat).starts_at

    @property
    def window_ends_at(self) -> datetime:
        """One past the last moment at which a clip may begin."""
        return self.claims.caveat(WindowCaveat).ends_at

    @property
    def issued_at(self) -> datetime:
        """When it was signed."""
        return self.claims.issued_at

    @property
    def expires_at(self) -> datetime:
        """When it ends by itself."""
        return self.claims.expires_at

    @property
    def photo_keys(self) -> tuple[str, ...]:
        """The subject's reference photos in the bucket subjects; none where the purpose opens no face search."""
        return self.claims.caveat(SubjectCaveat).photo_keys if self.purpose.searches_faces else ()

    @property
    def urgent(self) -> bool:
        """Whether it stands on one signature alone."""
        return any(isinstance(caveat, UrgentCaveat) for caveat in self.claims.caveats)

    @property
    def archive(self) -> bool:
        """Whether it opens footage from before it was signed."""
        return self.window_starts_at < self.issued_at

    @property
    def live(self) -> bool:
        """Whether it opens footage from after it was signed."""
        return self.window_ends_at > self.issued_at

    def decide(self, use: Use) -> Decision:
        """Return whether `use` is open now, by the clock and by every caveat."""
        decision = judge_time(self.claims, self._clock.now())
        if not decision:
            return decision
        for caveat in self.claims.caveats:
            decision = caveat.allows(use)
            if not decision:
                return decision
        return Success()

    def permit(self, use: Use) -> None:
        """Return when `use` is open now; raise AuthorisationDeniedError otherwise."""
        require(self.decide(use))


class Verifier:
    """Verifies tokens by `keys` and the time by `clock`. It keeps no state and may be called from several threads."""

    def __init__(self, keys: PublicKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def verify(self, token: str) -> VerifiedAuthorisation:
        """Return what `token` says, when a known key signed it and it is in force; raise AuthorisationDeniedError."""
        claims = self.read(token)
        require(judge_time(claims, self._clock.now()))
        return VerifiedAuthorisation(claims, self._clock)

    def read(self, token: str) -> Claims:
        """Return the claims of a token that a known key signed, expired or not: for those who clean up after it.

        Raises AuthorisationDeniedError for every other reason to deny. Nothing may be opened by what this returns.
        """
        header, payload = _split(token)
        if header.get("typ") != TYPE:
            raise AuthorisationDeniedError(Denial(DenialCode.WRONG_TYPE, "the token is not an authorisation"))
        if header.get("alg") != ALGORITHM:
            raise AuthorisationDeniedError(
                Denial(DenialCode.WRONG_ALGORITHM, f"the token is not signed by {ALGORITHM}")
            )
        if set(header) != _HEADER:
            # "jwk", "jku", "x5u" and "crit" would let a token bring its own key or rules.
            raise AuthorisationDeniedError(Denial(DenialCode.MALFORMED, "the token's header has a field too many"))
        name = header["kid"]
        key = self._keys.keys.get(name) if isinstance(name, str) else None
        if key is None:
            raise AuthorisationDeniedError(Denial(DenialCode.UNKNOWN_KEY, "no known key signed the token"))
        try:
            jwt.decode_complete(
                token,
                key=key,
                # Never from the token: whoever writes the token would choose how it is checked.
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=0,
                # Every option is spelled out, the defaults too: a library's new default must not widen a token.
                options={
                    "verify_signature": True,
                    "require": list(CLAIMS),
                    "verify_aud": True,
                    "strict_aud": True,
                    "verify_iss": True,
                    "verify_jti": True,
                    "verify_sub": False,  # a token names no subject but its photos
                    # The library reads the machine's clock; `judge_time` reads the injected one.
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "enforce_minimum_key_length": True,
                },
            )
        except jwt.InvalidTokenError as error:
            raise AuthorisationDeniedError(_denial(error)) from error
        claims = read_claims(payload)
        require(claims.judge())
        return claims


def judge_time(claims: Claims, now: datetime) -> Decision:
    """Return whether `claims` are in force at `now`. The end is exact: no leeway lengthens an authorisation."""
    if now >= claims.expires_at:
        return Denial(DenialCode.EXPIRED, "the authorisation has expired")
    if now + ceilings.CLOCK_SKEW_MAX < claims.not_before:
        return Denial(DenialCode.NOT_YET_VALID, "the authorisation is not in force yet")
    return Success()


def _split(token: str) -> tuple[dict[str, object], bytes]:
    if len(token) > ceilings.TOKEN_MAX_BYTES or not token.isascii():
        raise AuthorisationDeniedError(Denial(DenialCode.MALFORMED, "the token is too long or not ASCII"))
    segments = token.split(".")
    if len(segments) != _SEGMENTS:
        raise AuthorisationDeniedError(Denial(DenialCode.MALFORMED, "the token is not a compact JWS"))
    header, payload, _ = (_decode(segment) for segment in segments)
    return read_object(header), payload


def _decode(segment: str) -> bytes:
    try:
        data = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise AuthorisationDeniedError(Denial(DenialCode.MALFORMED, "the token is not base64url")) from error
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != segment:
        # Spare bits at a segment's end would let one token be written in several ways.
        raise AuthorisationDeniedError(Denial(DenialCode.MALFORMED, "the token is not in its one canonical form"))
    return data


def _denial(error: jwt.InvalidTokenError) -> Denial:
    match error:
        case jwt.InvalidSignatureError():
            return Denial(DenialCode.BAD_SIGNATURE, "the token's signature is not by the key it names")
        case jwt.InvalidAudienceError():
            return Denial(DenialCode.WRONG_AUDIENCE, "the token is meant for somebody else")
        case jwt.InvalidIssuerError():
            return Denial(DenialCode.WRONG_ISSUER, "the token comes from another issuer")
        case jwt.MissingRequiredClaimError():
            return Denial(DenialCode.BAD_CLAIM, "the token has a claim too few")
        case _:
            return Denial(DenialCode.MALFORMED, "the token is not a compact JWS of ours")
