"""RTSP's text: answers, challenges, descriptions, addresses; and what stands between packets."""

import base64
import contextlib
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeward.ingest.adapters.rtsp import address, authentication, messages, sdp
from homeward.ingest.adapters.rtsp.errors import EndedError, ProtocolError, RefusedError
from homeward.ingest.adapters.rtsp.media import choose_audio, choose_video
from homeward.ingest.adapters.rtsp.messages import Message
from homeward.ingest.adapters.rtsp.wire import Wire
from support.rtp_packets import packet
from support.scripted_camera import SDP, ScriptedCamera, interleaved, response


class Heard:
    """What a wire hands on."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.packets: list[bytes] = []
        self.answers: list[Message] = []
        self.astray = 0
        stream = ScriptedCamera(chunks)
        stream._playing = True
        self.wire = Wire(stream, heard=self.answers.append, astray=self._stray)
        self.wire.sinks[0] = self.wire.sinks[1] = self._take

    def _take(self, view: memoryview, start: int, end: int) -> None:
        self.packets.append(bytes(view[start:end]))

    def _stray(self) -> None:
        self.astray += 1

    def drain(self) -> None:
        with contextlib.suppress(TimeoutError):
            while True:
                self.wire.pump()


SENT = [packet(number, number * 3600, bytes([number]) * (number * 37 % 900 + 1)) for number in range(40)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 3000), max_size=30))
def test_packets_and_answers_are_found_however_they_are_cut(cuts: list[int]) -> None:
    data = b"".join(
        interleaved(number % 2, one) + (response("7", body="x=$\x00\x00\x20") if number % 9 == 0 else b"")
        for number, one in enumerate(SENT)
    )
    chunks = []
    for cut in cuts:
        chunks.append(data[:cut])
        data = data[cut:]
    heard = Heard([*filter(None, chunks), *([data] if data else [])])
    heard.drain()
    assert heard.packets == SENT
    assert [answer.status for answer in heard.answers] == [200] * 5
    assert heard.astray == 0


@pytest.mark.parametrize("noise", [b"RTSP/", b"RTSP/1.0 ", b"RTSP/1.0 20", b"OPTIONS rtsp"])
def test_what_only_looks_like_a_message_costs_nothing(noise: bytes) -> None:
    frames = [interleaved(0, one) for one in SENT]
    heard = Heard([b"".join(frames[:10]), noise, b"".join(frames[10:])])
    heard.drain()
    assert heard.packets == SENT


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=300), st.integers(1, 38))
def test_noise_between_packets_costs_no_more_than_a_few(noise: bytes, place: int) -> None:
    frames = [interleaved(0, one) for one in SENT]
    heard = Heard([b"".join(frames[:place]), noise, b"".join(frames[place:])])
    heard.drain()
    assert heard.packets[:place] == SENT[:place]
    # What looked like a frame in the noise may have swallowed some, but the footing is found again.
    assert heard.packets[-1:] == SENT[-1:] or noise.count(b"$")
    if b"$" not in noise and b"R" not in noise:
        assert heard.packets == SENT
        assert heard.astray


def test_a_dollar_alone_is_no_packet() -> None:
    heard = Heard([interleaved(0, SENT[0]), b"$\x00\x03\x00\x15 all of this is noise", interleaved(0, SENT[1])])
    heard.drain()
    assert heard.packets == SENT[:2]
    assert heard.astray


def test_noise_without_end_is_given_up() -> None:
    heard = Heard([b"\x00" * 100_000] * 12)
    with pytest.raises(ProtocolError):
        heard.drain()


def test_a_camera_that_hangs_up_has_ended() -> None:
    with pytest.raises(EndedError):
        Heard([b""]).wire.pump()


def test_what_the_camera_asks_is_passed_over() -> None:
    heard = Heard([b"OPTIONS * RTSP/1.0\r\nCSeq: 3\r\n\r\n" + interleaved(0, SENT[1])])
    heard.drain()
    assert (heard.packets, heard.answers, heard.astray) == ([SENT[1]], [], 0)


@pytest.mark.parametrize(
    "text",
    [
        b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 4000,
        b"RTSP/1.0 200 OK\r\nContent-Length: 70000\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 9999999999999\r\n\r\n",
    ],
)
def test_an_answer_without_measure_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        Heard([text]).drain()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=200), st.sampled_from([b"RTSP/1.0 ", b"\r\n\r\n", b"$\x00\x00\x10\x80"]))))
def test_no_bytes_break_the_wire(chunks: list[bytes]) -> None:
    with contextlib.suppress(ProtocolError, EndedError):
        Heard(list(filter(None, chunks))).drain()


def test_digest_is_answered_as_in_its_standard() -> None:
    # RFC 2617, section 3.5.
    asked = authentication.best(
        [
            (
                'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
                'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
            )
        ]
    )
    assert asked is not None
    answer = asked.answer("Mufasa", "Circle Of Life", "GET", "/dir/index.html", count=1, ours="0a4f113b")
    assert 'response="6629fae49393a05397450978507c4ef1"' in answer
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in answer
    assert "qop=auth, nc=00000001" in answer
    assert "algorithm" not in answer


def test_digest_by_sha_256_is_answered_as_in_its_standard() -> None:
    # RFC 7616, section 3.9.1, which offers both.
    common = 'realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"'
    asked = authentication.best([f"Digest {common}, algorithm=MD5", f"Digest {common}, algorithm=SHA-256"])
    assert asked is not None
    ours = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    answer = asked.answer("Mufasa", "Circle of Life", "GET", "/dir/index.html", count=1, ours=ours)
    assert 'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"' in answer


def test_digest_without_quality_is_answered_as_old_cameras_want() -> None:
    asked = authentication.best(['Digest realm="cam", nonce="abc"'])
    assert asked is not None
    secret = hashlib.md5(b"admin:cam:pw", usedforsecurity=False).hexdigest()
    wanted = hashlib.md5(b"DESCRIBE:rtsp://c/1", usedforsecurity=False).hexdigest()
    expected = hashlib.md5(f"{secret}:abc:{wanted}".encode(), usedforsecurity=False).hexdigest()
    answer = asked.answer("admin", "pw", "DESCRIBE", "rtsp://c/1", count=1, ours="x")
    assert f'response="{expected}"' in answer
    assert "cnonce" not in answer


def test_the_password_itself_goes_out_only_where_nothing_better_is_asked() -> None:
    both = authentication.best(['Basic realm="cam"', 'Digest realm="cam", nonce="n"'])
    assert both is not None
    assert both.digest
    one_line = authentication.best(['Basic realm="cam", Digest realm="cam", nonce="n", stale=TRUE'])
    assert one_line is not None
    assert (one_line.digest, one_line.stale) == (True, True)
    basic = authentication.best(['Basic realm="cam"'])
    assert basic is not None
    assert basic.answer("a", "p:w", "X", "u", count=1, ours="") == "Basic " + base64.b64encode(b"a:p:w").decode()
    assert authentication.best(['Digest realm="cam", nonce="n", algorithm=QUANTUM', "Bearer x", ""]) is None


def test_quotes_in_a_name_stay_in_it() -> None:
    asked = authentication.best(['Digest realm="r", nonce="n"'])
    assert asked is not None
    assert r'username="a\"b\\c"' in asked.answer('a"b\\c', "p", "X", "u", count=1, ours="")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtsp://camera.test/live", ("camera.test", 554, False, "rtsp://camera.test/live")),
        ("rtsps://camera.test/a?b=c&d", ("camera.test", 322, True, "rtsps://camera.test/a?b=c&d")),
        ("rtsp://[2001:db8::1]:8554/1", ("2001:db8::1", 8554, False, "rtsp://[2001:db8::1]:8554/1")),
        ("rtsp://camera.test/ä b\r\nX: y", ("camera.test", 554, False, "rtsp://camera.test/%C3%A4%20bX:%20y")),
        ("rtsp://Kamera-Tür.test/1", ("xn--kamera-tr-x9a.test", 554, False, "rtsp://xn--kamera-tr-x9a.test/1")),
    ],
)
def test_where_a_url_leads(url: str, expected: tuple[str, int, bool, str]) -> None:
    found = address.read(url)
    assert (found.host, found.port, found.tls, found.url) == expected


@pytest.mark.parametrize("url", ["rtsp://camera.test:port/", "rtsp:///1", "rtsp://" + "a" * 300 + "ü/1"])
def test_a_url_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        address.read(url)


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ("trackID=1", "rtsp://c/live?x=1/trackID=1"),
        ("", "rtsp://c/live?x=1"),
        ("*", "rtsp://c/live?x=1"),
        ("rtsp://c/other", "rtsp://c/other"),
    ],
)
def test_where_a_track_is(control: str, expected: str) -> None:
    assert address.joined("rtsp://c/live?x=1", control) == expected
    assert address.base("nonsense", "rtsp://c/live?x=1") == "rtsp://c/live?x=1"


def test_a_description_is_read() -> None:
    body = SDP + (
        "m=audio 0 RTP/AVP 8\r\na=control:trackID=1\r\n"
        "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:trackID=2\r\n"
    )
    found = sdp.read(body.encode())
    assert found.control == "*"
    assert [(one.kind, one.codec, one.clock_hz, one.control) for one in found.media] == [
        ("video", "H264", 90_000, "trackID=0"),
        ("audio", "PCMA", 8000, "trackID=1"),
        ("application", "VND.ONVIF.METADATA", 90_000, "trackID=2"),
    ]
    audio = choose_audio(found)
    assert audio is not None
    assert (audio.form.codec, audio.form.time_base.denominator) == ("pcm_alaw", 8000)
    assert audio.template.codec_context.sample_rate == 8000


@pytest.mark.parametrize(
    ("lines", "codec", "rate"),
    [
        (
            (
                "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/16000/1\r\n"
                "a=fmtp:97 streamtype=5;mode=AAC-hbr;config=1408;SizeLength=13;IndexLength=3;IndexDeltaLength=3\r\n"
            ),
            "aac",
            16_000,
        ),
        ("m=audio 0 RTP/AVP 0\r\n", "pcm_mulaw", 8000),
        ("m=audio 0 RTP/AVP 98\r\na=rtpmap:98 PCMA/16000\r\n", "pcm_alaw", 16_000),
        ("m=audio 0 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n", "opus", 48_000),
    ],
)
def test_sound_that_is_taken(lines: str, codec: str, rate: int) -> None:
    audio = choose_audio(sdp.read((SDP + lines).encode()))
    assert audio is not None
    assert (audio.form.codec, audio.form.time_base.denominator) == (codec, rate)
    assert audio.template.codec_context.sample_rate == rate


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "m=audio 0 RTP/AVP 98\r\na=rtpmap:98 G726-32/8000\r\n",
        "m=audio 0 RTP/AVP 98\r\na=rtpmap:98 PCMA/0\r\n",
        "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/16000\r\na=fmtp:97 mode=AAC-hbr;config=zz\r\n",
        (
            "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/16000\r\n"
            "a=fmtp:97 mode=AAC-hbr;config=1408;sizelength=99\r\n"
        ),
    ],
)
def test_sound_that_is_left_out(lines: str) -> None:
    assert choose_audio(sdp.read((SDP + lines).encode())) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m=video 0 RTP/AVP 26\r\n",
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n",
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/8000\r\n",
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\na=fmtp:96 sprop-max-don-diff=2\r\n",
        "m=audio 0 RTP/AVP 0\r\n",
    ],
)
def test_video_that_no_clip_takes_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        choose_video(sdp.read(text.encode()))


def test_a_description_without_measure_is_refused() -> None:
    for body in (b"m=video 0 RTP/AVP 96\r\n" * 20, b"a=x\r\n" * 2000, b"a" * 70_000):
        with pytest.raises(ProtocolError):
            sdp.read(body)


def test_a_control_that_would_break_a_request_is_left_out() -> None:
    assert sdp.read(b"m=video 0 RTP/AVP 0\r\na=control:track 1\r\n").media[0].control == ""


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
def test_no_text_breaks_the_readers(text: str) -> None:
    with contextlib.suppress(ProtocolError):
        found = sdp.read((SDP + "m=audio 0 RTP/AVP 97\r\n" + text).encode())
        choose_video(found)
        choose_audio(found)
    authentication.best([text, "Digest " + text])
    messages.session_of(text)
    messages.channels_of("interleaved=" + text)
    messages.server_ports_of("server_port=" + text)
    messages.starts_of(text)
    with contextlib.suppress(RefusedError):
        address.read("rtsp://" + text)


def test_where_tracks_begin() -> None:
    found = messages.starts_of("url=rtsp://c/1;seq=5;rtptime=99,url=rtsp://c/2;rtptime=4294967296;seq=x")
    assert [(one.url, one.number, one.stamp) for one in found] == [("rtsp://c/1", 5, 99), ("rtsp://c/2", None, None)]


def test_what_a_session_says() -> None:
    assert messages.session_of("1234;timeout=30") == ("1234", 30)
    assert messages.session_of(" ab-c ") == ("ab-c", 60)
    assert messages.session_of("") is None
    assert messages.channels_of("RTP/AVP/TCP;interleaved=4-5") == (4, 5)
    assert messages.channels_of("RTP/AVP/TCP;interleaved=300-301") is None
    assert messages.server_ports_of("RTP/AVP;server_port=5000-5001") == (5000, 5001)
    assert messages.server_ports_of("RTP/AVP;server_port=0-1") is None
