"""The cameras there are, and changes to them."""

from collections.abc import Sequence

from homeward.cli.console import fail
from homeward.cli.context import Context
from homeward.cli.eventlog import EventLog
from homeward.shared.events import Event
from homeward.shared.runtime.producer import DeliveryError, EventProducer
from homeward.shared.topics import CAMERAS, CLIPS
from homewardapi.camera.v1.camera_pb2 import Camera


def cameras_of(log: EventLog) -> dict[str, Camera]:
    """Return the wanted state of each camera, by id."""
    return {key: event.message for key, event in log.state(CAMERAS).items() if isinstance(event.message, Camera)}


def camera_of(log: EventLog, camera_id: str) -> Camera | None:
    """Return the wanted state of one camera; None where there is none."""
    return cameras_of(log).get(camera_id)


def unknown_cameras(log: EventLog, camera_ids: Sequence[str]) -> list[str]:
    """Return which of `camera_ids` are no cameras and have left no footage either: removed ones may have."""
    unknown = set(camera_ids) - cameras_of(log).keys()
    if unknown:
        unknown -= {event.key for event in log.snapshot(CLIPS)}
    return sorted(unknown)


def publish(context: Context, event: Event) -> None:
    """Publish an event and return when it is delivered; end the command where nobody takes it."""
    producer = EventProducer(context.kafka, client_id="homeward-cameras")
    try:
        producer.send([event])
    except DeliveryError as error:
        fail(f"Homeward does not answer ({error}); is `homeward up` running?")
    finally:
        producer.close()
