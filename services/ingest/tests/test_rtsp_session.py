"""A whole session with a camera that has no socket: dialogue, form, times, upkeep and ends."""

import contextlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeward.ingest.adapters.rtsp.carriers import InterleavedCarrier
from homeward.ingest.adapters.rtsp.connection import Connection
from homeward.ingest.adapters.rtsp.errors import EndedError, ProtocolError, RefusedError
from homeward.ingest.adapters.rtsp.opening import VideoLine, begin
from homeward.ingest.adapters.rtsp.session import RtspSession
from homeward.ingest.media.packets import Packet, Track
from homeward.ingest.ports import SourceCorruptError, SourceError, SourceLostError
from support.recording import ManualClock
from support.rtp_packets import behind_lengths, packet, packets
from support.scripted_camera import SDP, Answer, ScriptedCamera, interleaved, response
from support.video import behind_lengths as units_of
from support.video import make_video

URL = "rtsp://camera.test/live"
GATHER_S = 0.07
"""How much time passes with each chunk that the camera sends."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rtsp")


def frames_of(video: Path) -> list[tuple[int, list[bytes]]]:
    """Return each frame's RTP time stamp and NAL units, the key frames' with their parameter sets."""
    with av.open(str(video)) as container:
        stream: Any = container.streams.video[0]
        extradata = bytes(stream.codec_context.extradata)
        length = int.from_bytes(extradata[6:8], "big")
        rest = extradata[8 + length :]
        sets = [extradata[8 : 8 + length], rest[3 : 3 + int.from_bytes(rest[1:3], "big")]]
        return [
            (
                int(one.pts * stream.time_base * 90_000) + 1000,
                [*(sets if one.is_keyframe else []), *units_of(bytes(one))],
            )
            for one in container.demux(stream)
            if one.size
        ]


@pytest.fixture(scope="module")
def plain(folder: Path) -> list[tuple[int, list[bytes]]]:
    return frames_of(make_video(folder / "plain.mp4", gop=10, seconds=3, b_frames=0))


@pytest.fixture(scope="module")
def reordered(folder: Path) -> list[tuple[int, list[bytes]]]:
    return frames_of(make_video(folder / "reordered.mp4", gop=10, seconds=3, b_frames=3))


@pytest.fixture(scope="module")
def larger(folder: Path) -> list[tuple[int, list[bytes]]]:
    video = folder / "larger.mp4"
    with av.open(str(video), "w") as container:
        stream: Any = container.add_stream("libx264", rate=10, options={"preset": "ultrafast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(320, 180, "yuv420p")))
        container.mux(stream.encode())
    return frames_of(video)


def chunks(frames: list[tuple[int, list[bytes]]], first: int = 0) -> list[bytes]:
    return [b"".join(interleaved(0, one) for one in parts) for parts in packets(frames, "h264", first)]


class Opened:
    """A session on a scripted camera."""

    def __init__(self, sent: list[bytes], answer: Answer | None = None, *, audio: bool = False) -> None:
        self.clock = ManualClock()
        self.camera = ScriptedCamera(sent, answer)
        line = VideoLine()
        connection = Connection(self.camera, ("admin", "hunter2"), clock=self.clock, astray=line.damage)
        carrier = InterleavedCarrier(connection.wire)
        carrier.gather_s = GATHER_S
        playing = begin(connection, carrier, line, URL, audio=audio, clock=self.clock, until_s=10.0)
        self.session = RtspSession("cam-1", playing, read_timeout_s=2.0, clock=self.clock)
        self.session.wait_for_key_frame(10.0)

    def packets(self) -> list[Packet]:
        """Return all packets, up to the end that a silent camera makes."""
        found: list[Packet] = []
        with contextlib.suppress(SourceLostError):
            found.extend(self.session.packets())
        return found


def data_of(one: Packet) -> bytes:
    return bytes(one.payload)  # type: ignore[call-overload,no-any-return]  # FFmpeg's own


def test_every_frame_comes_out_as_it_went_in(plain: list[tuple[int, list[bytes]]]) -> None:
    opened = Opened(chunks(plain))
    found = opened.packets()
    assert [data_of(one) for one in found] == [behind_lengths(units) for _, units in plain]
    assert [one.pts for one in found] == [one.dts for one in found] == [stamp for stamp, _ in plain]
    assert [one.key for one in found] == [index % 10 == 0 for index in range(30)]
    assert [one.size_bytes for one in found] == [len(behind_lengths(units)) for _, units in plain]
    assert (opened.session.width_px, opened.session.height_px, opened.session.codec) == (192, 108, "h264")
    assert opened.session.stream.codec_context.extradata[:1] == b"\x01"


def test_b_frames_have_their_times(reordered: list[tuple[int, list[bytes]]]) -> None:
    found = Opened(chunks(reordered)).packets()
    assert [one.pts for one in found] == [stamp for stamp, _ in reordered]
    assert all(before.dts < after.dts for before, after in pairwise(found))  # type: ignore[operator]  # whole here
    assert all(one.dts <= one.pts for one in found)  # type: ignore[operator]  # whole here
    assert any(one.dts < one.pts for one in found)  # type: ignore[operator]  # whole here


def test_what_comes_before_the_first_key_frame_is_let_go(plain: list[tuple[int, list[bytes]]]) -> None:
    found = Opened(chunks(plain[3:])).packets()
    assert [one.pts for one in found] == [stamp for stamp, _ in plain[10:]]


def test_a_lost_packet_is_told_with_the_next_frame(plain: list[tuple[int, list[bytes]]]) -> None:
    sent = chunks(plain)
    del sent[14]
    found = Opened(sent).packets()
    assert {one.pts: one.missing for one in found if one.missing} == {plain[16][0]: 1}
    assert not any(one.damaged for one in found)


def test_a_loss_before_the_first_key_frame_is_told_with_it(plain: list[tuple[int, list[bytes]]]) -> None:
    sent = chunks(plain[3:])
    del sent[2]
    found = Opened(sent).packets()
    assert [(one.pts, one.missing) for one in found][:2] == [(plain[10][0], 1), (plain[11][0], 0)]


def test_noise_between_frames_is_told_with_the_frame_that_follows(plain: list[tuple[int, list[bytes]]]) -> None:
    sent = chunks(plain)
    sent.insert(14, b"\x00\x01noise\xff" * 9)
    found = Opened(sent).packets()
    assert [one.pts for one in found if one.damaged] == [plain[14][0]]
    assert len(found) == 30


def test_a_loss_at_the_start_is_told(plain: list[tuple[int, list[bytes]]]) -> None:
    def answer(method: str, url: str, headers: dict[str, str]) -> bytes:
        if method == "PLAY":
            info = {"Session": "1", "RTP-Info": f"url={URL}/trackID=0;seq=65530;rtptime=1000"}
            return response(headers["cseq"], headers=info)
        return ScriptedCamera.usual(method, url, headers)

    found = Opened(chunks(plain, first=65_533), answer).packets()
    assert found[0].missing == 3


def test_other_pictures_end_the_session(
    plain: list[tuple[int, list[bytes]]], larger: list[tuple[int, list[bytes]]]
) -> None:
    moved = [(stamp + 300_000, units) for stamp, units in larger]
    count = sum(len(parts) for parts in packets(plain, "h264"))
    opened = Opened(chunks(plain) + chunks(moved, count))
    found: list[Packet] = []
    with pytest.raises(SourceLostError, match="form of its pictures"):
        found.extend(opened.session.packets())
    assert len(found) >= 29


def test_a_silent_camera_is_lost(plain: list[tuple[int, list[bytes]]]) -> None:
    opened = Opened(chunks(plain))
    with pytest.raises(SourceLostError, match="did not answer in time"):
        list(opened.session.packets())


def test_a_camera_that_sends_all_but_pictures_is_lost(plain: list[tuple[int, list[bytes]]]) -> None:
    opened = Opened(chunks(plain) + [interleaved(1, b"\x80\xc8\x00\x00" + bytes(4))] * 200)
    with pytest.raises(SourceLostError, match="did not answer in time"):
        list(opened.session.packets())
    # Each is read 70 ms after the other, and 2 s are waited for a picture: most were never read.
    assert len(opened.camera.left) > 150


def test_a_farewell_ends_the_session(plain: list[tuple[int, list[bytes]]]) -> None:
    farewell = b"\x81\xcb\x00\x01" + (0x00C0FFEE).to_bytes(4, "big")
    opened = Opened([*chunks(plain), interleaved(1, farewell)])
    found: list[Packet] = []
    with pytest.raises(SourceLostError, match="ended the stream"):
        found.extend(opened.session.packets())
    assert len(found) >= 29


def test_the_camera_hears_that_we_are_there_and_what_came(plain: list[tuple[int, list[bytes]]]) -> None:
    many = [(stamp + turn * 270_000, units) for turn in range(30) for stamp, units in plain]
    opened = Opened(chunks(many))
    opened.packets()
    alive = [method for method, _, _ in opened.camera.requests if method == "GET_PARAMETER"]
    # 900 frames, each read 70 ms after the other, take a minute: half of that is the limit of 60 s.
    assert len(alive) == 2
    assert opened.camera.requests[-1][2]["session"] == "12345678"
    assert len(opened.camera.reports) > 10
    assert opened.camera.reports[0][:2] == b"$\x01"
    assert opened.camera.reports[0][5] == 201
    opened.session.close()
    assert opened.camera.requests[-1][0] == "TEARDOWN"
    assert opened.camera.closed


def test_a_session_that_the_camera_forgot_ends(plain: list[tuple[int, list[bytes]]]) -> None:
    def answer(method: str, url: str, headers: dict[str, str]) -> bytes:
        if method == "GET_PARAMETER":
            return response(headers["cseq"], 454)
        return ScriptedCamera.usual(method, url, headers)

    many = [(stamp + turn * 270_000, units) for turn in range(30) for stamp, units in plain]
    opened = Opened(chunks(many), answer)
    with pytest.raises(SourceLostError, match="ended the session"):
        list(opened.session.packets())


def test_a_nonce_that_aged_is_renewed(plain: list[tuple[int, list[bytes]]]) -> None:
    nonces = ["first"]

    def answer(method: str, url: str, headers: dict[str, str]) -> bytes:
        if f'nonce="{nonces[-1]}"' not in headers.get("authorization", ""):
            asked = {"WWW-Authenticate": f'Digest realm="cam", nonce="{nonces[-1]}", qop="auth"'}
            return response(headers["cseq"], 401, asked)
        if method in ("SETUP", "GET_PARAMETER"):
            nonces.append(f"{method}-{len(nonces)}")
        return ScriptedCamera.usual(method, url, headers)

    many = [(stamp + turn * 270_000, units) for turn in range(30) for stamp, units in plain]
    opened = Opened(chunks(many), answer)
    assert len(opened.packets()) == 900
    assert [method for method, _, _ in opened.camera.requests].count("GET_PARAMETER") == 3
    assert "hunter2" not in str(opened.camera.requests)


def refusing(method: str, status: int, headers: dict[str, str] | None = None) -> Answer:
    def answer(asked: str, url: str, given_headers: dict[str, str]) -> bytes:
        if asked == method:
            return response(given_headers["cseq"], status, headers)
        return ScriptedCamera.usual(asked, url, given_headers)

    return answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusing("DESCRIBE", 404), "no such stream"),
        (refusing("DESCRIBE", 302, {"Location": "rtsp://elsewhere.test/"}), "not followed"),
        (refusing("DESCRIBE", 401, {"WWW-Authenticate": 'Basic realm="x"'}), "refuses the credentials"),
        (refusing("DESCRIBE", 401, {"WWW-Authenticate": "Bearer"}), "unknown way"),
        (refusing("SETUP", 461), "transport"),
        (refusing("SETUP", 200, {"Session": "1", "Transport": "RTP/AVP;unicast;client_port=1-2"}), "transport"),
        (refusing("SETUP", 200, {"Transport": "RTP/AVP/TCP;interleaved=0-1"}), "no session"),
        (refusing("PLAY", 500), "500"),
    ],
)
def test_a_camera_that_refuses_says_why(answer: Answer, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason) as refused:
        Opened([], answer)
    assert "hunter2" not in str(refused.value)
    assert "camera.test" not in str(refused.value)


def test_sound_comes_beside_the_picture(plain: list[tuple[int, list[bytes]]]) -> None:
    def answer(method: str, url: str, headers: dict[str, str]) -> bytes:
        if method == "DESCRIBE":
            return response(headers["cseq"], body=SDP + "m=audio 0 RTP/AVP 8\r\na=control:trackID=1\r\n")
        return ScriptedCamera.usual(method, url, headers)

    sent: list[bytes] = []
    for index, chunk in enumerate(chunks(plain)):
        sound = packet(index, 7000 + 800 * index, bytes([index]) * 800, payload_type=8)
        sent.append(chunk + interleaved(2, sound))
    opened = Opened(sent, answer, audio=True)
    found = opened.packets()
    assert opened.session.audio is not None
    assert opened.session.audio.codec == "pcm_alaw"
    heard = [one for one in found if one.track is Track.AUDIO]
    assert [data_of(one)[:1] for one in heard] == [bytes([index]) for index in range(30)]
    apart = {(one.pts or 0) / 8000 - stamp / 90_000 for one, (stamp, _) in zip(heard, plain, strict=True)}
    assert max(apart) - min(apart) < 0.001
    assert abs(max(apart)) < 0.1
    silent = Opened(sent, answer)
    assert silent.session.audio is None
    assert all(one.track is Track.VIDEO for one in silent.packets())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=12),
    noise=st.binary(max_size=40),
)
def test_nothing_but_errors_of_a_source_come_out(
    plain: list[tuple[int, list[bytes]]], places: list[tuple[int, int]], noise: bytes
) -> None:
    stream = bytearray(b"".join(chunks(plain)))
    for at, value in places:
        stream[at % len(stream)] = value
    sent = [bytes(stream[:3000]), noise, bytes(stream[3000:])]
    with contextlib.suppress(SourceError):
        opened = Opened([one for one in sent if one])
        for one in opened.session.packets():
            assert isinstance(one, Packet)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]), st.binary(min_size=1, max_size=400))
def test_no_answer_breaks_the_dialogue(asked: str, noise: bytes) -> None:
    def answer(method: str, url: str, headers: dict[str, str]) -> bytes:
        return noise if method == asked else ScriptedCamera.usual(method, url, headers)

    with contextlib.suppress(
        RefusedError, ProtocolError, EndedError, TimeoutError, SourceLostError, SourceCorruptError
    ):
        Opened([], answer)
