import platform

from homeward.ingest.adapters.allocator import keep_little


def test_glibc_takes_every_setting() -> None:
    assert keep_little() is (platform.libc_ver()[0] == "glibc")
