"""Requests byte by byte, and answers as they come: what a library would hide is to be seen."""

import hashlib
import re
import socket

from deployment import LIMIT_SECONDS

# What a browser offers: one line of audio, and data channels.
OFFER_LINES = [
    "v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0 1",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0", "c=IN IP4 0.0.0.0", "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuv",
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32), "a=setup:actpass", "a=mid:0", "a=sendrecv",
    "a=rtcp-mux", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1",
    "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111", "a=rtcp-fb:111 nack",
    "a=rtcp-fb:111 transport-cc", "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "a=ssrc:4711 cname:x", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0",
    "a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuv",
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32), "a=setup:actpass", "a=mid:1",
    "a=sctp-port:5000", "a=max-message-size:262144",
]


def sdp(lines):
    return "".join(f"{line}\r\n" for line in lines)


def offer(without=None, instead=None):
    """The offer, without the lines that begin so, or with these replaced."""
    lines = [line for line in OFFER_LINES if not (without and line.startswith(without))]
    for old, new in (instead or {}).items():
        lines = [line.replace(old, new) for line in lines]
    return sdp(lines)


class Words:
    """Replaces what is random in answers by names, and keeps what they stand for."""

    PATTERNS = [
        ("CALL", r"\brtc_[A-Za-z0-9_+-]{20,}"),
        ("SECRET", r"\bek_[A-Za-z0-9_+/=-]{20,}"),
        ("UFRAG", r"(?<=a=ice-ufrag:)\S+"),
        ("PWD", r"(?<=a=ice-pwd:)\S+"),
        ("FINGERPRINT", r"(?<=a=fingerprint:sha-256 )\S+"),
        ("SESSION-NUMBER", r"(?<=o=- )\d+"),
        ("SSRC", r"(?<=a=ssrc:)\d+"),
        ("CNAME", r"(?<= cname:)\S+"),
        ("STREAM", r"(?<=msid:)\S+|(?<=msid-semantic: WMS )\S+"),
        ("SESSION", r"\bsess_[0-9a-z]+"),
        ("EXPIRES", r'(?<="expires_at":)\d+'),
        ("EVENT", r'(?<="event_id":")[a-z]+_[0-9a-z]+'),
        ("DATE", r"(?i)(?<=^date: ).*"),
    ]

    def __init__(self, port):
        self.port = port
        self.learnt = {}

    def learn(self, name, text):
        self.learnt[text] = name

    def __call__(self, text):
        for known, name in self.learnt.items():
            text = text.replace(known, name)
        for name, pattern in self.PATTERNS:
            text = re.sub(pattern, name, text, flags=re.MULTILINE)
        return text.replace(f":{self.port}", ":PORT")


def exchange(port, request):
    """All bytes that come until the server closes, to these that were sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS) as line:
        try:
            line.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while piece := line.recv(1 << 16):
                answer += piece
        except ConnectionResetError:
            pass
        return answer


def request(method, target, fields=(), body=b"", version="HTTP/1.1"):
    """A request that is the last of its connection."""
    body = body.encode() if isinstance(body, str) else body
    names = {field.split(":")[0].lower() for field in fields}
    head = [f"{method} {target} {version}"]
    if "host" not in names:
        head.append("Host: localhost")
    head += fields
    if (body or method in ("POST", "PATCH", "PUT")) and not names & {
        "content-length", "transfer-encoding"
    }:
        head.append(f"Content-Length: {len(body)}")
    if "connection" not in names:
        head.append("Connection: close")
    return "\r\n".join([*head, "", ""]).encode() + body


def described(answer, words):
    """The answer as text: its head, and its body or, where that is long and a file, its hash."""
    head, _, body = answer.partition(b"\r\n\r\n")
    text = words(head.decode("latin-1").replace("\r\n", "\n"))
    if re.search(rb"(?i)^content-type: (text/(html|css|javascript)|image/)", head, re.MULTILINE):
        shown = f"{len(body)} bytes, SHA-256 {hashlib.sha256(body).hexdigest()}"
    else:
        shown = words(body.decode("utf-8", "backslashreplace").replace("\r\n", "\n"))
    length = re.search(r"(?im)^content-length: (\d+)$", text)
    if length and int(length[1]) == len(body):
        # Of what is random in the body the length may differ as well.
        text = text.replace(length[0], length[0].split(":")[0] + ": right")
    return text + "\n\n" + shown.rstrip("\n") + ("\n" if shown else "")
