"""Puts the service together."""

from datetime import timedelta

from prometheus_client import CollectorRegistry

from homeward.matching.adapters.embedding_client import GrpcEmbedder
from homeward.matching.adapters.log import ReplayedLog
from homeward.matching.adapters.matching_service import CALLERS, SERVICE_NAME, MatchingServicer
from homeward.matching.adapters.qdrant import QdrantSubjects
from homeward.matching.auditing import LiveRecords, SearchRecords
from homeward.matching.authorisations import Authorisations
from homeward.matching.comparison import Comparison
from homeward.matching.enrolment import Enrolment
from homeward.matching.handler.live import LiveHandler
from homeward.matching.handler.planning import PlanningHandler
from homeward.matching.handler.tasks import TaskHandler
from homeward.matching.messages import SOURCE
from homeward.matching.metrics import MatchingMetrics
from homeward.matching.scale import Scales
from homeward.matching.searches import Searches
from homeward.matching.settings import MatchingSettings
from homeward.matching.sweep import Sweeper
from homeward.shared.authorisation import KeysFile, Verifier
from homeward.shared.calibration import Calibrations
from homeward.shared.clock import SystemClock
from homeward.shared.runtime.auditing import AuditRecorder
from homeward.shared.runtime.consumer import Consumer
from homeward.shared.runtime.cores import forbid_cores
from homeward.shared.runtime.grpc_server import serve
from homeward.shared.runtime.handler import Handler
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.peers import AllowedPeers, connect, server_credentials
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.replay import LogReader
from homeward.shared.runtime.service import run_service
from homeward.shared.runtime.table import TableReader
from homeward.shared.telemetry.logging import DroppedFields, configure_logging
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import AUTHORISATIONS, FACES, SEARCH_TASKS, Topic


def run(settings: MatchingSettings) -> int:
    """Run the service until it is told to stop; return the exit status."""
    forbid_cores()
    registry = CollectorRegistry()
    configure_logging(settings.log, "matching", dropped=DroppedFields(registry))
    clock = SystemClock()
    runtime_metrics = RuntimeMetrics(registry)
    meter = MatchingMetrics(registry)

    scales = Scales(Calibrations.load(settings.calibrations_folder), settings.false_match_rate)
    subjects = _subjects(settings)
    channel = connect(settings.embedding_target, "embedding", settings.grpc_tls)
    embedder = GrpcEmbedder(channel, timedelta(seconds=settings.embedding_timeout_s))
    producer = EventProducer(settings.kafka, client_id="homeward-matching")
    records = SearchRecords(AuditRecorder(producer, SOURCE, clock))
    live_records = LiveRecords(records, clock)
    log = ReplayedLog(LogReader(settings.kafka, metrics=runtime_metrics, clock=clock))

    authorisations = Authorisations(Verifier(KeysFile(settings.authorisation_keys, clock), clock))
    table = TableReader(settings.kafka, AUTHORISATIONS, authorisations.apply, metrics=runtime_metrics, clock=clock)
    enrolment = Enrolment(
        authorisations=authorisations,
        subjects=subjects,
        embedder=embedder,
        records=records,
        meter=meter,
        scales=scales,
        photo_threshold=settings.photo_threshold,
        live_searches=settings.live_searches,
    )
    comparison = Comparison(
        authorisations=authorisations,
        subjects=subjects,
        embedder=embedder,
        enrolment=enrolment,
        clock=clock,
        meter=meter,
        scales=scales,
        crops_under_way=settings.crops_under_way,
    )
    planning = PlanningHandler(
        authorisations=authorisations,
        enrolment=enrolment,
        log=log,
        announcer=producer,
        clock=clock,
        task_messages=settings.task_messages,
        handover=timedelta(seconds=settings.handover_s),
        ready=table.ready,
    )
    tasks = TaskHandler(
        authorisations=authorisations,
        comparison=comparison,
        log=log,
        announcer=producer,
        records=records,
        clock=clock,
        meter=meter,
        task_faces=settings.task_faces,
        ready=table.ready,
    )
    live = LiveHandler(
        authorisations=authorisations,
        comparison=comparison,
        records=live_records,
        clock=clock,
        meter=meter,
        ready=table.ready,
    )

    def consumer(group: str, topic: Topic, handler: Handler, number: int = 1) -> Consumer:
        made = Consumer(
            settings.kafka,
            group=group,
            topics=[topic],
            handler=handler,
            producer=producer,
            metrics=runtime_metrics,
            clock=clock,
            source=SOURCE,
        )
        if number > 1:
            made.name += f" {number}"
        return made

    searches = Searches(authorisations=authorisations, subjects=subjects, enrolment=enrolment, meter=meter)
    sweeper = Sweeper(authorisations=authorisations, subjects=subjects, clock=clock, meter=meter, known=table.ready)
    return run_service(
        [
            sweeper.part(),
            table,
            consumer("matching-planner", AUTHORISATIONS, planning),
            *(consumer("matching", SEARCH_TASKS, tasks, number + 1) for number in range(settings.tasks_at_once)),
            consumer("matching-live", FACES, live),
            live_records,
            serve(
                settings.grpc_listen,
                MatchingServicer(searches).register,
                services=[SERVICE_NAME],
                interceptors=[AllowedPeers(CALLERS, settings.grpc_tls)],
                credentials=server_credentials(settings.grpc_tls, settings.grpc_listen),
            ),
        ],
        operations=OperationsServer(settings.operations, registry=registry),
        clock=clock,
        closing=[live_records.flush, producer.close, channel.close, subjects.close],
    )


def _subjects(settings: MatchingSettings) -> QdrantSubjects:
    if settings.qdrant_folder is not None:
        return QdrantSubjects.in_folder(settings.qdrant_folder)
    return QdrantSubjects.at_server(settings.qdrant_url or "", settings.qdrant_api_key)
