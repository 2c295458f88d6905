"""The composition root: settings, adapters, recorders, sender, service."""

from datetime import timedelta

from google.protobuf.message import Message
from prometheus_client import CollectorRegistry

from homeward.ingest.adapters.camera_files import CameraFiles
from homeward.ingest.adapters.credential_files import CredentialFiles
from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.adapters.footage_folders import DiskFolders
from homeward.ingest.adapters.pyav_source import PyavSources, silence_ffmpeg
from homeward.ingest.adapters.pyav_writer import PyavWriters
from homeward.ingest.assignment import HashAssignment
from homeward.ingest.camera_metrics import CameraMetrics
from homeward.ingest.figures import FigureBook
from homeward.ingest.handler import CameraStates
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.recorder import CameraRecorder
from homeward.ingest.recorders import Recorders
from homeward.ingest.roster import CameraRoster
from homeward.ingest.sender import Sender
from homeward.ingest.settings import IngestSettings
from homeward.ingest.status_teller import StatusTeller
from homeward.ingest.tools import Tools
from homeward.shared.clock import SystemClock
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.service import run_service
from homeward.shared.runtime.table import TableReader
from homeward.shared.telemetry.logging import DroppedFields, configure_logging
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import CAMERAS

_SERVICE = "ingest"


def run(settings: IngestSettings) -> int:
    """Run ingest until it is told to stop; return the process's exit status."""
    clock = SystemClock()
    registry = CollectorRegistry()
    configure_logging(settings.log, _SERVICE, dropped=DroppedFields(registry))
    silence_ffmpeg()
    metrics = IngestMetrics(registry)
    book = FigureBook()
    operations = OperationsServer(settings.operations, registry=registry)

    spool = DiskSpool(
        settings.spool_folder / "stretches", settings.spool_max_bytes, given_up=metrics.given_up, sized=metrics.spool
    )
    store = MinioStore(settings.object_store)
    producer = EventProducer(settings.kafka, client_id=f"homeward-{_SERVICE}")

    tools = Tools(
        sources=PyavSources(
            CredentialFiles(settings.credentials_folder),
            open_timeout=timedelta(seconds=settings.source_open_timeout_s),
            read_timeout=timedelta(seconds=settings.source_read_timeout_s),
            tls_ca_file=settings.source_tls_ca_file,
        ),
        writers=PyavWriters(),
        spool=spool,
        clock=clock,
        backoff=Backoff(timedelta(seconds=settings.reconnect_first_s), timedelta(seconds=settings.reconnect_longest_s)),
        metrics=metrics,
        book=book,
        folders=DiskFolders(),
    )
    assignment = HashAssignment(settings.replica_index, settings.replica_count)
    states = CameraStates(CameraFiles(settings.spool_folder / "cameras"), assignment)
    roster = CameraRoster(assignment.records)

    def change(camera_id: str, message: Message | None) -> None:
        states.change(camera_id, message)
        roster.change(camera_id, message)

    table = TableReader(settings.kafka, CAMERAS, change, metrics=RuntimeMetrics(registry), clock=clock)
    roster.follow(table)
    recorders = Recorders(states, table, spool, lambda spec: CameraRecorder(spec, tools), metrics)
    sender = Sender(
        spool,
        store,
        producer,
        backoff=Backoff(),
        clock=clock,
        metrics=metrics,
        workers=settings.sender_threads,
        announced=book.announced,
    )
    board = CameraMetrics(registry, book, clock, oldest=spool.oldest)
    status = StatusTeller(roster, book, spool, producer, board, clock=clock)

    return run_service([table, recorders, sender, status], operations=operations, clock=clock, closing=[producer.close])
