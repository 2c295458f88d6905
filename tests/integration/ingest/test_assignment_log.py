"""How far others told of cameras, read from the log: on the embedded broker, and on real Kafka."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from homeward.ingest.adapters.kafka_told import KafkaToldLog
from homeward.ingest.media.coverage import Cause
from homeward.ingest.media.stretches import Stretch
from homeward.ingest.sharing.handover import ToldLogError
from homeward.shared.clock import SystemClock
from homeward.shared.events import Event, new_event, removal
from homeward.shared.instants import to_timestamp
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.replay import LogReader
from homeward.shared.runtime.topics_admin import create_topics
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import CAMERA_STATUS, CAMERAS, CLIPS
from homewardapi.camera.v1 import camera_status_pb2
from homewardapi.camera.v1.camera_status_pb2 import CameraStatus
from support.broker import Broker
from support.kafka import running_kafka
from support.tansu import running_tansu

S: Final = timedelta(seconds=1)
NOW: Final = datetime.now(UTC).replace(microsecond=0)
BROKERS = (pytest.param("tansu"), pytest.param("kafka", marks=pytest.mark.kafka))


@pytest.fixture(params=BROKERS)
def kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    folder = tmp_path_factory.mktemp(request.param)
    broker: Broker
    with ExitStack() as stack:
        if request.param == "kafka":
            broker = stack.enter_context(running_kafka(folder))
        else:
            broker = stack.enter_context(running_tansu(folder))
        create_topics(broker.kafka, [CAMERAS, CLIPS, CAMERA_STATUS])
        yield broker.kafka


def clip(camera: str, first_s: float, until_s: float) -> Event:
    return Stretch(camera, NOW + first_s * S, NOW + until_s * S, Cause.SOURCE_LOST).event()


def status(camera: str, through_s: float | None) -> Event:
    message = CameraStatus(
        camera_id=camera, measured_at=to_timestamp(NOW), state=camera_status_pb2.CAMERA_STATE_RECORDING
    )
    if through_s is not None:
        message.optional_through.CopyFrom(to_timestamp(NOW + through_s * S))
    return new_event(CAMERA_STATUS, f"{camera}-{through_s}", "test", NOW, message)


def test_what_the_log_leaves_out_before_a_camera_came_is_untold(kafka: KafkaSettings) -> None:
    producer = EventProducer(kafka)
    producer.send(
        [
            clip("clips-alone", -30, -20),
            clip("clips-alone", -20, -10),
            # What this replica has told itself already is none of its predecessor's.
            clip("clips-alone", 0, 10),
            status("clips-alone", 10),
            clip("reaches-past", -20, 5),
            status("status-alone", -86_400),
            status("both", -60),
            clip("both", -70, -60),
            clip("both", -60, -50),
            clip("both-late", -60, -50),
            status("both-late", -40),
            clip("removed", -30, -20),
            status("removed", -20),
            removal(CAMERA_STATUS, "removed-1", "test", NOW, "removed"),
            status("knows-nothing", None),
            clip("a-stranger", -5, -1),
            clip("owed", -60, -50),
            clip("owed", -48, -40),
            clip("owed", -40.0004, -10),
            status("owed-and-told", -45),
            clip("owed-and-told", -60, -50),
            clip("owed-and-told", -48, -30),
            clip("owed-and-told", -29, -10),
            clip("later", 1, 2),
        ]
    )
    producer.close()
    asked = ["clips-alone", "reaches-past", "status-alone", "both", "both-late", "removed", "knows-nothing", "new"]
    asked += ["owed", "owed-and-told", "later"]
    log = KafkaToldLog(LogReader(kafka), SystemClock())
    untold = log.untold_before(dict.fromkeys(asked, NOW))
    found = {name: [((first - NOW) / S, (last - NOW) / S) for first, last in holes] for name, holes in untold.items()}
    assert found == {
        "clips-alone": [(-10, 0)],
        "reaches-past": [],
        "status-alone": [(-86_400, 0)],
        "both": [(-50, 0)],
        "both-late": [(-40, 0)],
        "owed": [(-50, -48), (-10, 0)],
        "owed-and-told": [(-30, -29), (-10, 0)],
        "later": [],
    }


def test_without_a_broker_it_is_not_known() -> None:
    away = KafkaSettings(bootstrap_servers="127.0.0.1:9")
    with pytest.raises(ToldLogError):
        KafkaToldLog(LogReader(away), SystemClock()).untold_before({"cam-1": NOW})
