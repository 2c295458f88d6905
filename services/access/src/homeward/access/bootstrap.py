"""The composition root of access."""

from datetime import timedelta

from prometheus_client import CollectorRegistry

from homeward.access.database.database import Database
from homeward.access.outbox.outbox import SOURCE, OutboxPublisher
from homeward.access.settings import AccessSettings
from homeward.access.web.app import build_app
from homeward.access.web.server import WebServer
from homeward.shared.clock import SystemClock
from homeward.shared.runtime.auditing import AuditRecorder
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.service import run_service
from homeward.shared.telemetry.logging import DroppedFields, configure_logging


def run(settings: AccessSettings) -> int:
    """Run access until a signal; return the exit status."""
    registry = CollectorRegistry()
    configure_logging(settings.log, "access", dropped=DroppedFields(registry))
    clock = SystemClock()

    database = Database(settings.database_url.get_secret_value())
    producer = EventProducer(settings.kafka, client_id="homeward-access", delivery_timeout=timedelta(seconds=10))
    AuditRecorder(producer, SOURCE, clock)

    app = build_app([])
    outbox = OutboxPublisher(database, producer)
    web = WebServer(app, settings.web.host, settings.web.port)
    operations = OperationsServer(settings.operations, registry=registry)
    return run_service([outbox, web], operations=operations, clock=clock, closing=[producer.close, database.close])
