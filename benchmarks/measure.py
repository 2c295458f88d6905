"""A figure with what it is worth: repeated, with its spread, against a peer or a limit measured in the same run."""

import json
import os
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results.json"
PAGE: Final = ROOT / "docs" / "benchmarks.md"
REASONS: Final = ROOT / "benchmarks" / "reasons.json"
"""Why figures that fall short do, by name: published beside them for as long as they do."""

REPEATS: Final = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """One result: the median `value` of the runs, their least and most, and what is asked of it."""

    name: str
    value: float
    unit: str
    ask: str
    met: bool
    spread: tuple[float, float]
    against: str
    input: str
    measured_on: str


def figure(
    name: str,
    runs: Sequence[float],
    *,
    unit: str,
    at_least: float | None = None,
    at_most: float | None = None,
    against: str,
    source: str,
) -> Figure:
    """Return the figure of `runs`, of which `at_least` or `at_most` is asked; `source` says what was measured on."""
    if (at_least is None) == (at_most is None):
        raise ValueError(f"{name} asks for either a least or a most")
    value = statistics.median(runs)
    if at_least is not None:
        ask, met = f">= {at_least:g}", value >= at_least
    else:
        assert at_most is not None
        ask, met = f"<= {at_most:g}", value <= at_most
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    on = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {commit.stdout.strip()}"
    return Figure(
        name,
        round(value, 3),
        unit,
        ask,
        met,
        (round(min(runs), 3), round(max(runs), 3)),
        against,
        source,
        on,
    )


def repeated(measure: Callable[[], float]) -> list[float]:
    """Return what `measure` gives, several times over."""
    return [measure() for _ in range(REPEATS)]


def publish(*figures: Figure) -> None:
    """Write figures into the results, in place of those of the same names, and render the page."""
    known: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for one in figures:
        known[one.name] = {key: value for key, value in asdict(one).items() if key != "name"}
        print(f"{one.name}: {one.value:g} {one.unit} (asked {one.ask}) against {one.against}")
    RESULTS.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n")
    PAGE.write_text(page(known, json.loads(REASONS.read_text())))


def page(known: dict[str, Any], reasons: dict[str, str]) -> str:
    """Return the page of all results, those that fall short first, with the `reasons` known of these."""
    rows = sorted(known.items(), key=lambda item: (item[1]["met"], item[0]))
    lines = [
        "# Benchmarks",
        "",
        "Rendered from `benchmarks/results.json` by `make bench`, the rows that fall short first. Each figure is the",
        "median of several runs; ours and what it stands against were measured in turn in one run.",
        "",
        "| figure | value | asked | spread | against | input | measured on |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in rows:
        short = "" if row["met"] else " **falls short**"
        least, most = row["spread"]
        lines.append(
            f"| `{name}` | {row['value']:g} {row['unit']}{short} | {row['ask']} | {least:g} to {most:g} "
            f"| {row['against']} | {row['input']} | {row['measured_on']} |"
        )
    told = [f"- `{name}`: {reasons[name]}" for name, row in rows if not row["met"] and name in reasons]
    if told:
        lines += ["", "## Why some fall short", "", *told]
    return "\n".join(lines) + "\n"
