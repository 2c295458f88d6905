"""W3C trace context: read from an event's headers, written into those of the events that follow.

Spans are made so that ids are there to follow; nothing exports them, since nothing of ours phones home.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR: Final = TraceContextTextMapPropagator()


def new_tracer(service: str, *processors: SpanProcessor) -> Tracer:
    """Return a tracer for `service`; without `processors` its spans go nowhere.

    The sampler and the resource are given here, because the SDK would otherwise read them from the environment.
    """
    provider = TracerProvider(
        sampler=ParentBased(ALWAYS_ON), resource=Resource({"service.name": service}), shutdown_on_exit=False
    )
    for processor in processors:
        provider.add_span_processor(processor)
    return provider.get_tracer("homeward")


def current_headers() -> dict[str, str]:
    """Return the current span's context as `traceparent` and `tracestate`; empty where there is no span."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier


def context_of(headers: Mapping[str, str]) -> Context:
    """Return the context that `headers` carry; a new, empty one where they carry none or a broken one."""
    return _PROPAGATOR.extract(dict(headers), context=Context())


@contextmanager
def event_span(tracer: Tracer, name: str, headers: Mapping[str, str]) -> Iterator[Span]:
    """Make a span for one event current, a child of the one in the event's `headers`.

    An exception is not recorded in the span: its text is the log's business, which keeps data out.
    """
    with tracer.start_as_current_span(
        name,
        context=context_of(headers),
        kind=SpanKind.CONSUMER,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield span


def current_ids() -> tuple[str, str] | None:
    """Return the current trace id and span id in hexadecimal, or None where there is no span."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
