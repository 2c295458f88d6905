import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from jwt.algorithms import RSAAlgorithm

from homeward.access.people.ports import ProviderAwayError
from homeward.access.people.provider_keys import KEPT, PAUSE, STALE, ProviderKeys
from homeward.access.people.tokens import BadTokenError, TokenVerifier
from support.access_people import CLIENT_ID, ISSUER, FakeProvider, jwk_of
from support.access_world import NOON, MovableClock

AT_NOON = int(NOON.timestamp())


class Listed(FakeProvider):
    """A provider with whatever keys the test lists."""

    def __init__(self, clock: MovableClock) -> None:
        super().__init__(clock)
        self.keys: object = [jwk_of(self.key, self.key_id)]

    def key_set(self) -> Mapping[str, Any]:
        super().key_set()
        return {"keys": self.keys}


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def provider(clock: MovableClock) -> Listed:
    return Listed(clock)


@pytest.fixture
def keys(provider: Listed, clock: MovableClock) -> ProviderKeys:
    return ProviderKeys(provider, clock, ("RS256", "ES256"))


@pytest.fixture
def verifier(keys: ProviderKeys, clock: MovableClock) -> TokenVerifier:
    return TokenVerifier(
        keys,
        clock,
        issuer=ISSUER,
        audience=CLIENT_ID,
        algorithms=("RS256", "ES256"),
        longest=timedelta(hours=1),
        groups_claim="groups",
    )


def refused(verifier: TokenVerifier, token: str, nonce: str | None = None) -> str:
    with pytest.raises(BadTokenError) as caught:
        verifier.verify(token, nonce)
    assert token not in str(caught.value)
    return caught.value.code


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def claims() -> dict[str, Any]:
    return {"iss": ISSUER, "aud": CLIENT_ID, "sub": "ann", "iat": AT_NOON, "exp": AT_NOON + 300}


def forged(header: Mapping[str, Any], secret: bytes = b"") -> str:
    signed = f"{encoded(header)}.{encoded(claims())}"
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_a_token_of_the_provider_counts(verifier: TokenVerifier, provider: Listed) -> None:
    identity = verifier.verify(provider.token(groups=["b", "a", "a", 7]))
    assert (identity.subject, identity.name, identity.groups) == ("ann", "Ann Lee", ("a", "b"))
    assert identity.issued_at == NOON


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 7])
def test_an_unsigned_token_is_refused(verifier: TokenVerifier, provider: Listed, algorithm: object) -> None:
    token = forged({"alg": algorithm, "typ": "JWT", "kid": provider.key_id})
    assert refused(verifier, token) in {"algorithm", "malformed"}
    assert provider.fetches == 0


@pytest.mark.parametrize("form", [serialization.PublicFormat.SubjectPublicKeyInfo])
@pytest.mark.parametrize("encoding", [serialization.Encoding.PEM, serialization.Encoding.DER])
def test_the_public_key_is_no_secret_of_hs256(
    verifier: TokenVerifier,
    provider: Listed,
    encoding: serialization.Encoding,
    form: serialization.PublicFormat,
) -> None:
    secret = provider.key.public_key().public_bytes(encoding, form)
    assert refused(verifier, forged({"alg": "HS256", "kid": provider.key_id}, secret)) == "algorithm"


def test_a_shared_secret_among_the_public_keys_is_none_of_ours(verifier: TokenVerifier, provider: Listed) -> None:
    provider.keys = [{"kty": "oct", "k": encoded("secret"), "kid": "key-1", "alg": "HS256"}]
    assert refused(verifier, provider.token()) == "key"


def test_a_key_counts_for_its_own_algorithm_alone(verifier: TokenVerifier, provider: Listed) -> None:
    other = generate_rsa(65537, 2048)
    token = jwt.encode(claims(), other, algorithm="RS256", headers={"kid": provider.key_id})
    assert refused(verifier, token) == "malformed"


