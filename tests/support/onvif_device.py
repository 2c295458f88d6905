"""A small ONVIF camera on loopback: SOAP over HTTP with WS-Security digests, and answers to WS-Discovery."""

import base64
import hashlib
import hmac
import re
import socket
import struct
import threading
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

LOOPBACK = "127.0.0.1"

_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
_WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
_FRESH = timedelta(seconds=5)

_ENVELOPE = (
    f'<s:Envelope xmlns:s="{_SOAP}" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"'
    ' xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema"'
    ' xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>{}</s:Body></s:Envelope>'
)
_DENIED = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en">Sender not authorized</s:Text></s:Reason></s:Fault>'
)


@dataclass(frozen=True)
class Stream:
    """One profile of the camera."""

    token: str
    codec: str
    width_px: int
    height_px: int
    fps: int = 25
    kbit_per_s: int = 4096
    audio_codec: str | None = None


@dataclass
class OnvifDevice:
    """A camera that listens while it is entered. Its clock is `ahead` of ours; without `password` it asks for none."""

    streams: tuple[Stream, ...]
    user: str = "viewer"
    password: str | None = None
    ahead: timedelta = timedelta(0)
    services_host: str = LOOPBACK
    asked: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        device = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = device.answer(body)
                self.send_response(status)
                self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, body: bytes) -> tuple[int, bytes]:
        envelope = ET.fromstring(body)  # noqa: S314 - sent by the test
        request = next(iter(envelope.find(f"{{{_SOAP}}}Body") or ()))
        operation = request.tag.partition("}")[2]
        self.asked.append(operation)
        if operation != "GetSystemDateAndTime" and not self._allowed(envelope):
            return 400, _ENVELOPE.format(_DENIED).encode()
        token = next((element.text for element in request.iter() if element.tag.endswith("ProfileToken")), None)
        return 200, _ENVELOPE.format(getattr(self, f"_{operation}")(token)).encode()

    def _allowed(self, envelope: ET.Element) -> bool:
        if self.password is None:
            return True
        found = {element.tag: element.text or "" for element in envelope.iter()}
        try:
            nonce = base64.b64decode(found[f"{_WSSE}Nonce"])
            created, digest = found[f"{_WSU}Created"], found[f"{_WSSE}Password"]
            user = found[f"{_WSSE}Username"]
        except KeyError:
            return False
        expected = base64.b64encode(
            hashlib.sha1(nonce + created.encode() + self.password.encode()).digest()  # noqa: S324 - the standard's
        ).decode()
        at = datetime.fromisoformat(created)
        fresh = abs(at - (datetime.now(UTC) + self.ahead)) < _FRESH
        return user == self.user and fresh and hmac.compare_digest(digest, expected)

    def _GetSystemDateAndTime(self, _: str | None) -> str:  # noqa: N802 - ONVIF's name
        now = datetime.now(UTC) + self.ahead
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
            "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
            f"<tt:Second>{now.second}</tt:Second></tt:Time>"
            f"<tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
            "</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _GetServices(self, _: str | None) -> str:  # noqa: N802 - ONVIF's name
        services = "".join(
            f"<tds:Service><tds:Namespace>http://www.onvif.org/ver10/{name}/wsdl</tds:Namespace>"
            f"<tds:XAddr>http://{self.services_host}:{self.port}/onvif/{name}_service</tds:XAddr>"
            "<tds:Version><tt:Major>2</tt:Major><tt:Minor>5</tt:Minor></tds:Version></tds:Service>"
            for name in ("device", "media")
        )
        return f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>"

    def _GetDeviceInformation(self, _: str | None) -> str:  # noqa: N802 - ONVIF's name
        return (
            "<tds:GetDeviceInformationResponse><tds:Manufacturer>Example</tds:Manufacturer>"
            "<tds:Model>Gate 4</tds:Model><tds:FirmwareVersion>1.2.3</tds:FirmwareVersion>"
            "<tds:SerialNumber>0001</tds:SerialNumber>"
            "<tds:HardwareId>4</tds:HardwareId></tds:GetDeviceInformationResponse>"
        )

    def _GetProfiles(self, _: str | None) -> str:  # noqa: N802 - ONVIF's name
        profiles = "".join(map(_profile, self.streams))
        return f"<trt:GetProfilesResponse>{profiles}</trt:GetProfilesResponse>"

    def _GetStreamUri(self, token: str | None) -> str:  # noqa: N802 - ONVIF's name
        # Some devices put their own credentials in.
        return (
            "<trt:GetStreamUriResponse><trt:MediaUri>"
            f"<tt:Uri>rtsp://{self.user}:{self.password}@{LOOPBACK}:554/{token}?unicast=1</tt:Uri>"
            "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>"
            "<tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
        )


