"""The port `VideoSession` on a camera's RTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final

import av

from homeward.ingest.adapters.rtsp.decoding_times import DecodingTimes
from homeward.ingest.adapters.rtsp.errors import EndedError, ProtocolError, RefusedError
from homeward.ingest.adapters.rtsp.opening import Playing, agree_on_start
from homeward.ingest.adapters.rtsp.sound_clock import VIDEO_HZ
from homeward.ingest.adapters.rtsp.templates import VideoTemplate, video_template
from homeward.ingest.adapters.rtsp.video_track import AccessUnit
from homeward.ingest.media.packets import Packet, Track
from homeward.ingest.ports import AudioFormat, SourceCorruptError, SourceLostError
from homeward.shared.clock import Clock

_OPENING_UNITS: Final = 8
_OPENING_S: Final = 0.6
"""The first frames are kept back until so many have come, or so long, to see whether and how far they are reordered,
which many cameras do not declare: two of the longest usual groups of B-frames. The recorder lets a connection's first
clip last 1 s longer than what was kept back, so this must stay below."""

_REPORT_EACH_S: Final = 5.0
"""How often the camera is told what came (RFC 3550, section 6.2)."""


class RtspSession:
    """One camera's stream. Used by one thread.

    Nothing is yielded before the first key frame. A packet's NAL units are the camera's own, bit by bit, each behind
    its length. Decoding times are worked out, since RTP tells none. `stream` and `audio_stream` tell a muxer the form
    of the packets.

    Where the camera changes its sequence parameter sets, and so perhaps the size of its pictures, the session ends: the
    next one has the new form from its beginning. Before the first key frame `width_px` and `height_px` may be 0.
    """

    def __init__(self, camera_id: str, playing: Playing, *, read_timeout_s: float, clock: Clock) -> None:
        self._camera_id = camera_id
        self._playing = playing
        self._read_timeout_s = read_timeout_s
        self._clock = clock
        self.codec = playing.choice.codec
        self.time_base = Fraction(1, VIDEO_HZ)
        self.length: timedelta | None = None
        self.width_px = 0
        self.height_px = 0
        self.stream: Any = None
        sound = playing.sound
        self.audio: AudioFormat | None = None if sound is None else sound.choice.form
        self.audio_stream: Any = None if sound is None else sound.choice.template
        self._assembler = playing.choice.assembler()
        self._known_sets: frozenset[bytes] = frozenset()
        self._template: VideoTemplate | None = None
        self._units: list[AccessUnit] = []
        self._times: DecodingTimes | None = None
        self._began_s = 0.0
        self._missing = 0
        self._shown = 0
        self._sound_agreed = False
        now_s = clock.monotonic()
        self._heard_s = now_s
        self._alive_at_s = now_s + playing.alive_each_s
        self._report_at_s = now_s + 1.0

    def wait_for_key_frame(self, until_s: float) -> None:
        """Wait for the first key frame, up to a monotonic time. Raises SourceLostError, SourceCorruptError.

        A camera whose groups of pictures are longer than the wait is no failure: its key frame may come later.
        """
        came = False
        with self._failures():
            while self._template is None:
                left_s = until_s - self._clock.monotonic()
                if left_s <= 0:
                    break
                self._playing.carrier.limit(left_s)
                try:
                    self._playing.carrier.pump()
                except TimeoutError:
                    break
                came = came or bool(self._playing.video.units)
                self._gather()
                self._upkeep()
            if self._template is None and not came:
                raise TimeoutError
            self._playing.carrier.limit(self._read_timeout_s)

    def sent_at(self, pts: int) -> datetime | None:
        """Return when the frame of `pts` was taken, by the camera's last report."""
        return self._playing.reports.sent_at(pts)

    def packets(self) -> Iterator[Packet]:
        """Yield the packets until the camera ends its stream, falls silent or changes the form of its pictures."""
        with self._failures():
            carrier = self._playing.carrier
            while True:
                yield from self._release()
                self._upkeep()
                if carrier.pump():
                    # What has come is taken; the next call shall find more than one packet.
                    self._clock.sleep(carrier.gather_s)
                self._gather()

    def close(self) -> None:
        """Say farewell and hang up."""
        self._playing.connection.farewell(self._playing.url)
        self._playing.carrier.close()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        name = self._camera_id
        try:
            yield
        except TimeoutError:
            raise SourceLostError(f"camera {name}: the source did not answer in time") from None
        except OSError as error:
            raise SourceLostError(f"camera {name}: the source failed ({type(error).__name__})") from None
        except (EndedError, RefusedError) as error:
            raise SourceLostError(f"camera {name}: {error}") from None
        except ProtocolError as error:
            raise SourceCorruptError(f"camera {name}: {error}") from None

    def _gather(self) -> None:
        """Take the access units that are complete, from the first key frame on."""
        units, self._playing.video.units = self._playing.video.units, []
        if units:
            self._heard_s = self._clock.monotonic()
        elif self._clock.monotonic() - self._heard_s > self._read_timeout_s:
            raise TimeoutError
        for unit in units:
            changed = self._changed(unit)
            if self._template is None or (changed and not self._units and self._times is None):
                if not unit.key or unit.damaged or not self._learn(unit):
                    self._missing += unit.missing
                    continue
                self._began_s = self._clock.monotonic()
            elif changed:
                raise EndedError("it changed the form of its pictures")
            self._units.append(unit)

    def _changed(self, unit: AccessUnit) -> bool:
        kind = self._assembler.SEQUENCE_KIND
        return any(one not in self._known_sets for found, one in unit.sets if found == kind)

    def _learn(self, unit: AccessUnit) -> bool:
        """Learn the form of the pictures from a key frame; return whether it told."""
        sets = [one for _, one in unit.sets] or list(self._playing.choice.sets)
        try:
            template = video_template(self.codec, sets, bytes(unit.data))
        except ProtocolError:
            return False
        self._template = template
        self._known_sets = frozenset(sets)
        self.stream = template.stream
        self.width_px, self.height_px = template.width_px, template.height_px
        return True

    def _release(self) -> Iterator[Packet]:
        """Yield what may go on: nothing before it is known how far frames are reordered."""
        if self._template is None or not self._units:
            self._drop_sound()
            return
        if self._times is None:
            waited_s = self._clock.monotonic() - self._began_s
            if not self._template.certain and len(self._units) < _OPENING_UNITS and waited_s < _OPENING_S:
                return
            self._times = DecodingTimes(self._template.depth, [unit.pts for unit in self._units])
        units, self._units = self._units, []
        for unit in units:
            yield self._packet(unit, self._times.offer(unit.pts))
        yield from self._sound()

    def _packet(self, unit: AccessUnit, dts: int) -> Packet:
        data: Any = unit.data
        payload = av.Packet(data)
        payload.is_keyframe = unit.key
        missing, self._missing = self._missing + unit.missing, 0
        self._shown = unit.pts
        return Packet(
            unit.pts,
            dts,
            0,
            unit.key,
            payload,
            size_bytes=len(unit.data),
            missing=missing,
            damaged=unit.damaged,
        )

    def _sound(self) -> Iterator[Packet]:
        sound = self._playing.sound
        if sound is None or not sound.track.frames:
            return
        frames, sound.track.frames = sound.track.frames, []
        if not self._sound_agreed:
            self._sound_agreed = True
            agree_on_start(self._playing, self._shown, frames[0].stamp)
        # The newest sound came with the newest frame.
        behind = frames[-1].stamp
        for frame in frames:
            beside = self._shown - (behind - frame.stamp) * VIDEO_HZ // sound.choice.media.clock_hz
            at = sound.clock.at(frame.stamp, beside)
            if at is not None:
                payload = av.Packet(frame.data)
                payload.is_keyframe = True
                yield Packet(
                    at,
                    at,
                    frame.lasts,
                    key=True,
                    payload=payload,
                    track=Track.AUDIO,
                    size_bytes=len(frame.data),
                    missing=frame.missing,
                )

    def _drop_sound(self) -> None:
        sound = self._playing.sound
        if sound is not None and self._times is None:
            sound.track.frames.clear()

    def _upkeep(self) -> None:
        """Say that we are still there and what came, when it is time."""
        now_s = self._clock.monotonic()
        playing = self._playing
        if now_s >= self._alive_at_s:
            self._alive_at_s = now_s + playing.alive_each_s
            playing.connection.say_alive()
        if now_s >= self._report_at_s:
            self._report_at_s = now_s + _REPORT_EACH_S
            told = [playing.reports] if playing.sound is None else [playing.reports, playing.sound.reports]
            for track, reports in enumerate(told):
                packet = reports.ours()
                if packet is not None:
                    playing.carrier.report(track, packet)
