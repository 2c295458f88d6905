"""What a token opens, and every way in which it does not."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448, rsa
from hypothesis import given
from hypothesis import strategies as st

from homeward.shared.authorisation import (
    AuthorisationDeniedError,
    DenialCode,
    KeySet,
    Purpose,
    ReadCrops,
    ReadPhoto,
    SearchFaces,
    SigningKey,
    Use,
    Verifier,
    issue,
)
from homeward.shared.authorisation.token import TYPE
from homeward.shared.objectkeys import crops_key, footage_key, photo_key
from support.authorisations import AUTHORISATION_ID, NOON, Authority, MovableClock, claims_for, request

OTHER_ID = "7f0c1a52-5a3e-4f4e-9d0b-0c5b7c6a9e10"
CLIP_ID = "4b8f9a30-2f6d-5b3a-9c44-6a1c0d7e8f21"
AUTHORITY = Authority()
TOKEN = AUTHORITY.token()


def _denied(token: str, verifier: Verifier = AUTHORITY.verifier) -> DenialCode:
    with pytest.raises(AuthorisationDeniedError) as caught:
        verifier.verify(token)
    return caught.value.denial.code


def _use_denied(use: Use, token: str = TOKEN, verifier: Verifier = AUTHORITY.verifier) -> DenialCode:
    verified = verifier.verify(token)
    with pytest.raises(AuthorisationDeniedError) as caught:
        verified.permit(use)
    return caught.value.denial.code


def _segment(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    header, payload, signature = token.split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (header, payload)]
    return read[0], read[1], signature


def _sign(header: object, payload: object, key: SigningKey = AUTHORITY.key) -> str:
    """Sign whatever is given, as a signer without our own checks would."""
    signed = f"{_segment(header)}.{_segment(payload)}"
    return f"{signed}.{_segment(key.private_key.sign(signed.encode()))}"


def _resigned(change: Callable[[dict[str, Any]], object]) -> str:
    header, payload, _ = _parts(TOKEN)
    change(payload)
    return _sign(header, payload)


def _caveat(payload: dict[str, Any], kind: str) -> dict[str, Any]:
    caveat: dict[str, Any] = next(caveat for caveat in payload["caveats"] if caveat["type"] == kind)
    return caveat


def test_a_good_token_opens_what_it_names() -> None:
    verified = AUTHORITY.verifier.verify(TOKEN)
    assert verified.authorisation_id == AUTHORISATION_ID
    assert verified.purpose is Purpose.MISSING_PERSON
    assert verified.camera_ids == {"gate", "hall"}
    assert (verified.window_starts_at, verified.window_ends_at) == (
        NOON - timedelta(hours=3),
        NOON + timedelta(hours=3),
    )
    assert verified.expires_at == NOON + timedelta(hours=12)
    assert verified.photo_keys == (photo_key(AUTHORISATION_ID, 0),)
    assert (verified.live, verified.archive, verified.urgent) == (True, True, False)
    verified.permit(SearchFaces())
    verified.permit(ReadPhoto(photo_key(AUTHORISATION_ID, 0)))
    verified.permit(ReadCrops(crops_key("gate", NOON, CLIP_ID)))
    verified.permit(ReadCrops(crops_key("hall", NOON - timedelta(hours=3), CLIP_ID)))


def test_archive_and_live_follow_from_the_window() -> None:
    past = AUTHORITY.token(request(window=(NOON - timedelta(hours=2), NOON)))
    assert (AUTHORITY.verifier.verify(past).archive, AUTHORITY.verifier.verify(past).live) == (True, False)
    ahead = AUTHORITY.token(request(window=(NOON, NOON + timedelta(hours=2))))
    assert (AUTHORITY.verifier.verify(ahead).archive, AUTHORITY.verifier.verify(ahead).live) == (False, True)


@pytest.mark.parametrize(
    ("use", "code"),
    [
        (ReadCrops(crops_key("yard", NOON, CLIP_ID)), DenialCode.CAMERAS),
        (ReadCrops(footage_key("gate", NOON, CLIP_ID)), DenialCode.CAMERAS),
        (ReadCrops("gate"), DenialCode.CAMERAS),
        (ReadCrops(crops_key("gate", NOON - timedelta(hours=3, microseconds=1), CLIP_ID)), DenialCode.WINDOW),
        (ReadCrops(crops_key("gate", NOON + timedelta(hours=3), CLIP_ID)), DenialCode.WINDOW),
        (ReadPhoto(photo_key(AUTHORISATION_ID, 1)), DenialCode.SUBJECT),
        (ReadPhoto(photo_key(OTHER_ID, 0)), DenialCode.SUBJECT),
        (ReadPhoto(f"{AUTHORISATION_ID}/../{OTHER_ID}/0.jpg"), DenialCode.SUBJECT),
    ],
)
def test_a_token_replayed_for_something_else_opens_nothing(use: Use, code: DenialCode) -> None:
    assert _use_denied(use) is code


@pytest.mark.parametrize("use", [SearchFaces(), ReadCrops(crops_key("gate", NOON, CLIP_ID)), ReadPhoto("x")])
def test_an_incident_never_opens_a_face_search(use: Use) -> None:
    token = AUTHORITY.token(request(purpose=Purpose.INCIDENT, photos=0))
    assert AUTHORITY.verifier.verify(token).photo_keys == ()
    assert _use_denied(use, token) is DenialCode.PURPOSE


def test_time_is_judged_again_on_each_use() -> None:
    authority = Authority(MovableClock())
    token = authority.token(request(lifetime=timedelta(hours=4)))
    verified = authority.verifier.verify(token)
    authority.clock.move(timedelta(hours=4) - timedelta(microseconds=1))
    verified.permit(SearchFaces())
    authority.clock.move(timedelta(microseconds=1))
    with pytest.raises(AuthorisationDeniedError) as caught:
        verified.permit(SearchFaces())
    assert caught.value.denial.code is DenialCode.EXPIRED
    assert _denied(token, authority.verifier) is DenialCode.EXPIRED
    assert authority.verifier.read(token).authorisation_id == AUTHORISATION_ID


def test_a_token_begins_no_earlier_than_clocks_differ() -> None:
    verifier = Verifier(AUTHORITY.keys, MovableClock(NOON - timedelta(seconds=31)))
    assert _denied(TOKEN, verifier) is DenialCode.NOT_YET_VALID
    Verifier(AUTHORITY.keys, MovableClock(NOON - timedelta(seconds=30))).verify(TOKEN)


def test_a_key_that_nobody_knows_signs_nothing() -> None:
    assert _denied(Authority().token()) is DenialCode.UNKNOWN_KEY


def test_a_stranger_cannot_borrow_a_known_key_id() -> None:
    header, payload, _ = _parts(TOKEN)
    assert _denied(_sign(header, payload, SigningKey.generate())) is DenialCode.BAD_SIGNATURE


def test_with_two_known_keys_each_signs_under_its_own_id_alone() -> None:
    second = SigningKey.generate()
    verifier = Verifier(KeySet.of([AUTHORITY.key.public_key, second.public_key]), AUTHORITY.clock)
    header, payload, _ = _parts(TOKEN)
    verifier.verify(TOKEN)
    verifier.verify(issue(claims_for(request()), second))
    assert _denied(_sign(header, payload, second), verifier) is DenialCode.BAD_SIGNATURE


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "", None, "HS256", "ES256", "Ed25519"])
def test_no_other_algorithm_is_taken(algorithm: str | None) -> None:
    header, payload, signature = _parts(TOKEN)
    header["alg"] = algorithm
    for tail in ("", signature):
        assert _denied(f"{_segment(header)}.{_segment(payload)}.{tail}") is DenialCode.WRONG_ALGORITHM


def test_the_public_key_is_no_shared_secret() -> None:
    public = AUTHORITY.key.public_key
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    header, payload, _ = _parts(TOKEN)
    header["alg"] = "HS256"
    signed = f"{_segment(header)}.{_segment(payload)}"
    for secret in (pem, public.public_bytes_raw()):
        forged = f"{signed}.{_segment(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"
        assert _denied(forged) is DenialCode.WRONG_ALGORITHM


def test_keys_of_other_kinds_sign_nothing() -> None:
    header, payload, _ = _parts(TOKEN)
    signed = f"{_segment(header)}.{_segment(payload)}"
    forged = f"{signed}.{_segment(ed448.Ed448PrivateKey.generate().sign(signed.encode()))}"
    assert _denied(forged) is DenialCode.BAD_SIGNATURE
    key = rsa.generate_private_key(65537, 2048)
    rs256 = jwt.encode(payload, key, algorithm="RS256", headers={"typ": TYPE, "kid": AUTHORITY.key.key_id})
    assert _denied(rs256) is DenialCode.WRONG_ALGORITHM


@pytest.mark.parametrize("typ", [None, "JWT", "at+jwt", TYPE.upper()])
def test_another_kind_of_token_by_the_same_key_is_refused(typ: str | None) -> None:
    header, payload, _ = _parts(TOKEN)
    assert _denied(_sign({**header, "typ": typ}, payload)) is DenialCode.WRONG_TYPE


@pytest.mark.parametrize("extra", ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip"])
def test_a_token_brings_no_key_and_no_rule_of_its_own(extra: str) -> None:
    header, payload, _ = _parts(TOKEN)
    assert _denied(_sign({**header, extra: False}, payload)) is DenialCode.MALFORMED


@pytest.mark.parametrize("kid", [None, 7, ["x"], {}, "", "../private.pem", "' OR 1=1"])
def test_a_strange_key_id_finds_no_key(kid: object) -> None:
    header, payload, _ = _parts(TOKEN)
    assert _denied(_sign({**header, "kid": kid}, payload)) is DenialCode.UNKNOWN_KEY


def _set(**changes: object) -> Callable[[dict[str, Any]], object]:
    return lambda payload: payload.update(changes)


def _change(kind: str, **changes: object) -> Callable[[dict[str, Any]], object]:
    return lambda payload: _caveat(payload, kind).update(changes)


def _remove(kind: str) -> Callable[[dict[str, Any]], object]:
    return lambda payload: payload["caveats"].remove(_caveat(payload, kind))


def _repeat(kind: str) -> Callable[[dict[str, Any]], object]:
    return lambda payload: payload["caveats"].append(_caveat(payload, kind))


_IAT = int(NOON.timestamp())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_set(iss="homeward/ingest"), DenialCode.WRONG_ISSUER),
        (_set(aud="elsewhere"), DenialCode.WRONG_AUDIENCE),
        (_set(aud=["homeward", "elsewhere"]), DenialCode.WRONG_AUDIENCE),
        (_set(aud=["homeward"]), DenialCode.WRONG_AUDIENCE),
        (_set(jti=7), DenialCode.MALFORMED),
        (_set(jti="x"), DenialCode.BAD_CLAIM),
        (_set(jti=AUTHORISATION_ID.upper()), DenialCode.BAD_CLAIM),
        (_set(jti=OTHER_ID), DenialCode.SUBJECT),
        (_set(exp=_IAT + 72 * 3600 + 1), DenialCode.LIFETIME),
        (_set(exp=float(_IAT + 3600)), DenialCode.BAD_CLAIM),
        (_set(exp=str(_IAT + 3600)), DenialCode.BAD_CLAIM),
        (_set(exp=True), DenialCode.BAD_CLAIM),
        (_set(exp=10**30), DenialCode.BAD_CLAIM),
        (_set(exp=-1), DenialCode.BAD_CLAIM),
        (_set(exp=_IAT), DenialCode.BAD_CLAIM),
        (_set(iat=_IAT + 1), DenialCode.BAD_CLAIM),
        (_set(sub="somebody"), DenialCode.BAD_CLAIM),
        (_set(scope="everything"), DenialCode.BAD_CLAIM),
        (lambda payload: payload.pop("exp"), DenialCode.BAD_CLAIM),
        (lambda payload: payload.pop("nbf"), DenialCode.BAD_CLAIM),
        (lambda payload: payload.pop("jti"), DenialCode.BAD_CLAIM),
        (lambda payload: payload.pop("caveats"), DenialCode.BAD_CLAIM),
        (_set(caveats={}), DenialCode.BAD_CLAIM),
        (_set(caveats=[]), DenialCode.MISSING_CAVEAT),
        (_set(caveats=["purpose"]), DenialCode.UNKNOWN_CAVEAT),
        (_set(caveats=[{"type": ["purpose"]}]), DenialCode.UNKNOWN_CAVEAT),
        (lambda payload: payload["caveats"].append({"type": "weather"}), DenialCode.UNKNOWN_CAVEAT),
        (_remove("purpose"), DenialCode.MISSING_CAVEAT),
        (_remove("cameras"), DenialCode.MISSING_CAVEAT),
        (_remove("window"), DenialCode.MISSING_CAVEAT),
        (_remove("subject"), DenialCode.MISSING_CAVEAT),
        (_remove("requester"), DenialCode.MISSING_CAVEAT),
        (_remove("approvals"), DenialCode.MISSING_CAVEAT),
        (_repeat("cameras"), DenialCode.REPEATED_CAVEAT),
        (_repeat("subject"), DenialCode.REPEATED_CAVEAT),
        (_repeat("approvals"), DenialCode.REPEATED_CAVEAT),
        (_change("purpose", purpose="curiosity"), DenialCode.BAD_CAVEAT),
        (_change("purpose", also="incident"), DenialCode.BAD_CAVEAT),
        (_change("purpose", purpose="incident"), DenialCode.SUBJECT),
        (_change("cameras", camera_ids=[]), DenialCode.CAMERAS),
        (_change("cameras", camera_ids="gate"), DenialCode.BAD_CAVEAT),
        (_change("cameras", camera_ids=["*"]), DenialCode.CAMERAS),
        (_change("cameras", camera_ids=["gate", "gate"]), DenialCode.CAMERAS),
        (_change("cameras", camera_ids=[f"camera-{i}" for i in range(501)]), DenialCode.CAMERAS),
        (_change("window", starts_at="20261123T160000.000000Z"), DenialCode.WINDOW),
        (_change("window", starts_at="20261001T000000.000000Z"), DenialCode.WINDOW),
        (_change("window", ends_at="20261124T000000.000001Z"), DenialCode.WINDOW),
        (_change("window", ends_at=_IAT), DenialCode.BAD_CAVEAT),
        (_change("window", ends_at=None), DenialCode.BAD_CAVEAT),
        (_change("subject", photo_keys=[]), DenialCode.SUBJECT),
        (_change("subject", photo_keys=[f"{OTHER_ID}/0.jpg"]), DenialCode.SUBJECT),
        (_change("subject", photo_keys=[f"{AUTHORISATION_ID}/"]), DenialCode.SUBJECT),
        (_change("subject", photo_keys=[f"{AUTHORISATION_ID}/0.jpg"] * 2), DenialCode.SUBJECT),
        (_change("subject", photo_keys=[f"{AUTHORISATION_ID}/{i}.jpg" for i in range(6)]), DenialCode.SUBJECT),
        (_change("requester", official_id="supervisor-1"), DenialCode.APPROVAL),
        (_change("requester", official_id="Officer-1"), DenialCode.BAD_CAVEAT),
        (_change("requester", official_id="A Name"), DenialCode.BAD_CAVEAT),
        (_change("requester", official_id="officer-1\n"), DenialCode.BAD_CAVEAT),
        (_change("approvals", approvals=[]), DenialCode.APPROVAL),
        (_change("approvals", approvals=[{"official_id": "a", "rank": "officer"}]), DenialCode.APPROVAL),
        (_change("approvals", approvals=[{"official_id": "a", "rank": "commander"}] * 2), DenialCode.APPROVAL),
        (_change("approvals", approvals=[{"official_id": "a", "rank": "emperor"}]), DenialCode.BAD_CAVEAT),
        (
            lambda payload: payload["caveats"].append({"type": "urgent", "deadline": "20261123T130000.000000Z"}),
            DenialCode.MISSING_CAVEAT,
        ),
    ],
)
def test_even_the_right_key_cannot_sign_what_the_rules_forbid(
    change: Callable[[dict[str, Any]], object], code: DenialCode
) -> None:
    assert _denied(_resigned(change)) is code


def test_a_payload_changed_without_the_key_is_refused() -> None:
    header, payload, signature = _parts(TOKEN)
    _caveat(payload, "cameras")["camera_ids"].append("yard")
    assert _denied(f"{_segment(header)}.{_segment(payload)}.{signature}") is DenialCode.BAD_SIGNATURE


def test_caveats_of_another_token_are_no_replacement() -> None:
    wider = AUTHORITY.token(request(camera_ids=["gate", "hall", "yard"]))
    header, _, signature = TOKEN.split(".")
    assert _denied(f"{header}.{wider.split('.')[1]}.{signature}") is DenialCode.BAD_SIGNATURE


@pytest.mark.parametrize(
    "twice",
    [
        ('"exp":', '"exp":1,"exp":'),
        ('"jti":', f'"jti":"{OTHER_ID}","jti":'),
        ('"caveats":', '"caveats":[],"caveats":'),
        ('"camera_ids":', '"camera_ids":["yard"],"camera_ids":'),
    ],
)
def test_a_name_that_stands_twice_is_refused(twice: tuple[str, str]) -> None:
    header, payload, _ = _parts(TOKEN)
    text = json.dumps(payload, separators=(",", ":"))
    assert text.replace(*twice) != text
    assert _denied(_sign(header, text.replace(*twice).encode())) is DenialCode.MALFORMED


def test_a_header_name_that_stands_twice_is_refused() -> None:
    header, payload, _ = _parts(TOKEN)
    doubled = json.dumps(header).replace('"alg":', '"alg": "none", "alg":').encode()
    assert _denied(_sign(doubled, payload)) is DenialCode.MALFORMED


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b.c", f"{TOKEN}.{TOKEN}", f" {TOKEN}", f"{TOKEN}=", f"{TOKEN}\n", "é.é.é", "A" * 70_000],
)
def test_what_is_no_token_is_malformed(token: str) -> None:
    assert _denied(token) is DenialCode.MALFORMED


def test_a_token_is_written_in_one_way_alone() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # The last letter of a signature holds two of its bits and four spare ones, which no decoder looks at.
    respelled = TOKEN[:-1] + alphabet[alphabet.index(TOKEN[-1]) | 1]
    assert respelled != TOKEN
    assert _denied(respelled) is DenialCode.MALFORMED


def test_a_deeply_nested_payload_is_malformed() -> None:
    assert _denied(_sign(_parts(TOKEN)[0], b"[" * 20_000)) is DenialCode.MALFORMED


def test_no_reason_repeats_what_the_token_says() -> None:
    for change in (
        _change("requester", official_id="A Name"),
        _change("subject", photo_keys=["a-name/0.jpg"]),
        _change("cameras", camera_ids=["A Name"]),
    ):
        with pytest.raises(AuthorisationDeniedError) as caught:
            AUTHORITY.verifier.verify(_resigned(change))
        assert "name/" not in str(caught.value).lower()
        assert "a name" not in str(caught.value).lower()


@given(index=st.integers(0, len(TOKEN) - 1), letter=st.characters(codec="ascii"))
def test_every_tampered_letter_denies(index: int, letter: str) -> None:
    tampered = TOKEN[:index] + letter + TOKEN[index + 1 :]
    if tampered != TOKEN:
        _denied(tampered)


@given(start=st.integers(0, len(TOKEN)), length=st.integers(1, len(TOKEN)))
def test_every_shortened_token_denies(start: int, length: int) -> None:
    shortened = TOKEN[:start] + TOKEN[start + length :]
    if shortened != TOKEN:
        _denied(shortened)


@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda data: f"{_segment(data)}.{_segment(data)}."))
def test_no_text_at_all_opens_anything(text: str) -> None:
    _denied(text)


@given(st.binary(min_size=64, max_size=64))
def test_no_guessed_signature_is_taken(signature: bytes) -> None:
    header, payload, _ = TOKEN.split(".")
    assert _denied(f"{header}.{payload}.{_segment(signature)}") is DenialCode.BAD_SIGNATURE


@given(
    lifetime=st.timedeltas(timedelta(hours=3), timedelta(hours=72)),
    later=st.timedeltas(timedelta(0), timedelta(days=4000)),
)
def test_no_expired_token_opens_anything(lifetime: timedelta, later: timedelta) -> None:
    claims = claims_for(request(lifetime=lifetime))
    token = issue(claims, AUTHORITY.key)
    verifier = Verifier(AUTHORITY.keys, MovableClock(claims.expires_at + later))
    assert _denied(token, verifier) is DenialCode.EXPIRED


@given(
    camera=st.sampled_from(["gate", "hall", "yard", "gate2", "gat"]),
    offset=st.timedeltas(timedelta(days=-2), timedelta(days=2)),
)
def test_crops_open_exactly_inside_cameras_and_window(camera: str, offset: timedelta) -> None:
    inside = camera in {"gate", "hall"} and timedelta(hours=-3) <= offset < timedelta(hours=3)
    use = ReadCrops(crops_key(camera, NOON + offset, CLIP_ID))
    assert bool(AUTHORITY.verifier.verify(TOKEN).decide(use)) is inside


_WIDER = st.fixed_dictionaries(
    {},
    optional={
        "cameras": st.lists(st.sampled_from(["gate", "hall", "yard", "roof"]), min_size=1, unique=True),
        "exp": st.integers(_IAT, _IAT + 200 * 3600),
        "jti": st.uuids().map(str),
        "purpose": st.sampled_from([purpose.value for purpose in Purpose]),
        "photos": st.lists(st.integers(0, 9), max_size=9),
        "approver": st.sampled_from(["officer-1", "supervisor-1", "x"]),
    },
)


@given(_WIDER)
def test_no_unsigned_change_opens_anything(change: dict[str, Any]) -> None:
    header, payload, signature = _parts(TOKEN)
    before = json.dumps(payload)
    payload.update({name: change[name] for name in ("exp", "jti") if name in change})
    if "cameras" in change:
        _caveat(payload, "cameras")["camera_ids"] = change["cameras"]
    if "purpose" in change:
        _caveat(payload, "purpose")["purpose"] = change["purpose"]
    if "photos" in change:
        _caveat(payload, "subject")["photo_keys"] = [f"{AUTHORISATION_ID}/{index}.jpg" for index in change["photos"]]
    if "approver" in change:
        _caveat(payload, "approvals")["approvals"][0]["official_id"] = change["approver"]
    if json.dumps(payload) != before:
        assert _denied(f"{_segment(header)}.{_segment(payload)}.{signature}") is DenialCode.BAD_SIGNATURE
