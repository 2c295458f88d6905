"""The composition root of access."""

from collections.abc import Sequence
from datetime import timedelta

from prometheus_client import CollectorRegistry

from homeward.access.adapters.matching_client import MatchingSearches
from homeward.access.adapters.oidc_provider import HttpProvider
from homeward.access.audit.api import audit_router, transparency_router
from homeward.access.audit.room import AuditRoom
from homeward.access.cases.api import cases_router, receipts_router
from homeward.access.cases.cases import Cases
from homeward.access.cases.expiring import end_searches, lifecycle
from homeward.access.cases.ground import Ground
from homeward.access.cases.policy import Policy
from homeward.access.cases.policy_log import enter_into_force
from homeward.access.cases.receipts import Receipts
from homeward.access.database.database import Database
from homeward.access.database.migrate import migrate, require_migrated
from homeward.access.footage.api import footage_router
from homeward.access.footage.grants import Grants
from homeward.access.footage.room import FootageRoom
from homeward.access.keys.api import keys_router
from homeward.access.keys.file_keys import FileKeys
from homeward.access.keys.keyring import Keyring
from homeward.access.keys.tending import key_tender
from homeward.access.metrics import AccessMetrics
from homeward.access.outbox.outbox import SOURCE, OutboxPublisher
from homeward.access.people.loopback import origin_of
from homeward.access.people.rates import RateLimiter
from homeward.access.people.room import PeopleRoom
from homeward.access.people.routes import people_router
from homeward.access.review.answering import SearchReviews
from homeward.access.review.api import review_router
from homeward.access.review.room import ReviewRoom
from homeward.access.review.tallies import SearchTallies
from homeward.access.settings import AccessSettings
from homeward.access.web.app import build_app
from homeward.access.web.client import ClientAddress, client_address
from homeward.access.web.console.audit import audit_pages, transparency_page
from homeward.access.web.console.cameras import cameras_router
from homeward.access.web.console.console import console_routers
from homeward.access.web.console.review import review_pages
from homeward.access.web.console.room import ConsoleRoom
from homeward.access.web.gate import Gate
from homeward.access.web.limits import Limits
from homeward.access.web.security import SecurityHeaders, Shield
from homeward.access.web.server import WebServer
from homeward.shared.clock import Clock, SystemClock
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.runtime.auditing import AuditRecorder
from homeward.shared.runtime.consumer import Consumer
from homeward.shared.runtime.handler import Handler
from homeward.shared.runtime.operations import OperationsServer
from homeward.shared.runtime.peers import connect
from homeward.shared.runtime.producer import EventProducer
from homeward.shared.runtime.service import run_service
from homeward.shared.runtime.table import TableReader
from homeward.shared.telemetry.logging import DroppedFields, configure_logging
from homeward.shared.telemetry.metrics import RuntimeMetrics
from homeward.shared.topics import AUDIT, CAMERAS, CLIPS, SEARCH_TASKS, SIGHTINGS, Topic


