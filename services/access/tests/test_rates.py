from datetime import timedelta
from urllib.parse import urljoin, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from homeward.access.errors import TooManyError
from homeward.access.people.next_page import next_page
from homeward.access.people.rates import RateLimiter
from support.access_world import MovableClock


@given(
    per_minute=st.integers(1, 600),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 20, allow_nan=False), min_size=1, max_size=200),
)
def test_never_more_than_the_burst_and_the_rate(per_minute: int, burst: int, pauses: list[float]) -> None:
    clock = MovableClock()
    limiter = RateLimiter(clock, per_minute=per_minute, burst=burst)
    begun, let_through = clock.monotonic(), 0
    for pause in pauses:
        let_through += limiter.wait_s("key") == 0
        assert let_through <= burst + (clock.monotonic() - begun) * per_minute / 60 + 0.001
        clock.move(timedelta(seconds=pause))


@given(per_minute=st.integers(1, 600), burst=st.integers(1, 50), asked=st.integers(1, 100))
def test_who_waits_as_long_as_told_is_let_through(per_minute: int, burst: int, asked: int) -> None:
    clock = MovableClock()
    limiter = RateLimiter(clock, per_minute=per_minute, burst=burst)
    waits = [limiter.wait_s("key") for _ in range(asked)]
    assert sum(wait == 0 for wait in waits) == min(asked, burst)
    try:
        limiter.check("key")
    except TooManyError as error:
        clock.move(timedelta(seconds=error.retry_after_s))
        limiter.check("key")


def test_keys_do_not_share_a_limit() -> None:
    limiter = RateLimiter(MovableClock(), per_minute=1, burst=1)
    assert limiter.wait_s("one") == limiter.wait_s("other") == 0
    assert limiter.wait_s("one") > 0


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 5)), max_size=300))
def test_no_more_keys_are_remembered_than_allowed(asked: list[tuple[int, float]]) -> None:
    clock = MovableClock()
    limiter = RateLimiter(clock, per_minute=60, burst=2, most_keys=10)
    for key, pause in asked:
        limiter.wait_s(str(key))
        assert len(limiter._paid_at) <= 10
        clock.move(timedelta(seconds=pause))


def test_who_has_paid_is_forgotten() -> None:
    clock = MovableClock()
    limiter = RateLimiter(clock, per_minute=60, burst=5)
    for number in range(100):
        limiter.wait_s(str(number))
    clock.move(timedelta(seconds=2))
    limiter.wait_s("last")
    assert list(limiter._paid_at) == ["last"]


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("/\\:@?#.\t\r\n %"), max_size=40) | st.none())
def test_wherever_a_link_leads_it_is_a_page_of_ours(asked: str | None) -> None:
    for link in (asked, f"/{asked}", f"//{asked}", f"/\\{asked}"):
        page = next_page(link)
        # Browsers drop these three and take a backslash for a slash.
        seen = page.replace("\t", "").replace("\r", "").replace("\n", "").replace("\\", "/")
        parts = urlsplit(urljoin("https://homeward.test/sign-in/callback", seen))
        assert (parts.scheme, parts.netloc) == ("https", "homeward.test")
        assert seen.startswith("/")
        assert not seen.startswith("//")


def test_a_page_of_ours_is_gone_to() -> None:
    for page in ("/", "/requests/1?tab=photos#last", "/receipt/AB-12", "/a//b", "/%E4%BA%BA"):
        assert next_page(page) == page
