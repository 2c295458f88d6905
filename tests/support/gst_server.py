"""GStreamer's RTSP server, run by the system's own Python: it has the bindings that no wheel brings.

Reads one JSON object from stdin: `streams` (path -> {"file", "codec": "h264" or "h265", "sound": bool}), `login`
("user:password" or null), `digest` (bool), `certificate` (PEM file with its key, or null). Prints its port and serves
until stdin is closed.
"""

import json
import sys
import threading
from typing import Any

import gi  # type: ignore[import-not-found,unused-ignore]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found,unused-ignore]  # noqa: E402, I001, RUF100 - after their versions

_HOST = "127.0.0.1"


def _launch(stream: dict[str, Any]) -> str:
    """Return the pipeline of one stream: what stands in the file goes out as it is."""
    codec = stream["codec"]
    video = f"d.video_0 ! queue ! {codec}parse ! rtp{codec}pay name=pay0 pt=96 config-interval=-1"
    sound = "d.audio_0 ! queue ! aacparse ! rtpmp4gpay name=pay1 pt=97" if stream["sound"] else ""
    return f'( filesrc location="{stream["file"]}" ! qtdemux name=d {video} {sound} )'


def _viewer() -> Any:
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    return token


def _authentication(login: str, *, digest: bool) -> Any:
    user, _, password = login.partition(":")
    auth = GstRtspServer.RTSPAuth()
    token = _viewer()
    if digest:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    return auth


def _permit(factory: Any) -> None:
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, True)  # noqa: FBT003 - GLib's
    permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, True)  # noqa: FBT003 - GLib's
    factory.set_permissions(permissions)


def _main() -> None:
    wanted = json.loads(sys.stdin.readline())
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(_HOST)
    server.set_service("0")
    auth = None
    if wanted["login"] is not None:
        auth = _authentication(wanted["login"], digest=wanted["digest"])
    if wanted["certificate"] is not None:
        if auth is None:
            # With a certificate the server asks who comes, too: anybody is a viewer.
            auth = GstRtspServer.RTSPAuth()
            auth.set_default_token(_viewer())
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(wanted["certificate"]))
    if auth is not None:
        server.set_auth(auth)
    for path, stream in wanted["streams"].items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(_launch(stream))
        if auth is not None:
            _permit(factory)
        server.get_mount_points().add_factory(path, factory)
    if server.attach(None) == 0:
        sys.exit("the server cannot listen")
    print(server.get_bound_port(), flush=True)  # noqa: T201 - the answer
    loop = GLib.MainLoop()

    def wait() -> None:
        sys.stdin.read()
        loop.quit()

    threading.Thread(target=wait, daemon=True).start()
    loop.run()


if __name__ == "__main__":
    _main()