def run(settings: AccessSettings) -> int:
    """Run access until a signal; return the exit status."""
    registry = CollectorRegistry()
    configure_logging(settings.log, "access", dropped=DroppedFields(registry))
    clock = SystemClock()
    metrics = AccessMetrics(registry)
    runtime_metrics = RuntimeMetrics(registry)

    database = Database(settings.database_url.get_secret_value())
    require_migrated(database)
    producer = EventProducer(settings.kafka, client_id="homeward-access", delivery_timeout=timedelta(seconds=10))
    audit = AuditRecorder(producer, SOURCE, clock)
    policy = Policy.load(settings.policy)
    store = MinioStore(settings.object_store)

    ground = Ground(database, audit, clock, policy)
    enter_into_force(ground)

    searches = MatchingSearches(connect(settings.matching_target, "matching", settings.grpc_tls))
    keyring = Keyring(database, audit, clock, FileKeys(settings.keys_folder))
    recorded = FootageRoom(database, audit, clock)
    cameras = recorded.cameras
    camera_reader = TableReader(settings.kafka, CAMERAS, cameras.apply, metrics=runtime_metrics, clock=clock)
    cases = Cases(
        ground=ground,
        store=store,
        signer=keyring,
        searches=searches,
        cameras=cameras,
        grants=Grants(),
        tallies=SearchTallies(),
        reviews=SearchReviews(),
    )
    attempts = policy.receipts.attempts_per_minute
    receipts = Receipts(ground, cases.ender, RateLimiter(clock, per_minute=attempts, burst=attempts))

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
    review = ReviewRoom(
        database=database,
        store=store,
        audit=audit,
        clock=clock,
        sessions=people.sessions,
        keep=timedelta(hours=policy.review.crops_after_end_h),
    )

    def consumer(group: str, topics: Sequence[Topic], handler: Handler) -> Consumer:
        return Consumer(
            settings.kafka,
            group=f"access-{group}",
            topics=topics,
            handler=handler,
            producer=producer,
            metrics=runtime_metrics,
            clock=clock,
            source=SOURCE,
        )

    console = ConsoleRoom(settings, clock, people.authenticator.csrf, cameras)
    routers = [
        *console_routers(
            console.pages,
            console.assets,
            console.languages,
            gate,
            cases=cases,
            receipts=receipts,
            cameras=console.cameras,
            directory=people.officials,
            policy=policy,
            public_url=settings.web.public_url,
            client_address=client_address,
            plan=console.plan,
        ),
        cameras_router(recorded.footage, console.plan, console.pages, gate),
        review_pages(review.use_cases, console.cameras, console.plan, console.pages, gate),
        audit_pages(ledger.log, ledger.export, console.pages, gate, people.officials),
        transparency_page(ledger.transparency, console.pages),
        people_router(people.sign_in, people.sessions, people.cookies, gate),
        audit_router(ledger.log, ledger.export, gate),
        transparency_router(ledger.transparency, ledger.public_keys),
        cases_router(cases, policy, gate),
        receipts_router(receipts),
        review_router(review.use_cases, review.streams, gate),
        footage_router(recorded.footage, gate),
        keys_router(keyring),
    ]
    app = build_app(routers, page=console.pages.error, shield=_shield(settings, clock))
    outbox = OutboxPublisher(database, producer)
    web = WebServer(app, settings.web.host, settings.web.port)
    operations = OperationsServer(settings.operations, registry=registry)
    return run_service(
        [
            consumer("audit", [AUDIT], ledger.folder),
            consumer("sightings", [SIGHTINGS, SEARCH_TASKS], review.folding),
            consumer("coverage", [CLIPS], recorded.folding),
            ledger.signing,
            review.forgetting,
            review.streams,
            key_tender(keyring, settings.jwks_file),
            lifecycle(cases.expirer, clock),
            camera_reader,
            outbox,
            web,
        ],
        operations=operations,
        clock=clock,
        closing=[producer.close, searches.close, provider.close, database.close],
    )


def rotate_keys(settings: AccessSettings, *, revoke: bool) -> str:
    """Make a new signing key and return its id; `revoke` withdraws every other at once, and ends what they opened."""
    clock = SystemClock()
    database = Database(settings.database_url.get_secret_value())
    producer = EventProducer(settings.kafka, client_id="homeward-access", delivery_timeout=timedelta(seconds=10))
    try:
        keyring = Keyring(database, AuditRecorder(producer, SOURCE, clock), clock, FileKeys(settings.keys_folder))
        if revoke:
            return keyring.revoke(end_searches)
        return keyring.rotate(timedelta(seconds=settings.key_lead_s))
    finally:
        producer.close()
        database.close()


def prepare(settings: AccessSettings) -> None:
    """Bring the database to this version; again changes nothing. Raises DatabaseAwayError."""
    database = Database(settings.database_url.get_secret_value())
    try:
        migrate(database)
    finally:
        database.close()


def _shield(settings: AccessSettings, clock: Clock) -> Shield:
    web, per_minute = settings.web, settings.rates.client_per_minute
    return Shield(
        SecurityHeaders(web.public_url, [origin_of(settings.oidc.issuer)]),
        public_url=web.public_url,
        limits=Limits(body_bytes=web.body_kib * 1024, upload_bytes=web.upload_mib * 1024 * 1024),
        address=ClientAddress(web.forwarded_hops),
        limiter=RateLimiter(clock, per_minute=per_minute, burst=per_minute),
    )
