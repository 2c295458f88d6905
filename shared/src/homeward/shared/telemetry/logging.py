"""Logs, our own and other libraries', through one allow-list: nothing personal can be written, by mistake or not."""

import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from homeward.shared.settings import LogSettings
from homeward.shared.telemetry.exceptions import describe, own_message, type_name
from homeward.shared.telemetry.fields import FIELDS, Plain, word
from homeward.shared.telemetry.seldom import Seldom
from homeward.shared.telemetry.tracing import current_ids

_LONGEST_EVENT: Final = 120
_MOST_NAMES: Final = 200
"""Distinct names of dropped fields counted: more than the code has, fewer than a mistake in a loop could make."""

_TELLING_LOGGERS: Final = ("homeward.librdkafka",)
"""Loggers of other libraries whose messages are written: librdkafka names brokers and protocol states, no record."""

_WITHHELD: Final = "a library's message is withheld"


class DroppedFields:
    """Counts the fields that were not logged, by name."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._counter = Counter(
            "homeward_log_fields_dropped",
            "Fields kept out of the log, since no rule allows their name or their value.",
            ["field"],
            registry=registry,
        )
        self._names: set[str] = set()

    def __call__(self, name: str) -> None:
        """Count one dropped field."""
        known = word(name) is not None and (name in self._names or len(self._names) < _MOST_NAMES)
        if known:
            self._names.add(name)
        self._counter.labels(name if known else "other").inc()


def configure_logging(
    settings: LogSettings,
    service: str,
    *,
    dropped: Callable[[str], None] | None = None,
    stream: TextIO | None = None,
) -> None:
    """Send every log line of the process, ours and other libraries', to `stream` (stdout) through the allow-list.

    `service` stands in every line. `dropped` is told the name of each field that was kept out. Called once, by
    bootstrap; a second call replaces the first.
    """
    note = dropped or (lambda _name: None)
    render: Processor = (
        structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=True)
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[_withhold_foreign],
            processors=[_Allowed(service, note), render],
        )
    )
    for name in _TELLING_LOGGERS:
        handler.addFilter(Seldom(name))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level)
    # Uncaught warnings would otherwise print the line of code and its values to stderr.
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=BoundLogger,
        logger_factory=lambda *_: logging.getLogger("homeward"),
        cache_logger_on_first_use=False,
    )


def get_logger() -> BoundLogger:
    """Return the logger: `log.info("clip stored", camera_id=..., size_bytes=...)`.

    The first argument is a fixed phrase, the rest are fields of `telemetry/fields.py`; any other is dropped.
    """
    logger: BoundLogger = structlog.get_logger()
    return logger


class _Allowed:
    """The processor that builds a line anew from what is allowed, so that nothing else can come along."""

    def __init__(self, service: str, dropped: Callable[[str], None]) -> None:
        self._service = service
        self._dropped = dropped

    def __call__(self, _: WrappedLogger, __: str, given: EventDict) -> EventDict:
        record: logging.LogRecord = given["_record"]
        line: dict[str, Any] = {
            "at": _iso(record.created),
            "level": record.levelname.lower(),
            "service": self._service,
            "event": self._phrase(given.get("event")),
        }
        if given.get("_foreign"):
            line |= {"logger": _short(record.name), "where": f"{_short(record.module)}:{record.lineno}"}
        if (ids := current_ids()) is not None:
            line["trace_id"], line["span_id"] = ids
        self._add_fields(line, given)
        self._add_exception(line, given, record)
        return line

    def _phrase(self, event: object) -> str:
        if type(event) is str and len(event) <= _LONGEST_EVENT and event.isprintable() and event.isascii():
            return event
        self._dropped("event")
        return "an event without a fixed phrase"

    def _add_fields(self, line: MutableMapping[str, Any], given: Mapping[str, object]) -> None:
        for name, value in given.items():
            if name in _OURS:
                continue
            if name == "error" and isinstance(value, BaseException):
                line["error_type"] = type_name(value)
                if (message := own_message(value)) is not None:
                    line["error"] = message
                continue
            kind = FIELDS.get(name)
            checked: Plain | None = None if kind is None else kind(value)
            if checked is None:
                if value is not None:
                    self._dropped(name)
            else:
                line[name] = checked

    def _add_exception(
        self, line: MutableMapping[str, Any], given: Mapping[str, object], record: logging.LogRecord
    ) -> None:
        told = given.get("exc_info") or record.exc_info
        if told is True:
            told = sys.exc_info()
        error = told[1] if isinstance(told, tuple) else told
        if isinstance(error, BaseException):
            line.update(describe(error))


_OURS: Final = frozenset({"event", "exc_info", "stack_info", "_record", "_from_structlog", "_foreign", "level"})


def _withhold_foreign(_: WrappedLogger, __: str, given: EventDict) -> EventDict:
    """Put a library's template, without its arguments, in place of its message.

    The arguments are addresses, keys and payloads; a message without arguments may have been formatted before.
    Where the line was written stands beside it, and names the message as well as its words would.
    """
    record: logging.LogRecord = given["_record"]
    message = str(given["event"])
    if record.name in _TELLING_LOGGERS:
        phrase = " ".join(message.split())[:_LONGEST_EVENT]
    elif isinstance(record.msg, str) and record.msg != message:
        phrase = " ".join(record.msg.split())[:_LONGEST_EVENT]
    else:
        phrase = _WITHHELD
    return {"event": phrase, "exc_info": given.get("exc_info"), "_record": record, "_foreign": True}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _short(name: str) -> str:
    return name[:60]
