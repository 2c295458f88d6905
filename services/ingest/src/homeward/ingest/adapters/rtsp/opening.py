"""How a session begins: what the camera offers is asked, chosen, set up and started."""

import secrets
from dataclasses import dataclass
from typing import Final

from homeward.ingest.adapters.rtsp import address, messages, sdp
from homeward.ingest.adapters.rtsp.audio_track import AudioTrack
from homeward.ingest.adapters.rtsp.carriers import Carrier
from homeward.ingest.adapters.rtsp.connection import Connection
from homeward.ingest.adapters.rtsp.errors import RefusedError
from homeward.ingest.adapters.rtsp.media import AudioChoice, VideoChoice, choose_audio, choose_video
from homeward.ingest.adapters.rtsp.messages import Message
from homeward.ingest.adapters.rtsp.reports import Reports
from homeward.ingest.adapters.rtsp.sound_clock import VIDEO_HZ, SoundClock
from homeward.ingest.adapters.rtsp.video_track import VideoTrack
from homeward.shared.clock import Clock

_WITHIN: Final = 10
"""A track's first time stamp is believed to be where the camera says all tracks begin, if it is within so many
seconds: some cameras announce 0, or what they last sent to another."""


class VideoLine:
    """The video's way from its packets to access units, known before the tracks are."""

    def __init__(self) -> None:
        self.track: VideoTrack | None = None

    def damage(self) -> None:
        """Take note that the transport lost its footing."""
        if self.track is not None:
            self.track.damage()


@dataclass(slots=True)
class Sound:
    """The sound of a session."""

    choice: AudioChoice
    track: AudioTrack
    reports: Reports
    clock: SoundClock


@dataclass(slots=True)
class Playing:
    """A session that has begun. `url` is all of it, `alive_each_s` how often to say that we are still there."""

    connection: Connection
    carrier: Carrier
    url: str
    alive_each_s: float
    choice: VideoChoice
    video: VideoTrack
    reports: Reports
    sound: Sound | None
    starts: tuple[int | None, int | None] = (None, None)


def begin(
    connection: Connection,
    carrier: Carrier,
    line: VideoLine,
    asked: str,
    *,
    audio: bool,
    clock: Clock,
    until_s: float,
) -> Playing:
    """Ask for the stream at `asked` and start it. Raises RefusedError, ProtocolError, EndedError, OSError."""
    public = _options(connection, asked, until_s)
    answer = connection.request("DESCRIBE", asked, {"Accept": "application/sdp"}, until_s=until_s)
    description = sdp.read(answer.body)
    root = address.base(answer.header("content-base") or answer.header("content-location"), asked)
    everything = address.joined(root, description.control)
    choice = choose_video(description)
    ours = secrets.randbits(32)

    video = line.track = VideoTrack(choice.media.payload_type, choice.assembler())
    reports = Reports(video, VIDEO_HZ, ours, clock)
    video_url = address.joined(root, choice.media.control)
    limit_s = _set_up(connection, carrier, video_url, (video, reports), until_s)
    playing = Playing(connection, carrier, everything, limit_s / 2, choice, video, reports, None)

    urls = [video_url]
    heard = choose_audio(description) if audio else None
    if heard is not None:
        track = AudioTrack(heard.media.payload_type, heard.reader)
        told = Reports(track, heard.media.clock_hz, ours, clock)
        sound_url = address.joined(root, heard.media.control)
        try:
            _set_up(connection, carrier, sound_url, (track, told), until_s)
        except RefusedError:
            # A picture without sound is better than none.
            pass
        else:
            urls.append(sound_url)
            playing.sound = Sound(heard, track, told, SoundClock(reports, told, heard.media.clock_hz))

    connection.keep_alive_by("GET_PARAMETER" if "GET_PARAMETER" in public else "OPTIONS", everything)
    connection.request(
        "PLAY", everything, {"Range": "npt=0.000-"}, until_s=until_s, then=lambda told: _starts(playing, told, urls)
    )
    return playing


def _options(connection: Connection, url: str, until_s: float) -> str:
    try:
        return connection.request("OPTIONS", url, until_s=until_s).header("public").upper()
    except RefusedError:
        # Some refuse to say what they can to whom they do not know; DESCRIBE tells whether they know us.
        return ""


def _set_up(
    connection: Connection,
    carrier: Carrier,
    url: str,
    track: tuple[VideoTrack | AudioTrack, Reports],
    until_s: float,
) -> float:
    """Set one track up; return the session's time limit in seconds."""
    answer = connection.request("SETUP", url, {"Transport": carrier.offer()}, until_s=until_s)
    session = messages.session_of(answer.header("session"))
    if session is None:
        raise RefusedError("it begins no session")
    connection.session = session[0]
    run = track[0].take_run if isinstance(track[0], VideoTrack) else None
    carrier.agree(answer.header("transport"), track[0].take, track[1].take, run)
    # Below some seconds and above some minutes it is told wrongly.
    return float(min(max(session[1], 4), 120))


def _starts(playing: Playing, answer: Message, urls: list[str]) -> None:
    """Take note of where the tracks begin, before their first packets are read."""
    told = messages.starts_of(answer.header("rtp-info"))
    found = [_start_of(url, place, told) for place, url in enumerate(urls)]
    first = found[0]
    if first is not None and first.number is not None and not playing.video.sequence.received:
        playing.video.begin(first.number)
    stamps = [None if one is None else one.stamp for one in found]
    playing.starts = (stamps[0], stamps[1] if len(stamps) > 1 else None)


def _start_of(url: str, place: int, told: list[messages.Start]) -> messages.Start | None:
    for start in told:
        if start.url and (url.endswith(start.url) or start.url.endswith(url)):
            return start
    return told[place] if place < len(told) else None


def agree_on_start(playing: Playing, video_stamp: int, sound_stamp: int) -> None:
    """Place the sound by where the camera said both begin, if their first time stamps bear it out."""
    sound = playing.sound
    starts = playing.starts
    if sound is None or starts[0] is None or starts[1] is None:
        return
    video = playing.video.times.near(starts[0])
    heard = sound.track.times.near(starts[1])
    hz = sound.choice.media.clock_hz
    if abs(video_stamp - video) < _WITHIN * VIDEO_HZ and abs(sound_stamp - heard) < _WITHIN * hz:
        sound.clock.begin(video, heard)
