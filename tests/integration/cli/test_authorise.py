"""Opening a search as an operator types it, up to what needs the services."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from homeward.cli.__main__ import app
from homeward.cli.camera import Wish, camera_event, camera_removed, new_camera
from homeward.cli.context import Context
from homeward.shared.events import new_event
from homeward.shared.ids import clip_id
from homeward.shared.instants import to_timestamp
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import ObjectStoreSettings
from homeward.shared.topics import AUTHORISATIONS, CAMERAS, CLIPS
from homewardapi.clip.v1.clip_pb2 import GAP_CAUSE_SOURCE_LOST, Clip, Gap
from support.tansu import running_tansu

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    return data


def authorise(folder: Path, *cameras: str) -> Result:
    photo = folder / "photo.jpg"
    photo.write_bytes(b"none")
    named = [word for camera in cameras for word in ("--camera", camera)]
    return CliRunner().invoke(app, ["authorise", "start", str(photo), *named, "--data", str(folder)])


def test_a_camera_that_never_recorded_anything_is_refused_and_a_removed_one_is_not(folder: Path) -> None:
    gone_clip = Clip(
        clip_id=clip_id("gone", NOW),
        camera_id="gone",
        starts_at=to_timestamp(NOW),
        ends_at=to_timestamp(NOW + timedelta(seconds=10)),
        gap=Gap(cause=GAP_CAUSE_SOURCE_LOST),
    )
    with running_tansu(folder) as broker:
        create_topics(broker.kafka, [AUTHORISATIONS, CAMERAS, CLIPS])
        store = ObjectStoreSettings(endpoint="127.0.0.1:1", access_key=SecretStr("a"), secret_key=SecretStr("b"))
        keys, tls = folder / "keys", folder / "tls"
        Context(broker.kafka, store, "127.0.0.1:1", "127.0.0.1:1", keys, tls, {}).save(folder)
        producer = EventProducer(broker.kafka)
        there = [new_camera(name, Wish("rtsp://192.0.2.7/stream"), NOW) for name in ("gate", "gone")]
        producer.send([*map(camera_event, there), new_event(CLIPS, gone_clip.clip_id, "test", NOW, gone_clip)])
        producer.send([camera_removed("gone", NOW + timedelta(minutes=1))])
        producer.close()

        refused = authorise(folder, "gate", "gaet", "haul")
        assert refused.exit_code == 1
        assert "nothing is recorded by gaet, haul" in refused.stderr
        # Of those that there are, the next thing that is missing is told: no demo made its identities here.
        assert "no demo identities" in authorise(folder, "gate", "gone").stderr
