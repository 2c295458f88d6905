"""How soon access answers people when its database is full of years of use.

`make bench-access`. A hundred thousand requests and a million audit records lie in the database: PostgreSQL where its
server is there, SQLite otherwise. Access is the real process on real HTTP of loopback, with the embedded broker and
object store and the demo's sign-in; every view that it shows is recorded before it answers.
"""

import contextlib
import itertools
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import httpx
import pytest
from ingest import percentile
from sqlalchemy import func, insert, select, text

from homeward.access.audit.reading import Place
from homeward.access.audit.tables import AuditCheckpoint
from homeward.access.database.database import Database
from homeward.access.database.migrate import migrate
from homeward.access.footage.tables import RunRow
from homeward.access.people.principal import official_id
from homeward.cli.camera import camera_changed
from homeward.cli.demo_provider.issuer import DemoIssuer
from homeward.cli.demo_provider.people import person
from homeward.cli.demo_provider.place import DemoPlace
from homeward.cli.operator import Operator
from homeward.cli.stack.stack import Stack
from homeward.shared.authorisation import Purpose
from homeward.shared.clock import SystemClock
from homeward.shared.ids import derived_id
from homeward.shared.instants import format_instant
from homewardapi.clip.v1.clip_pb2 import GAP_CAUSE_SOURCE_LOST
from measure import figure, publish, repeated
from support import audit_rows, case_rows
from support.postgres import running_postgres

_CASES: Final = 100_000
_RECORDS: Final = 1_000_000
_CAMERAS: Final = 300
_RUNS: Final = 60
"""Stretches of footage and gaps of each camera in its 30 days."""
_GAP_EACH: Final = 7
"""Every so many stretches, a gap."""
_ROUNDS: Final = 12
_LIMIT_MS: Final = 200
_SIGNED_WITHIN_S: Final = 240
_MANY: Final = "1000000"


@dataclass
class Timings:
    """How long each route took, ms."""

    by_route: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def p95(self, route: str | None = None) -> float:
        """Return the 95th percentile of one route, or of all answers."""
        taken = self.by_route[route] if route else [one for each in self.by_route.values() for one in each]
        return percentile(taken, 0.95)

    def slowest(self) -> str:
        """Return the route whose 95th percentile is the worst."""
        return max(self.by_route, key=self.p95)


@contextlib.contextmanager
def database() -> Iterator[tuple[str, str]]:
    """Yield the name and SQLAlchemy's URL of PostgreSQL where its server is there, of SQLite otherwise."""
    with contextlib.ExitStack() as held:
        try:
            yield "PostgreSQL", held.enter_context(running_postgres())
        except pytest.skip.Exception:
            folder = held.enter_context(tempfile.TemporaryDirectory())
            yield "SQLite", f"sqlite:///{folder}/access.db"


@contextlib.contextmanager
def access(folder: Path, url: str) -> Iterator[tuple[Stack, Operator]]:
    """Run access on the database at `url`, with no limit to how often somebody may ask."""
    limits = ("CLIENT_PER_MINUTE", "OFFICIAL_PER_MINUTE")
    settings = {"HOMEWARD_DATABASE_URL": url, **{f"HOMEWARD_RATES__{name}": _MANY for name in limits}}
    stack = Stack(folder, folder, overrides={"access": settings}, durable=False, named=["access"])
    context = stack.start()
    try:
        with Operator(context, SystemClock()) as operator:
            yield stack, operator
    finally:
        stack.stop()


def fill(held: Database, operator: Operator, people: case_rows.People, now: datetime) -> None:
    """Write the cameras, what was recorded of them, and the requests of `people`."""
    cameras = [f"camera-{number}" for number in range(_CAMERAS)]
    operator.publish(*(camera_changed(camera, f"rtsp://192.0.2.1/{camera}", now) for camera in cameras))
    step = timedelta(days=30) / _RUNS
    runs = [
        {
            "camera_id": camera,
            "starts_at": now - step * (place + 1),
            "ends_at": now - step * place,
            "cause": None if (place + 1) % _GAP_EACH else GAP_CAUSE_SOURCE_LOST,
            "epoch": 1,
        }
        for camera in cameras
        for place in range(_RUNS)
    ]
    with held.begin() as session:
        session.execute(insert(RunRow), runs)
    case_rows.fill(held, _CASES, now, people=people, cameras=cameras)
    if held.engine.dialect.name == "postgresql":
        # What autovacuum does by itself within minutes of such a load.
        with held.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def wait_signed(held: Database) -> None:
    """Return when the whole log is signed, as it is on a site that did not begin today."""
    deadline = time.monotonic() + _SIGNED_WITHIN_S
    while True:
        with held.read() as session:
            size = session.scalar(select(func.max(AuditCheckpoint.size))) or 0
        if size >= _RECORDS:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {size} records are signed")
        time.sleep(0.5)


def browser(place: DemoPlace, name: str) -> httpx.Client:
    """Return a browser in which somebody of the demo is signed in."""
    client = httpx.Client(base_url=place.console, follow_redirects=True, trust_env=False, timeout=60)
    page = client.get("/sign-in")
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
    client.post(urljoin(str(page.url), "/authorize"), data=fields | {"person": name}).raise_for_status()
    return client


