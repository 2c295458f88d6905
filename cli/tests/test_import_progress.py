from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message

from homeward.cli.import_progress import ImportProgress
from homeward.shared.events import Event
from homeward.shared.ids import clip_id
from homeward.shared.instants import to_timestamp
from homeward.shared.topics import CAMERA_STATUS, CLIPS
from homewardapi.camera.v1.camera_status_pb2 import (
    CAMERA_STATE_CONNECTING,
    CAMERA_STATE_DONE,
    CAMERA_STATE_REFUSED,
    CameraState,
    CameraStatus,
)
from homewardapi.clip.v1.clip_pb2 import GAP_CAUSE_NOT_IMPORTED, Clip, Gap, StoredClip

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
S = timedelta(seconds=1)


def clip(begins: int, ends: int, *, gap: bool = False, camera: str = "old") -> Event:
    message = Clip(
        clip_id=clip_id(camera, NOON + begins * S),
        camera_id=camera,
        starts_at=to_timestamp(NOON + begins * S),
        ends_at=to_timestamp(NOON + ends * S),
    )
    if gap:
        message.gap.CopyFrom(Gap(cause=GAP_CAUSE_NOT_IMPORTED))
    else:
        message.stored.CopyFrom(StoredClip())
    return event(message)


def status(at: int, state: CameraState.ValueType, through: int | None) -> Event:
    message = CameraStatus(camera_id="old", measured_at=to_timestamp(NOON + at * S), state=state)
    if through is not None:
        message.optional_through.CopyFrom(to_timestamp(NOON + through * S))
    return event(message)


def event(message: Message) -> Event:
    topic = CLIPS if isinstance(message, Clip) else CAMERA_STATUS
    return Event(topic, "id", "old", "test", NOON, message)


def after(*events: Event) -> ImportProgress:
    state = ImportProgress("old", NOON)
    for one in events:
        state = state.after(one)
    return state


def test_an_import_is_done_when_all_that_was_read_is_announced() -> None:
    told = [clip(0, 10), clip(10, 15, gap=True), clip(15, 20), clip(15, 20), clip(0, 10, camera="other")]
    done = status(60, CAMERA_STATE_DONE, 20)
    assert not after(*told).done
    assert not after(done, *told[:2]).done
    state = after(done, *told)
    assert state.done
    assert (len(state.clips), len(state.gaps)) == (2, 1)


def test_the_state_before_the_import_says_nothing() -> None:
    assert not after(status(-1, CAMERA_STATE_DONE, None)).done
    assert not after(status(1, CAMERA_STATE_CONNECTING, None)).done
    assert after(status(1, CAMERA_STATE_DONE, None)).done


def test_a_refused_camera_is_told() -> None:
    assert after(status(1, CAMERA_STATE_REFUSED, None)).refused
