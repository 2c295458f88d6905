"""The composition root: settings, adapters, recorders, sender, service."""

from datetime import timedelta

from google.protobuf.message import Message
from prometheus_client import CollectorRegistry

from homeward.ingest.adapters.allocator import keep_little
from homeward.ingest.adapters.camera_files import CameraFiles
from homeward.ingest.adapters.credential_files import CredentialFiles
from homeward.ingest.adapters.disk_spool import DiskSpool
from homeward.ingest.adapters.footage_folders import DiskFolders
from homeward.ingest.adapters.kafka_group import KafkaGroup
from homeward.ingest.adapters.kafka_told import KafkaToldLog
from homeward.ingest.adapters.pyav_source import silence_ffmpeg
from homeward.ingest.adapters.pyav_writer import PyavWriters
from homeward.ingest.adapters.sources import Sources
from homeward.ingest.adapters.tenure_file import TenureFile
from homeward.ingest.cameras.roster import CameraRoster
from homeward.ingest.handler import CameraStates
from homeward.ingest.metrics import IngestMetrics
from homeward.ingest.recorder import CameraRecorder
from homeward.ingest.recorders import Recorders
from homeward.ingest.sender import Sender
from homeward.ingest.settings import IngestSettings
from homeward.ingest.sharing.arrivals import Arrivals
from homeward.ingest.sharing.handover import Handover
from homeward.ingest.sharing.tenures import Tenures
from homeward.ingest.status.figures import FigureBook
from homeward.ingest.status.metrics import CameraMetrics
from homeward.ingest.status.teller import StatusTeller
from homeward.ingest.tools import Tools
from homeward.ingest.turnstile import Turnstile
from homeward.shared.clock import SystemClock
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.part import Part
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.replay import LogReader
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
    keep_little()
    metrics = IngestMetrics(registry)
    book = FigureBook()
    operations = OperationsServer(settings.operations, registry=registry)

    states = CameraStates(CameraFiles(settings.spool_folder / "cameras"))
    arrivals = Arrivals(states.recorded, clock)
    tenures = Tenures(TenureFile(settings.spool_folder / "tenures.json"), clock, states.poke, arrivals)
    spool = DiskSpool(
        settings.spool_folder / "stretches",
        settings.spool_max_bytes,
        given_up=metrics.given_up,
        sized=metrics.spool,
        kept=tenures.kept,
        clock=clock,
    )
    store = MinioStore(settings.object_store)
    producer = EventProducer(settings.kafka, client_id=f"homeward-{_SERVICE}")

    reader = LogReader(settings.kafka, clock=clock, client_id=f"homeward-{_SERVICE}-told")
    handover = Handover(KafkaToldLog(reader, clock), clock)
    tools = Tools(
        sources=Sources(
            CredentialFiles(settings.credentials_folder),
            open_timeout=timedelta(seconds=settings.source_open_timeout_s),
            read_timeout=timedelta(seconds=settings.source_read_timeout_s),
            clock=clock,
            tls_ca_file=settings.source_tls_ca_file,
        ),
        writers=PyavWriters(),
        spool=spool,
        clock=clock,
        backoff=Backoff(timedelta(seconds=settings.reconnect_first_s), timedelta(seconds=settings.reconnect_longest_s)),
        metrics=metrics,
        book=book,
        folders=DiskFolders(),
        camera_clock_limit=timedelta(seconds=settings.camera_clock_limit_s),
        check_each=timedelta(seconds=settings.decode_check_interval_s),
        turnstile=Turnstile(clock),
        predecessors=handover,
    )
    roster = CameraRoster(tenures.owns, tenures.epoch)

    def change(camera_id: str, message: Message | None) -> None:
        states.change(camera_id, message)
        roster.change(camera_id, message)

    table = TableReader(settings.kafka, CAMERAS, change, metrics=RuntimeMetrics(registry), clock=clock)
    roster.follow(table)
    recorders = Recorders(
        states,
        table,
        tenures,
        spool,
        start=lambda job: CameraRecorder(job.spec, tools, job.tenure),
        metrics=metrics,
        clock=clock,
    )
    group = KafkaGroup(settings.kafka, _SERVICE, tenures, clock=clock, recorded=recorders.recorded)
    sender = Sender(
        spool,
        store,
        producer,
        backoff=Backoff(),
        clock=clock,
        metrics=metrics,
        workers=settings.sender_threads,
        announced=book.announced,
        ask=tenures.ask,
        recorded=recorders.recorded,
    )
    board = CameraMetrics(registry, book, clock, oldest=spool.oldest)
    status = StatusTeller(roster, book, spool, producer, board, clock=clock)

    parts: list[Part] = [table, group, recorders, handover, sender, status]
    return run_service(parts, operations=operations, clock=clock, closing=[producer.close])