def caller(place: DemoPlace, issuer: DemoIssuer, name: str) -> httpx.Client:
    """Return a client of the API for somebody of the demo."""
    who = person(name)
    assert who is not None
    headers = {"Authorization": f"Bearer {issuer.access_token(who, datetime.now(UTC))}"}
    return httpx.Client(base_url=f"{place.console}/api/v1", headers=headers, trust_env=False, timeout=60)


def routes() -> dict[str, Sequence[str]]:
    """Return what each official of the demo opens, pages and calls of the API."""
    last = _CASES - case_rows.WAITING
    running = next(n for n in range(last - 1, 0, -1) if case_rows.purpose_of(n) is Purpose.MISSING_PERSON)
    search, waiting = case_rows.case_id(running), case_rows.case_id(_CASES - 3)
    old = f"{format_instant(datetime.now(UTC) - timedelta(days=300))}_{case_rows.case_id(7)}"
    half = audit_rows.BEGINS + timedelta(seconds=20 * _RECORDS // 2)
    deep = str(Place(half, _RECORDS // 2))
    since = (half - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    official, sighting = derived_id("official", 7), case_rows.sighting_id(search, 9)
    opened = {
        "officer": f"""/ /ask /ask/missing-person /requests /requests?mine=yes /requests?show=ended
            /requests?show=waiting&purpose=incident /cameras /cameras?words=camera-7 /cameras/camera-7?days=30 /policy
            /transparency /api/requests?mine=true /api/requests?after={old} /api/cameras /api/policy /api/grants
            /api/cameras/camera-7/coverage""",
        "supervisor": f"""/ /requests /requests?show=waiting /requests?purpose=subject_access /requests?after={old}
            /requests/{waiting} /requests/{search} /requests/{search}/sightings /api/requests
            /api/requests?after={old}&limit=100 /api/requests?state=submitted&purpose=missing_person
            /api/requests/{waiting} /api/requests?state=stopped&purpose=incident""",
        "reviewer-1": f"""/ /review /review/searches/{search} /review/sightings/{sighting} /requests
            /api/review/searches /api/review/searches/{search} /api/review/searches/{search}/sightings""",
        "auditor": f"""/ /audit /audit?after={deep} /audit?action=request_refused /audit?outcome=denied
            /audit?actor={official} /audit?actor={official}&action=photo_viewed /audit?concerning={search}
            /requests?after={old}&purpose=incident /requests/{waiting} /api/audit /api/audit?after={deep}&size=200
            /api/audit?outcome=denied&action=hold_placed /api/audit?since={since} /api/audit/records/77777/proof
            /api/audit/consistency?old=654321 /api/audit?actor_id={official}&after={deep} /api/transparency""",
    }
    return {who: paths.split() for who, paths in opened.items()}


def timed(pages: httpx.Client, api: httpx.Client, name: str, path: str, timings: Timings) -> None:
    """Open `path` once, as a person or as a program."""
    client, below = (api, path.removeprefix("/api")) if path.startswith("/api/") else (pages, path)
    begun = time.perf_counter()
    answer = client.get(below)
    took_ms = (time.perf_counter() - begun) * 1000
    if answer.status_code != HTTPStatus.OK:
        raise RuntimeError(f"{path} answered {name} with {answer.status_code}: {answer.text[:500]}")
    timings.by_route[f"{name} {path}"].append(took_ms)


def main() -> None:
    """Measure and publish."""
    now = datetime.now(UTC)
    with contextlib.ExitStack() as closed:
        folder = Path(closed.enter_context(tempfile.TemporaryDirectory()))
        kind, url = closed.enter_context(database())
        held = closed.enter_context(contextlib.closing(Database(url)))
        migrate(held)
        audit_rows.fill(held, _RECORDS, requests=_CASES)
        with access(folder, url) as (stack, operator):
            place = DemoPlace.load(stack.folder)
            issuer = DemoIssuer.load(place, stack.folder.keys)
            asks, agrees = (official_id(place.issuer, who) for who in ("officer", "supervisor"))
            fill(held, operator, case_rows.People.of(asks, agrees), now)
            wait_signed(held)
            asked = routes()
            clients = {who: (browser(place, who), caller(place, issuer, who)) for who in asked}
            for client in itertools.chain.from_iterable(clients.values()):
                closed.callback(client.close)
            timings = Timings()

            def once() -> float:
                run = Timings()
                for _ in range(_ROUNDS):
                    for who, paths in asked.items():
                        for path in paths:
                            timed(*clients[who], who, path, run)
                for route, taken in run.by_route.items():
                    timings.by_route[route] += taken
                return run.p95()

            runs = repeated(once)
            for route in sorted(timings.by_route, key=timings.p95, reverse=True):
                print(f"{timings.p95(route):8.1f} ms  {route}")
    slowest = timings.slowest()
    publish(
        figure(
            "access.p95_ms",
            runs,
            unit="ms",
            at_most=_LIMIT_MS,
            against=f"the limit, on {kind}",
            source=f"{_CASES} requests, {_RECORDS} audit records, {_CAMERAS} cameras; {len(timings.by_route)} pages "
            "and calls of four officials, one after the other on real HTTP, each view recorded on the embedded broker "
            f"first; the slowest of them takes {timings.p95(slowest):.0f} ms",
        )
    )


if __name__ == "__main__":
    main()
