"""The composition root of retention."""

from datetime import timedelta

from prometheus_client import CollectorRegistry

from homeward.retention.adapters.kafka_topics import KafkaTopicConfigs
from homeward.retention.adapters.matching_templates import MatchingTemplates
from homeward.retention.authorisations import AuthorisationTable
from homeward.retention.backstop import Backstop
from homeward.retention.handler import RetentionHandler
from homeward.retention.holds import HoldTable
from homeward.retention.limit_table import LimitTable
from homeward.retention.metrics import RetentionMetrics
from homeward.retention.part import RetentionPart
from homeward.retention.settings import RetentionSettings
from homeward.retention.source import SOURCE
from homeward.retention.sweep import Sweeper
from homeward.retention.wipe import Wiper
from homeward.shared.authorisation import KeysFile, Verifier
from homeward.shared.clock import SystemClock
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.runtime.auditing import AuditRecorder
from homeward.shared.runtime.backoff import Backoff
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.peers import connect
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.service import run_service
from homeward.shared.runtime.table import TableReader
from homeward.shared.telemetry.logging import DroppedFields, configure_logging
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import AUTHORISATIONS, CAMERAS, HOLDS


def run(settings: RetentionSettings) -> int:
    """Run retention until a signal; return the exit status."""
    registry = CollectorRegistry()
    configure_logging(settings.log, "retention", dropped=DroppedFields(registry))
    clock = SystemClock()
    metrics = RetentionMetrics(registry)
    runtime_metrics = RuntimeMetrics(registry)

    store = MinioStore(settings.object_store)
    producer = EventProducer(settings.kafka, client_id="homeward-retention")
    audit = AuditRecorder(producer, SOURCE, clock)
    templates = MatchingTemplates(
        connect(settings.matching_target, "matching", settings.grpc_tls), timedelta(seconds=settings.wipe_timeout_s)
    )

    authorisations = AuthorisationTable(Verifier(KeysFile(settings.authorisation_keys, clock), clock))
    holds = HoldTable()
    limits = LimitTable(store, clock)
    tables = [
        TableReader(settings.kafka, AUTHORISATIONS, authorisations.apply, metrics=runtime_metrics, clock=clock),
        TableReader(settings.kafka, HOLDS, holds.apply, metrics=runtime_metrics, clock=clock),
        TableReader(settings.kafka, CAMERAS, limits.apply, metrics=runtime_metrics, clock=clock),
    ]

    backstop = Backstop(store, KafkaTopicConfigs(settings.kafka), clock, metrics)
    handler = RetentionHandler(
        store=store,
        authorisations=authorisations,
        holds=holds,
        limits=limits,
        sweeper=Sweeper(
            store=store,
            events=producer,
            audit=audit,
            held=holds.in_force,
            clock=clock,
            metrics=metrics,
            limits=limits,
        ),
        wiper=Wiper(store=store, templates=templates, events=producer, audit=audit, clock=clock, metrics=metrics),
        backstop=backstop,
        clock=clock,
        metrics=metrics,
        sweep_every=timedelta(seconds=settings.sweep_every_s),
        backoff=Backoff(),
    )
    part = RetentionPart(
        handler,
        backstop,
        tables,
        metrics=metrics,
        step_every=timedelta(seconds=settings.step_every_s),
        backoff=Backoff(),
    )
    operations = OperationsServer(settings.operations, registry=registry)
    return run_service([*tables, part], operations=operations, clock=clock, closing=[producer.close, templates.close])
