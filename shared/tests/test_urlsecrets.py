"""Real cameras' URLs, with a login in them and without."""

import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeward.shared.urlsecrets import holds_secret

WITH_SECRETS = [
    "rtsp://admin:12345@192.0.2.7/Streaming/Channels/101",
    "rtsp://admin@192.0.2.7/live",
    "rtsp://:12345@192.0.2.7/live",
    "rtsp://@192.0.2.7/live",
    "rtsp://admin:12/34@192.0.2.7/live",
    "rtsp://192.0.2.7/?user=a&password=b",
    "rtsp://192.0.2.7:554/user=admin&password=&channel=1&stream=0.sdp?",
    "rtsp://192.0.2.7:554/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp?real_stream",
    "rtsp://192.0.2.7/av0_0&user=admin&password=admin",
    "rtsp://192.0.2.7/0/admin:12345/main",
    "rtsp://192.0.2.7/cam/realmonitor?channel=1&subtype=0&authbasic=YWRtaW46YWRtaW4=",
    "http://192.0.2.7/videostream.cgi?user=admin&pwd=12345",
    "http://192.0.2.7:88/cgi-bin/CGIStream.cgi?cmd=GetMJStream&usr=admin&pwd=12345",
    "http://192.0.2.7/videostream.cgi?loginuse=admin&loginpas=12345",
    "http://192.0.2.7/cgi-bin/encoder?USER=Admin&PWD=123456&GET_STREAM",
    "http://192.0.2.7/PictureCatch.cgi?username=admin&password=12345&channel=1",
    "http://192.0.2.7/snapshot.jpg?account=admin&password=12345",
    "http://192.0.2.7/mjpg/cam1?pw=12345",
    "http://192.0.2.7/cgi-bin/api.cgi?cmd=Snap&channel=0&rs=ab&token=5d2c",
    "http://192.0.2.7/zm/cgi-bin/nph-zms?mode=jpeg&monitor=1&auth=5d2c",
    "https://192.0.2.7/live.ts?key=5d2c",
    "https://192.0.2.7/live.ts?api_key=5d2c",
    "https://192.0.2.7/live.ts?Access-Token=5d2c",
    "https://192.0.2.7/live.ts?jwt=a.b.c",
    "https://192.0.2.7/live.ts;passwd=5d2c",
    "https://192.0.2.7/live.ts#token=5d2c",
    "http://192.0.2.7/s?pass%77ord=12345",
    "http://192.0.2.7/s%3Fpassword%3D12345",
    "http://192.0.2.7/s%253Fpassword%253D12345",
    "file://admin:12345@localhost/srv/gate.mp4",
]

WITHOUT_SECRETS = [
    "rtsp://192.0.2.7/Streaming/Channels/101?transportmode=unicast&profile=Profile_1",
    "rtsp://192.0.2.7/cam/realmonitor?channel=1&subtype=0&unicast=true&proto=Onvif",
    "rtsp://192.0.2.7/?profile=Profile_1",
    "rtsp://192.0.2.7/?monkey=1",
    "rtsp://192.0.2.7/?h26x=4&line=1&inst=2&keyframe=1&key_frame=1",
    "rtsp://192.0.2.7/axis-media/media.amp?videocodec=h264&camera=1&compression=30",
    "rtsp://192.0.2.7/profile2/media.smp",
    "rtsp://192.0.2.7/h264Preview_01_main",
    "rtsp://192.0.2.7/vod/mp4:gate.mp4",
    "rtsp://192.0.2.7/password/users/token",
    "rtsp://192.0.2.7:8554/live@720p",
    "rtsp://[2001:db8::7]:554/live@720p",
    "rtsp://192.0.2.7/trackID=1",
    "http://192.0.2.7/mjpg/video.mjpg?resolution=640x480&fps=10&bypass=1&author=x",
    "http://192.0.2.7/nphMotionJpeg?Resolution=640x480&Quality=Clarity",
    "http://192.0.2.7/?action=stream",
    "file:///srv/user=gate/session=3/password=.mp4",
]


@pytest.mark.parametrize("url", WITH_SECRETS)
def test_a_login_is_found_wherever_makers_put_it(url: str) -> None:
    assert holds_secret(url)


@pytest.mark.parametrize("url", WITHOUT_SECRETS)
def test_what_is_no_login_is_none(url: str) -> None:
    assert not holds_secret(url)


@given(
    name=st.sampled_from(["user", "usr", "pwd", "pw", "loginpas", "key", "token", "auth", "password"]),
    upper=st.lists(st.booleans(), min_size=8, max_size=8),
    value=st.text(string.ascii_letters + string.digits, max_size=8),
    before=st.sampled_from(["/?", "/?channel=1&", "/", "/a/", "/stream;", "/channel=1_", "/x?"]),
    hidden=st.booleans(),
)
def test_neither_case_nor_place_nor_escapes_hide_a_login(
    name: str, upper: list[bool], value: str, before: str, *, hidden: bool
) -> None:
    written = "".join(letter.upper() if up else letter for letter, up in zip(name, upper, strict=False))
    said = f"{written}={value}"
    if hidden:
        said = quote(said, safe="").replace("=", "%3D")
    assert holds_secret(f"rtsp://192.0.2.7{before}{said}&stream=0")


@pytest.mark.parametrize("url", ["rtsp://[192.0.2.7/live"])
def test_what_is_no_url_is_said_to_be_none(url: str) -> None:
    with pytest.raises(ValueError, match="IPv6"):
        holds_secret(url)
