from datetime import UTC, datetime, timedelta

import pytest

from homeward.cli.spans import InvalidTimeError, format_span, format_time, parse_instant, parse_span


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("2.5 s", timedelta(seconds=2.5)),
        ("30min", timedelta(minutes=30)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
    ],
)
def test_a_span(text: str, span: timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "7", "d", "-1h", "1w", "1h30min", "1e3s"])
def test_another_text_is_no_span(text: str) -> None:
    with pytest.raises(InvalidTimeError, match="24h or 7d"):
        parse_span(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0.4 s"),
        (45, "45 s"),
        (60, "1 min"),
        (61.9, "1 min 1 s"),
        (5400, "1 h 30 min"),
        (43200, "12 h"),
        (90000, "1 d 1 h"),
        (0, "0 s"),
    ],
)
def test_a_span_is_told_in_its_largest_units(seconds: float, text: str) -> None:
    assert format_span(timedelta(seconds=seconds)) == text


def test_an_instant_is_in_utc_unless_it_says_otherwise() -> None:
    assert parse_instant("2026-11-23T20:50") == datetime(2026, 11, 23, 20, 50, tzinfo=UTC)
    assert parse_instant("2026-11-23 20:50+08:00") == datetime(2026, 11, 23, 12, 50, tzinfo=UTC)
    assert format_time(parse_instant("2026-11-23T20:50+08:00")) == "2026-11-23 12:50:00.000"
    with pytest.raises(InvalidTimeError, match="UTC"):
        parse_instant("yesterday")