def test_another_keys_signature_is_refused(verifier: TokenVerifier, provider: Listed) -> None:
    other = generate_private_key(SECP256R1())
    token = jwt.encode(claims(), other, algorithm="ES256", headers={"kid": provider.key_id})
    assert refused(verifier, token) == "signature"


def test_a_key_that_the_token_brings_is_not_looked_at(verifier: TokenVerifier, provider: Listed) -> None:
    other = generate_private_key(SECP256R1())
    headers = {"kid": "own", "jwk": jwk_of(other, "own"), "jku": "https://evil.test/jwks", "x5u": "https://evil.test"}
    assert refused(verifier, jwt.encode(claims(), other, algorithm="ES256", headers=headers)) == "key"
    headers["kid"] = provider.key_id
    assert refused(verifier, jwt.encode(claims(), other, algorithm="ES256", headers=headers)) == "signature"


def test_a_changed_claim_is_refused(verifier: TokenVerifier, provider: Listed) -> None:
    header, _, signature = provider.token().split(".")
    assert refused(verifier, f"{header}.{encoded(claims() | {'sub': 'commander'})}.{signature}") == "signature"


def test_a_header_that_must_be_understood_is_refused(verifier: TokenVerifier, provider: Listed) -> None:
    headers = {"kid": provider.key_id, "crit": ["homeward"], "homeward": 1}
    token = jwt.encode(claims(), provider.key, algorithm="ES256", headers=headers)
    assert refused(verifier, token) == "malformed"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aud": "another-client"}, "audience"),
        ({"aud": ["another-client"]}, "audience"),
        ({"aud": [CLIENT_ID, "another-client"]}, "audience"),
        ({"aud": []}, "malformed"),
        ({"aud": {CLIENT_ID: 1}}, "audience"),
        ({"aud": None}, "malformed"),
        ({"iss": "https://evil.test"}, "issuer"),
        ({"iss": f"{ISSUER}/"}, "issuer"),
        ({"iss": [ISSUER]}, "issuer"),
        ({"iss": None}, "malformed"),
        ({"sub": None}, "malformed"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "malformed"),
        ({"exp": AT_NOON - 30}, "expired"),
        ({"exp": None}, "malformed"),
        ({"exp": "tomorrow"}, "malformed"),
        ({"exp": True}, "malformed"),
        ({"exp": float("nan")}, "malformed"),
        ({"exp": float("inf")}, "malformed"),
        ({"exp": 2**70}, "malformed"),
        ({"exp": AT_NOON + 3601}, "too_long"),
        ({"iat": AT_NOON + 31}, "not_yet"),
        ({"iat": None}, "malformed"),
        ({"iat": -1}, "malformed"),
        ({"nbf": AT_NOON + 31}, "not_yet"),
        ({"nbf": "soon"}, "malformed"),
        ({"jti": 7}, "malformed"),
        ({"groups": [f"group-{number}" for number in range(501)]}, "groups"),
    ],
)
def test_a_token_that_says_something_else_is_refused(
    verifier: TokenVerifier, provider: Listed, changed: dict[str, Any], code: str
) -> None:
    assert refused(verifier, provider.token(**changed)) == code


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": [CLIENT_ID]},
        {"exp": AT_NOON - 29},
        {"iat": AT_NOON + 29},
        {"nbf": AT_NOON + 29},
        {"exp": AT_NOON + 3600},
        {"groups": None},
        {"groups": "alone"},
    ],
)
def test_a_token_within_the_bounds_counts(verifier: TokenVerifier, provider: Listed, changed: dict[str, Any]) -> None:
    assert verifier.verify(provider.token(**changed)).subject == "ann"


@pytest.mark.parametrize("azp", ["another-client", None, 7, [CLIENT_ID]])
def test_an_id_token_for_another_client_is_refused(verifier: TokenVerifier, provider: Listed, azp: object) -> None:
    payload = claims() | {"nonce": "n", "azp": azp}
    token = jwt.encode(payload, provider.key, algorithm="ES256", headers={"kid": provider.key_id})
    assert refused(verifier, token, "n") == "audience"
    assert verifier.verify(provider.token(nonce="n", azp=CLIENT_ID), "n").subject == "ann"


