"""The composition root of access."""

from datetime import timedelta

from prometheus_client import CollectorRegistry

from homeward.access.adapters.oidc_provider import HttpProvider
from homeward.access.audit.api import audit_router, transparency_router
from homeward.access.audit.room import AuditRoom
from homeward.access.cases.policy import Policy
from homeward.access.database.database import Database
from homeward.access.metrics import AccessMetrics
from homeward.access.outbox.outbox import SOURCE, OutboxPublisher
from homeward.access.people.loopback import origin_of
from homeward.access.people.rates import RateLimiter
from homeward.access.people.room import PeopleRoom
from homeward.access.people.routes import people_router
from homeward.access.settings import AccessSettings
from homeward.access.web.app import build_app
from homeward.access.web.client import ClientAddress
from homeward.access.web.gate import Gate
from homeward.access.web.limits import Limits
from homeward.access.web.security import SecurityHeaders, Shield
from homeward.access.web.server import WebServer
from homeward.shared.clock import Clock, SystemClock
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.runtime.auditing import AuditRecorder
from homeward.shared.runtime.consumer import Consumer
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.service import run_service
from homeward.shared.telemetry.logging import DroppedFields, configure_logging
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import AUDIT


def run(settings: AccessSettings) -> int:
    """Run access until a signal; return the exit status."""
    registry = CollectorRegistry()
    configure_logging(settings.log, "access", dropped=DroppedFields(registry))
    clock = SystemClock()
    metrics = AccessMetrics(registry)
    runtime_metrics = RuntimeMetrics(registry)

    database = Database(settings.database_url.get_secret_value())
    producer = EventProducer(settings.kafka, client_id="homeward-access", delivery_timeout=timedelta(seconds=10))
    audit = AuditRecorder(producer, SOURCE, clock)
    policy = Policy.load(settings.policy)
    store = MinioStore(settings.object_store)

    provider = HttpProvider.configured(settings.oidc, clock)
    people = PeopleRoom(
        settings.oidc,
        settings.session,
        settings.rates,
        settings.web.public_url,
        provider=provider,
        roles=policy,
        database=database,
        audit=audit,
        clock=clock,
    )
    gate = Gate(people.authenticator, audit)

    ledger = AuditRoom(
        database=database,
        store=store,
        audit=audit,
        clock=clock,
        keys_folder=settings.keys_folder / "audit",
        sign_every=timedelta(seconds=settings.audit.sign_every_s),
        metrics=metrics,
    )
    folding = Consumer(
        settings.kafka,
        group="access-audit",
        topics=[AUDIT],
        handler=ledger.folder,
        producer=producer,
        metrics=runtime_metrics,
        clock=clock,
        source=SOURCE,
    )

    routers = [
        people_router(people.sign_in, people.sessions, people.cookies, gate),
        audit_router(ledger.log, ledger.export, gate),
        transparency_router(ledger.transparency, ledger.public_keys),
    ]
    app = build_app(routers, shield=_shield(settings, clock))
    outbox = OutboxPublisher(database, producer)
    web = WebServer(app, settings.web.host, settings.web.port)
    operations = OperationsServer(settings.operations, registry=registry)
    return run_service(
        [folding, ledger.signing, outbox, web],
        operations=operations,
        clock=clock,
        closing=[producer.close, provider.close, database.close],
    )


def _shield(settings: AccessSettings, clock: Clock) -> Shield:
    web, per_minute = settings.web, settings.rates.client_per_minute
    return Shield(
        SecurityHeaders(web.public_url, [origin_of(settings.oidc.issuer)]),
        public_url=web.public_url,
        limits=Limits(body_bytes=web.body_kib * 1024, upload_bytes=web.upload_mib * 1024 * 1024),
        address=ClientAddress(web.forwarded_hops),
        limiter=RateLimiter(clock, per_minute=per_minute, burst=per_minute),
    )