def _profile(stream: Stream) -> str:
    sound = (
        ""
        if stream.audio_codec is None
        else f'<tt:AudioEncoderConfiguration token="a"><tt:Name>a</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{stream.audio_codec}</tt:Encoding><tt:Bitrate>64</tt:Bitrate><tt:SampleRate>8</tt:SampleRate>"
        "<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:AudioEncoderConfiguration>"
    )
    return (
        f'<trt:Profiles token="{stream.token}" fixed="true"><tt:Name>{stream.token}</tt:Name>'
        '<tt:VideoEncoderConfiguration token="v"><tt:Name>v</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{stream.codec}</tt:Encoding><tt:Resolution><tt:Width>{stream.width_px}</tt:Width>"
        f"<tt:Height>{stream.height_px}</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality><tt:RateControl>"
        f"<tt:FrameRateLimit>{stream.fps}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>"
        f"<tt:BitrateLimit>{stream.kbit_per_s}</tt:BitrateLimit></tt:RateControl>"
        f"<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration>{sound}</trt:Profiles>"
    )


class DiscoveryAnswerer:
    """Answers WS-Discovery on a multicast group of the loopback interface alone, from a thread of its own."""

    GROUP = "239.255.255.250"

    def __init__(self, answers: tuple[bytes, ...]) -> None:
        """Each of `answers` is sent for every question, with RELATES-TO replaced by the question's id."""
        self._answers = answers
        self.questions: list[bytes] = []

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.GROUP, 0))
        joined = struct.pack("4s4s", socket.inet_aton(self.GROUP), socket.inet_aton(LOOPBACK))
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LOOPBACK))
        self._socket.settimeout(0.1)
        self.port = int(self._socket.getsockname()[1])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answering:
            answering.bind((LOOPBACK, 0))
            while not self._stop.is_set():
                try:
                    question, sender = self._socket.recvfrom(65_535)
                except TimeoutError:
                    continue
                self.questions.append(question)
                asked = re.search(rb"MessageID>([^<]+)<", question)
                for answer in self._answers:
                    answering.sendto(answer.replace(b"RELATES-TO", asked[1] if asked else b""), sender)


def probe_match(device_id: str, address: str, name: str) -> bytes:
    """Return an answer as a camera sends it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<e:Envelope xmlns:e="{_SOAP}" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">'
        f"<e:Header><w:MessageID>uuid:{device_id}-answer</w:MessageID><w:RelatesTo>RELATES-TO</w:RelatesTo>"
        "<w:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</w:To>"
        "<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</w:Action></e:Header>"
        "<e:Body><d:ProbeMatches><d:ProbeMatch>"
        f"<w:EndpointReference><w:Address>urn:uuid:{device_id}</w:Address></w:EndpointReference>"
        "<d:Types>dn:NetworkVideoTransmitter</d:Types>"
        f"<d:Scopes>onvif://www.onvif.org/name/{name} onvif://www.onvif.org/hardware/GATE-4</d:Scopes>"
        f"<d:XAddrs>{address}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>"
        "</d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
    ).encode()
