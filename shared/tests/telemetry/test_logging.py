"""Nothing but what the allow-list names can be written, however it is logged."""

import ast
import io
import json
import logging
import uuid
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from homeward.shared.settings import LogSettings
from homeward.shared.telemetry.fields import FIELDS
from homeward.shared.telemetry.logging import DroppedFields, configure_logging, get_logger
from homeward.shared.telemetry.tracing import new_tracer

_ROOT = Path(__file__).parents[3]
_NAME = "Grace Brewster Hopper"


class _Logs:
    """The process's log, readable, and the names of what it dropped."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.dropped: Counter[str] = Counter()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.lines
        return line

    def clear(self) -> None:
        self.stream.seek(0)
        self.stream.truncate()
        self.dropped.clear()


@pytest.fixture
def logs() -> Iterator[_Logs]:
    logs = _Logs()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def note(name: str) -> None:
        logs.dropped[name] += 1

    configure_logging(LogSettings(level="DEBUG"), "detection", dropped=note, stream=logs.stream)
    yield logs
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


class OwnError(Exception):
    """As one of ours: see the module that the tests give it."""


OwnError.__module__ = "homeward.detection.handler"


def test_what_is_allowed_is_written_as_one_line_of_json(logs: _Logs) -> None:
    clip = str(uuid.uuid4())
    get_logger().info("clip handled", clip_id=clip, camera_id="gate-7", faces=3, duration_s=0.12345678, live=True)
    line = logs.line
    assert line.pop("at").startswith("20")
    assert line == {
        "camera_id": "gate-7",
        "clip_id": clip,
        "duration_s": 0.123,
        "event": "clip handled",
        "faces": 3,
        "level": "info",
        "live": True,
        "service": "detection",
    }
    assert not logs.dropped


_SECRET = "q9Zx"  # noqa: S105 - in every forbidden value, so that its absence can be seen
_FORBIDDEN = st.one_of(
    st.binary(min_size=1).map(lambda data: _SECRET.encode() + data),
    st.binary(min_size=1).map(lambda data: bytearray(_SECRET.encode() + data)),
    st.lists(st.floats(allow_nan=False), min_size=1).map(lambda floats: [*floats, _SECRET]),
    st.lists(st.floats(-1, 1), min_size=192, max_size=192),
    st.lists(st.floats(-1, 1), min_size=8, max_size=8).map(np.array),
    st.lists(st.integers(0, 255), min_size=8, max_size=8).map(lambda pixels: np.array(pixels, dtype=np.uint8)),
    st.floats(-1, 1).map(np.float32),
    st.integers(-9, 9).map(np.int64),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), min_size=1).map(lambda given: given | {_SECRET: _SECRET}),
    st.tuples(st.just(_SECRET), st.just(_SECRET)),
    st.just(_NAME),
    st.just(f"{_NAME}, {_SECRET}"),
    st.text(min_size=201, max_size=300).map(lambda text: _SECRET + text),
    st.text(st.characters(categories=["L"], max_codepoint=127), min_size=201).map(lambda text: _SECRET + text),
    st.sampled_from(["José", "王秀英", "Renée ", "two words", "line\nbreak", "\x1b[31m"]),
    st.builds(complex, st.floats(0, 1), st.floats(0, 1)),
    st.sampled_from([float("nan"), float("inf"), 2**70]),
    st.builds(object),
)


@given(name=st.sampled_from(sorted(FIELDS)), value=_FORBIDDEN)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
def test_no_field_takes_bytes_arrays_lists_long_texts_or_names(logs: _Logs, name: str, value: object) -> None:
    logs.clear()
    get_logger().info("something", **{name: value})
    assert logs.line.keys() == {"at", "event", "level", "service"}
    assert _SECRET not in logs.text
    assert logs.dropped == {name: 1}


@given(
    name=st.from_regex(r"[a-z_]{1,20}", fullmatch=True).filter(
        lambda name: name not in {*FIELDS, "event", "exc_info", "stack_info", "level", "error", "self", "_record"}
    ),
    value=st.one_of(st.integers(), st.text(), st.booleans(), st.binary(), st.floats()),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_a_field_that_nobody_allowed_is_dropped_and_counted_by_name(logs: _Logs, name: str, value: object) -> None:
    logs.clear()
    get_logger().bind(**{name: value}).info("something")
    assert logs.line.keys() == {"at", "event", "level", "service"}
    assert logs.dropped == ({} if value is None or name in {"_from_structlog", "_foreign"} else {name: 1})


def test_a_template_cannot_be_told_by_the_figures_that_are_allowed(logs: _Logs) -> None:
    """A number is cut to a thousandth and every field is there once a line: 192 of them do not fit."""
    get_logger().info("something", score=0.123456789)
    assert logs.line["score"] == 0.123


def test_a_subclass_that_prints_as_something_else_is_dropped(logs: _Logs) -> None:
    class Text(str):
        __slots__ = ()

    class Number(int):
        def __repr__(self) -> str:
            return _NAME

    get_logger().info("something", camera_id=Text("gate-7"), faces=Number(3))
    assert logs.dropped == {"camera_id": 1, "faces": 1}


@pytest.mark.parametrize("event", [f"found {_NAME} " * 9, b"bytes", ["list"], 3, "José", "two\nlines", None])
def test_what_is_no_short_plain_phrase_is_not_written_as_one(logs: _Logs, event: Any) -> None:
    get_logger().info(event)
    assert logs.line["event"] == "an event without a fixed phrase"


def test_every_phrase_in_the_code_is_a_literal() -> None:
    """A phrase that is put together at run time could hold what the fields may not."""
    calls = 0
    for path in sorted(_ROOT.glob("**/src/homeward/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"debug", "info", "warning", "error", "exception", "critical"}
                and isinstance(node.func.value, ast.Name | ast.Attribute)
                and (node.func.value.id if isinstance(node.func.value, ast.Name) else node.func.value.attr)
                in {"log", "_log", "logger", "_logger"}
            ):
                calls += 1
                phrase = node.args[0] if node.args else None
                assert isinstance(phrase, ast.Constant), f"{path}:{node.lineno}: the event is no literal"
                for keyword in node.keywords:
                    allowed = keyword.arg in {*FIELDS, "error", "exc_info"}
                    assert allowed, f"{path}:{node.lineno}: {keyword.arg} is no field of telemetry/fields.py"
    assert calls > 10


def _fail(error: Exception) -> None:
    a_local_value = f"{_NAME} {_SECRET}"
    del a_local_value
    raise error


def test_an_exception_is_its_type_and_its_way_without_a_value(logs: _Logs) -> None:
    try:
        try:
            _fail(KeyError(f"{_NAME} {_SECRET}"))
        except KeyError as error:
            raise ValueError(f"{_NAME} {_SECRET}") from error
    except ValueError:
        get_logger().exception("it failed")
    line = logs.line
    assert line["error_type"] == "ValueError"
    assert line["caused_by"] == ["KeyError"]
    assert any(entry.startswith("telemetry/test_logging.py:") for entry in line["traceback"])
    assert any(entry.endswith(" _fail") for entry in line["traceback"])
    assert "error" not in line
    assert _NAME not in logs.text
    assert _SECRET not in logs.text


def test_the_message_of_an_exception_of_ours_is_written_on_one_line(logs: _Logs) -> None:
    get_logger().warning("it failed", error=OwnError("camera gate-7:\n the clip is gone"))
    assert logs.line["error"] == "camera gate-7: the clip is gone"
    assert logs.line["error_type"] == "homeward.detection.handler.OwnError"
    logs.clear()
    get_logger().warning("it failed", error=ValueError(_NAME))
    assert logs.line.keys() >= {"error_type"}
    assert "error" not in logs.line
    assert _NAME not in logs.text
    logs.clear()
    get_logger().warning("it failed", error=_NAME)
    assert logs.dropped == {"error": 1}
    assert _NAME not in logs.text


def test_other_libraries_lines_lose_their_arguments_and_their_formatted_texts(logs: _Logs) -> None:
    log = logging.getLogger("some.library")
    log.warning("connection to %s failed for %s", f"https://user:{_SECRET}@host", _NAME)
    log.warning(f"found {_NAME} {_SECRET}")  # noqa: G004 - as careless libraries do
    log.error(f"{_SECRET}", extra={"photo": _SECRET, "camera_id": _NAME}, exc_info=ValueError(_SECRET))  # noqa: G004 - the same
    first, second, third = logs.lines
    assert first["event"] == "connection to %s failed for %s"
    assert second["event"] == third["event"] == "a library's message is withheld"
    assert first["logger"] == "some.library"
    assert first["where"].startswith("test_logging:")
    assert third["error_type"] == "ValueError"
    assert _SECRET not in logs.text
    assert _NAME not in logs.text


def test_librdkafka_may_say_what_is_wrong_with_a_broker(logs: _Logs) -> None:
    logging.getLogger("homeward.librdkafka").warning("%s [%s] %s", "FAIL", "detection#1", "127.0.0.1:9092/1: refused")
    assert logs.line["event"] == "FAIL [detection#1] 127.0.0.1:9092/1: refused"


def test_librdkafka_says_a_thing_once_in_a_while(logs: _Logs) -> None:
    for attempt in range(50):
        logging.getLogger("homeward.librdkafka").error("FAIL [detection#1] attempt %d", attempt)
    assert logs.line["event"] == "FAIL [detection#1] attempt 0"


def test_a_warning_shows_no_line_of_code(logs: _Logs) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(_SECRET, stacklevel=1)
    assert logs.line["logger"] == "py.warnings"
    assert _SECRET not in logs.text


def test_a_line_within_a_span_carries_its_ids(logs: _Logs) -> None:
    with new_tracer("detection").start_as_current_span("clip") as span:
        get_logger().info("within")
    assert logs.line["trace_id"] == f"{span.get_span_context().trace_id:032x}"
    assert logs.line["span_id"] == f"{span.get_span_context().span_id:016x}"


def test_the_text_for_people_goes_through_the_same_list(logs: _Logs) -> None:
    configure_logging(LogSettings(format="console"), "detection", stream=logs.stream)
    try:
        _fail(ValueError(_SECRET))
    except ValueError:
        get_logger().exception("it failed", camera_id="gate-7", photo=_SECRET)
    assert "gate-7" in logs.text
    assert _SECRET not in logs.text


def test_levels_are_kept(logs: _Logs) -> None:
    configure_logging(LogSettings(level="WARNING"), "detection", stream=logs.stream)
    get_logger().info("not this")
    get_logger().warning("but this")
    assert [line["event"] for line in logs.lines] == ["but this"]


def test_dropped_fields_are_counted_under_a_bounded_number_of_names() -> None:
    registry = CollectorRegistry()
    dropped = DroppedFields(registry)
    dropped("photo")
    dropped("photo")
    dropped("a name with spaces")
    for index in range(500):
        dropped(f"field_{index}")

    def counted(name: str) -> float | None:
        return registry.get_sample_value("homeward_log_fields_dropped_total", {"field": name})

    assert counted("photo") == 2
    assert counted("field_0") == 1
    assert counted("field_499") is None
    assert counted("other") == 1 + 500 - 199
