from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from homeward.ingest.media.packets import Jump, Packet, Stamped, span_to_ticks, ticks_to_span
from homeward.ingest.media.stamper import Stamper

MILLISECOND = Fraction(1, 1000)
KEY, INTER = True, False


def stamp(packets: list[Packet], waits: list[timedelta | None] | None = None) -> list[Stamped]:
    stamper = Stamper(MILLISECOND)
    whole: list[Stamped] = []
    for index, packet in enumerate(packets):
        whole += stamper.offer(packet, waits[index] if waits else None)
    return [*whole, *stamper.flush()]


def test_matroska_without_first_decoding_times_is_counted_back() -> None:
    packets = [
        Packet(0, None, 100, KEY, "I"),
        Packet(400, None, 100, INTER, "P"),
        Packet(200, 0, 100, INTER, "B"),
        Packet(100, 100, 100, INTER, "b"),
    ]
    assert [(p.pts, p.dts, p.payload) for p in stamp(packets)] == [
        (0, -200, "I"),
        (400, -100, "P"),
        (200, 0, "B"),
        (100, 100, "b"),
    ]


def test_rtsp_without_the_first_frames_time_is_counted_back() -> None:
    packets = [
        Packet(None, None, 100, KEY, "I"),
        Packet(300, None, 100, INTER, "P"),
        Packet(100, None, 100, INTER, "B"),
        Packet(200, 100, 100, INTER, "b"),
    ]
    assert [(p.pts, p.dts) for p in stamp(packets)] == [(0, -200), (300, -100), (100, 0), (200, 100)]
    assert [(p.pts, p.dts) for p in stamp([packets[0], Packet(0, 0, 100, INTER, "P")])] == [(-100, -100), (0, 0)]


def test_a_source_without_any_time_counts_on() -> None:
    packets = [Packet(None, None, 40, index == 0, index) for index in range(3)]
    assert [(p.pts, p.dts) for p in stamp(packets)] == [(0, 0), (40, 40), (80, 80)]


def test_a_source_that_loses_its_times_counts_on() -> None:
    packets = [Packet(1000, 1000, 40, KEY, 0), Packet(None, None, 40, INTER, 1), Packet(1080, 1080, 40, INTER, 2)]
    assert [p.dts for p in stamp(packets)] == [1000, 1040, 1080]


def test_small_disorder_is_mended_and_a_fall_is_a_jump() -> None:
    steps = [5000, 5000, 4990, 5100, 100]
    stamped = stamp([Packet(at, at, 100, INTER, at) for at in steps])
    assert [(p.dts, p.jump) for p in stamped] == [
        (5000, None),
        (5001, None),
        (5002, None),
        (5100, None),
        (100, Jump.BACK),
    ]


def test_time_that_passed_is_no_jump_and_time_that_did_not_is() -> None:
    packets = [Packet(0, 0, 100, KEY, 0), Packet(60_000, 60_000, 100, KEY, 1)]
    assert stamp(packets, [None, timedelta(seconds=58)])[1].jump is None
    assert stamp(packets, [None, timedelta(seconds=50)])[1].jump is Jump.AHEAD


stamps = st.one_of(st.none(), st.integers(-(10**7), 10**7))


@given(
    st.lists(
        st.builds(
            Packet,
            pts=stamps,
            dts=stamps,
            duration=st.integers(0, 2000),
            key=st.booleans(),
            payload=st.integers(),
        ),
        max_size=60,
    )
)
def test_whatever_comes_goes_out_in_order_with_rising_times(packets: list[Packet]) -> None:
    stamped = stamp(packets)
    assert [p.payload for p in stamped] == [p.payload for p in packets]
    for before, after in pairwise(stamped):
        assert after.jump is not None or after.dts > before.dts
    assert all(p.pts >= p.dts for p in stamped)


@given(st.integers(0, 10**12), st.sampled_from([Fraction(1, 90000), Fraction(1, 1000), Fraction(1001, 30000)]))
def test_ticks_and_spans_differ_by_less_than_a_microsecond(ticks: int, base: Fraction) -> None:
    span = ticks_to_span(ticks, base)
    assert 0 <= ticks * base - Fraction(span // timedelta(microseconds=1), 10**6) < Fraction(1, 10**6)
    assert 0 <= ticks - span_to_ticks(span, base) <= 1