@pytest.mark.parametrize("token", ["", ".", "..", "...", "a.b.c", "{}.{}.", "\u00e9", "x" * 20_000, "e30.e30."])
def test_what_is_no_token_is_refused(verifier: TokenVerifier, provider: Listed, token: str) -> None:
    with pytest.raises(BadTokenError):
        verifier.verify(token)
    assert provider.fetches == 0


def test_a_name_is_shown_as_one_short_line(verifier: TokenVerifier, provider: Listed) -> None:
    assert verifier.verify(provider.token(name="Ann\n\u202e Lee\x00  B")).name == "Ann Lee B"
    assert verifier.verify(provider.token(name=None, preferred_username="ann.lee")).name == "ann.lee"
    assert verifier.verify(provider.token(name=None)).name == "ann"
    assert len(verifier.verify(provider.token(name="a" * 500)).name) == 200


def test_a_new_key_is_fetched_and_one_taken_back_counts_no_more(
    verifier: TokenVerifier, provider: Listed, clock: MovableClock
) -> None:
    before = provider.token()
    verifier.verify(before)
    provider.key, provider.key_id = generate_private_key(SECP256R1()), "key-2"
    provider.keys = [jwk_of(provider.key, "key-2")]
    clock.move(PAUSE)
    assert verifier.verify(provider.token()).subject == "ann"
    assert refused(verifier, before) == "key"


def test_a_key_taken_back_counts_no_more_after_a_while(
    keys: ProviderKeys, provider: Listed, clock: MovableClock
) -> None:
    assert keys.find("key-1") is not None
    provider.keys = []
    clock.move(KEPT - timedelta(seconds=1))
    assert keys.find("key-1") is not None
    clock.move(timedelta(seconds=1))
    assert keys.find("key-1") is None


def test_invented_key_ids_make_no_load(keys: ProviderKeys, provider: Listed, clock: MovableClock) -> None:
    for number in range(100):
        assert keys.find(f"invented-{number}") is None
    assert provider.fetches == 1
    clock.move(PAUSE)
    assert keys.find("invented") is None
    assert provider.fetches == 2


def test_known_keys_serve_while_the_provider_is_away_and_not_for_ever(
    keys: ProviderKeys, provider: Listed, clock: MovableClock
) -> None:
    keys.find("key-1")
    provider.away = True
    clock.move(STALE - timedelta(seconds=1))
    assert keys.find("key-1") is not None
    clock.move(timedelta(seconds=1))
    with pytest.raises(ProviderAwayError):
        keys.find("key-1")


def test_without_keys_nobody_is_told_that_the_token_is_bad(verifier: TokenVerifier, provider: Listed) -> None:
    provider.away = True
    with pytest.raises(ProviderAwayError):
        verifier.verify(provider.token())


def rsa_jwk(bits: int, **more: object) -> dict[str, Any]:
    key: RSAPrivateKey = generate_rsa(65537, bits)
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "rsa", "alg": "RS256", **more}


@pytest.mark.parametrize(
    "listed",
    [
        None,
        "keys",
        [None, "key", 7, {}, {"kty": "RSA"}, {"kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB"}],
        [rsa_jwk(1024)],
        [rsa_jwk(2048, use="enc")],
        [rsa_jwk(2048, alg="RS512")],
        [rsa_jwk(2048, kid=7)],
        [rsa_jwk(2048, kid=None)],
    ],
)
def test_a_key_that_is_not_fit_is_not_there(keys: ProviderKeys, provider: Listed, listed: object) -> None:
    provider.keys = listed
    assert keys.find("rsa") is None


def test_a_key_beside_unfit_ones_is_found(keys: ProviderKeys, provider: Listed) -> None:
    provider.keys = [{"kty": "new"}, rsa_jwk(2048)]
    assert keys.find("rsa") is not None
