from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeward.shared.filetimes import NamePattern, NamePatternError, NameRefusedError

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_name_tells_when_its_footage_was_taken() -> None:
    pattern = NamePattern("cam1-%Y%m%d-%H%M%S", ZoneInfo("Asia/Taipei"))
    assert pattern.taken_at("cam1-20261123-205000") == datetime(2026, 11, 23, 12, 50, tzinfo=UTC)


def test_without_a_zone_names_are_in_utc() -> None:
    assert NamePattern("%Y-%m-%dT%H.%M.%S.%f").taken_at("2026-11-23T20.50.00.250000") == datetime(
        2026, 11, 23, 20, 50, 0, 250000, tzinfo=UTC
    )


def test_an_offset_in_the_name_goes_before_the_zone() -> None:
    taken_at = NamePattern("%Y%m%d_%H%M%z", BERLIN).taken_at("20261123_2050+0800")
    assert taken_at == datetime(2026, 11, 23, 12, 50, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "cam1", "%Y%m%d", "%H%M%S", "%Y%m%d-%H", "%d%m-%H%M", "%Q", "%Y%m%d-%I%M", "%"])
def test_a_pattern_that_tells_no_time_is_refused(text: str) -> None:
    with pytest.raises(NamePatternError, match="strptime"):
        NamePattern(text)


@pytest.mark.parametrize("stem", ["cam2-20261123-205000", "cam1-20261123-205000-copy", "cam1-20261332-205000", ""])
def test_another_name_is_refused_without_repeating_it(stem: str) -> None:
    with pytest.raises(NameRefusedError) as refused:
        NamePattern("cam1-%Y%m%d-%H%M%S").taken_at(stem)
    assert not stem or stem not in str(refused.value)


def test_a_time_that_the_clock_showed_twice_is_refused() -> None:
    with pytest.raises(NameRefusedError, match="twice"):
        NamePattern("%Y%m%d-%H%M", BERLIN).taken_at("20261025-0230")


def test_a_time_that_the_clock_leapt_over_is_refused() -> None:
    with pytest.raises(NameRefusedError, match="never"):
        NamePattern("%Y%m%d-%H%M", BERLIN).taken_at("20260329-0230")


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2040, 1, 1)))  # noqa: DTZ001 - in UTC below
def test_every_other_time_is_read_back(naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC, microsecond=0)
    pattern = NamePattern("%Y%m%d-%H%M%S", BERLIN)
    try:
        assert pattern.taken_at(at.astimezone(BERLIN).strftime(pattern.text)) == at
    except NameRefusedError:
        local = at.astimezone(BERLIN)
        assert local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
