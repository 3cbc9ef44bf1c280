"""What the transceiver's HTTP API answers, request by request."""

import base64
import json
import re
import socket
import struct
import time

from deployment import LIMIT_SECONDS, folder_with_keys, transceiver
from http_wire import Words, described, exchange, offer, request, sdp

SDP = ("Content-Type: application/sdp",)
JSON = ("Content-Type: application/json",)
CALLS = "/v1/realtime/calls"
SECRETS = "/v1/realtime/client_secrets"
FRAGMENT = ("Content-Type: application/trickle-ice-sdpfrag",)
CANDIDATE = (
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
    "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n")
PAGE = ["/", "/page.js", "/call.js", "/check.js", "/latency.js", "/network.js", "/picture.js",
        "/sound.js", "/style.css", "/icon.svg", "/index.html"]


class Scene:
    """One transceiver's answers, in the order in which they were asked for."""

    def __init__(self, port):
        self.port = port
        self.words = Words(port)
        self.parts = []

    def ask(self, title, method, target, fields=(), body=b""):
        return self.send(title, request(method, target, fields, body))

    def send(self, title, data):
        answer = exchange(self.port, data)
        head = answer.partition(b"\r\n\r\n")[0].decode("latin-1")
        place = re.search(r"(?im)^location: (\S+)", head)
        if place:
            self.words.learn("CALL", place[1].rsplit("/", 1)[1])
            self.words.learn("TAG", re.search(r"(?im)^etag: (\S+)", head)[1])
        self.parts.append(f"== {title}\n{described(answer, self.words)}")
        return place[1] if place else answer

    def wait_until_gone(self, place, fields=()):
        """The end of a call is told before it has come."""
        deadline = time.monotonic() + LIMIT_SECONDS
        figures = request("GET", f"{place}/stats", fields)
        while b" 404 " not in exchange(self.port, figures)[:16]:
            assert time.monotonic() < deadline, f"{place} does not end"
            time.sleep(0.02)

    def text(self):
        return "\n".join(self.parts)


def form(*parts, boundary="XX"):
    """multipart/form-data of (header lines, content)."""
    whole = ""
    for lines, content in parts:
        whole += f"--{boundary}\r\n" + "".join(f"{line}\r\n" for line in lines)
        whole += f"\r\n{content}\r\n"
    return whole + f"--{boundary}--\r\n"


def named(name, kind=None):
    lines = [f'Content-Disposition: form-data; name="{name}"']
    return lines + ([f"Content-Type: {kind}"] if kind else [])


FORM = ("Content-Type: multipart/form-data; boundary=XX",)


def page_and_routes(scene):
    for path in PAGE:
        scene.ask(f"GET {path}", "GET", path)
    scene.ask("HEAD of the page", "HEAD", "/")
    tag = re.search(rb"(?i)etag: (\S+)", exchange(scene.port, request("GET", "/page.js")))[1]
    scene.ask("a file that the browser has", "GET", "/page.js", [f"If-None-Match: {tag.decode()}"])
    for path in ["/healthz", "/healthz/", "/v1/martlet/backends", "/v1/realtime", "/no/such/path",
                 "/page.js/", "/v1/realtime/calls/x/y", "/v1/martlet/calls", "/%zz", "//healthz"]:
        scene.ask(f"GET {path}", "GET", path)
    scene.ask("HEAD /healthz", "HEAD", "/healthz")
    for path in [CALLS, f"{CALLS}/rtc_nobody", f"{CALLS}/rtc_nobody/hangup", SECRETS, "/whip",
                 "/whip/rtc_nobody", "/v1/realtime", f"{CALLS}/rtc_nobody/stats", "/healthz",
                 "/v1/martlet/backends", "/", "/no/such/path"]:
        preflight = ["Origin: https://shop.example", "Access-Control-Request-Method: POST"]
        scene.ask(f"OPTIONS {path}", "OPTIONS", path, preflight)
        scene.ask(f"PUT {path}", "PUT", path, SDP, "x")
    for method, path in [("GET", CALLS), ("GET", "/whip"), ("DELETE", CALLS), ("POST", "/healthz"),
                         ("POST", "/"), ("BREW", "/"), ("PROPFIND", "/whip"), ("GET", SECRETS)]:
        scene.ask(f"{method} {path}", method, path)


def offers(scene):
    scene.ask("no body", "POST", CALLS, SDP)
    scene.ask("no SDP", "POST", CALLS, SDP, "v=0\r\nnonsense")
    scene.ask("no type", "POST", CALLS, (), offer())
    scene.ask("another type", "POST", CALLS, JSON, "{}")
    scene.ask("a backend that is not there", "POST", f"{CALLS}?backend=oracle", SDP, offer())
    scene.ask("an offer that is too long", "POST", CALLS, SDP, "v=0\r\n" + "a=x\r\n" * 14_000)
    scene.ask("a body that is too long", "POST", CALLS, SDP, "x" * 140_000)
    scene.ask("a compressed body", "POST", CALLS, [*SDP, "Content-Encoding: gzip"], b"\x1f\x8b")
    for line in ["a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup", "a=rtcp-mux", "a=rtpmap",
                 "m=audio", "m=", "v=0"]:
        scene.ask(f"an offer without {line}", "POST", CALLS, SDP, offer(without=line))
    for old, new in {
        "a=setup:actpass": "a=setup:holdconn", "opus/48000/2": "PCMU/8000",
        "sha-256": "md5", "AB:AB": "XY:AB", "a=ice-pwd:abcdefghijklmnopqrstuv": "a=ice-pwd:short",
        "UDP/TLS/RTP/SAVPF": "RTP/AVP", "v=0": "v=1", "m=audio 9": "m=audio nine",
    }.items():
        scene.ask(f"{new} for {old}", "POST", CALLS, SDP, offer(instead={old: new}))
    scene.ask("a form without a boundary", "POST", CALLS, ["Content-Type: multipart/form-data"], "")
    scene.ask("an empty form", "POST", CALLS, FORM, form())
    scene.ask("no form", "POST", CALLS, FORM, "--XX")
    scene.ask("a form without an offer", "POST", CALLS, FORM, form((named("session"), "{}")))
    two = (named("sdp"), offer())
    scene.ask("two offers", "POST", CALLS, FORM, form(two, two))
    scene.ask("a session that is none", "POST", CALLS, FORM, form(two, (named("session"), "[]")))
    image = (named("sdp", "image/png"), offer())
    scene.ask("an offer of another type", "POST", CALLS, FORM, form(image))
    html = (named("session", "text/html"), "{}")
    scene.ask("a session of another type", "POST", CALLS, FORM, form(two, html))
    long = (named("session"), '{"a":"' + "x" * 98_304 + '"}')
    scene.ask("a session that is too long", "POST", CALLS, FORM, form(two, long))
    scene.ask("a form at WHIP", "POST", "/whip", FORM, form(two))


def calls(scene):
    place = scene.ask("a call", "POST", CALLS, SDP, offer())
    figures = exchange(scene.port, request("GET", f"{place}/stats"))
    head, _, body = figures.partition(b"\r\n\r\n")
    shown = re.sub(rb"(?i)(content-length): \d+", rb"\1: right", head)
    scene.parts.append(
        "== its figures: their names, and of what kind each is\n"
        + scene.words(shown.decode().replace("\r\n", "\n")) + "\n\n"
        + "\n".join(structure(json.loads(body))) + "\n")
    scene.ask("candidates without If-Match", "PATCH", place, FRAGMENT, CANDIDATE)
    scene.ask("candidates of no type", "PATCH", place, ['If-Match: "x"'], CANDIDATE)
    other = [*FRAGMENT, 'If-Match: "x"']
    scene.ask("candidates for another ETag", "PATCH", place, other, CANDIDATE)
    scene.ask("an ICE restart", "PATCH", place, [*FRAGMENT, "If-Match: *"], CANDIDATE)
    tag = next(text for text, name in scene.words.learnt.items() if name == "TAG")
    scene.ask("candidates", "PATCH", place, [*FRAGMENT, f"If-Match: {tag}"], CANDIDATE)
    scene.ask("no candidates", "PATCH", place, [*FRAGMENT, f"If-Match: {tag}"], "nonsense")
    sideband(scene, place.rsplit("/", 1)[1])
    scene.ask("its end", "POST", f"{place}/hangup")
    scene.wait_until_gone(place)
    scene.ask("its end again", "POST", f"{place}/hangup")
    scene.ask("its figures after the end", "GET", f"{place}/stats")
    place = scene.ask(
        "a call by a form, answered by the parrot", "POST", f"{CALLS}?backend=parrot", FORM,
        form((named("sdp", "application/sdp"), offer()),
             (named("session", "application/json"), '{"type":"realtime","model":"m"}')))
    scene.ask("its end", "POST", f"{place}/hangup/")
    chunks = "".join(f"{len(p):x}\r\n{p}\r\n" for p in (offer()[:10], offer()[10:])) + "0\r\n\r\n"
    place = scene.ask(
        "a call in chunks, with a model", "POST", f"{CALLS}?model=m",
        [*SDP, "Transfer-Encoding: chunked"], chunks)
    scene.ask("its end", "POST", f"{place}/hangup")
    for title, text in {
        "who only speaks": offer(instead={"a=sendrecv": "a=sendonly"}),
        "who only listens": offer(instead={"a=sendrecv": "a=recvonly"}),
        "who is passive, without channels": sdp(
            offer(instead={"a=setup:actpass": "a=setup:passive"}).split("m=application")[0]
            .strip().split("\r\n")),
        "who is active": offer(instead={"a=setup:actpass": "a=setup:active"}),
    }.items():
        place = scene.ask(f"a call by WHIP of one {title}", "POST", "/whip", SDP, text)
        scene.ask("its end", "DELETE", place)
    scene.wait_until_gone(place.replace("/whip", CALLS))
    scene.ask("its end again", "DELETE", place)
    for method, path in [
        ("POST", f"{CALLS}/rtc_nobody/hangup"), ("DELETE", "/whip/rtc_nobody"),
        ("PATCH", "/whip/rtc_nobody"), ("GET", f"{CALLS}/rtc_nobody/stats"),
        ("GET", "/v1/martlet/calls/rtc_nobody"), ("GET", "/v1/martlet/calls/rtc_" + "A" * 40),
    ]:
        scene.ask(f"{method} {path}", method, path)


def structure(value, path=""):
    """The names in a JSON value with their kinds; of an array the first element."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from structure(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        yield f"{path}[]"
        if value:
            yield from structure(value[0], f"{path}[0]")
    else:
        kinds = {bool: "truth", int: "number", float: "number", str: "text", type(None): "null"}
        yield f"{path} {kinds[type(value)]}"


UPGRADE = (
    "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Connection: Upgrade",
    "Sec-WebSocket-Key: " + base64.b64encode(b"0123456789abcdef").decode())


def sideband(scene, call):
    """A WebSocket beside a call: what it is told, and what comes of what it says."""
    for title, target, fields in [
        ("a WebSocket without a call", "/v1/realtime", UPGRADE),
        ("a WebSocket beside no call", "/v1/realtime?call_id=rtc_nobody", UPGRADE),
        ("a WebSocket elsewhere", "/healthz", UPGRADE),
        ("a WebSocket of another version", f"/v1/realtime?call_id={call}",
         [*UPGRADE[:1], "Sec-WebSocket-Version: 12", *UPGRADE[2:]]),
    ]:
        with socket.create_connection(("127.0.0.1", scene.port), timeout=LIMIT_SECONDS) as line:
            line.sendall(request("GET", target, fields))
            scene.parts.append(f"== {title}\n" + described(read_answer(line), scene.words))
    with socket.create_connection(("127.0.0.1", scene.port), timeout=LIMIT_SECONDS) as line:
        line.sendall(request("GET", f"/v1/realtime?call_id={call}", UPGRADE))
        scene.parts.append(
            "== a WebSocket beside the call\n" + described(read_answer(line), scene.words))
        update = '{"type":"session.update","event_id":"u","session":{"instructions":"S"}}'
        for said in [None, update, "no JSON", '{"type":"sing"}', "\x03\xe8"]:
            if said is not None:
                scene.parts.append(f"-- says {said if said[0] != chr(3) else 'goodbye'}")
                line.sendall(frame(said.encode("latin-1"), 8 if said[0] == "\x03" else 1))
            kind, body = read_frame(line)
            shown = body.hex() if kind == 8 else scene.words(body.decode())
            scene.parts.append(f"-- hears frame {kind}: {shown}")
        scene.parts.append("")


def frame(body, kind):
    """RFC 6455, section 5.2, under a mask of zeroes; up to 125 bytes."""
    return bytes([0x80 | kind, 0x80 | len(body)]) + bytes(4) + body


def read_exactly(line, count):
    data = b""
    while len(data) < count:
        piece = line.recv(count - len(data))
        assert piece, f"the connection ended after {data!r}"
        data += piece
    return data


def read_frame(line):
    first, length = read_exactly(line, 2)
    if length == 126:
        length = struct.unpack(">H", read_exactly(line, 2))[0]
    return first & 15, read_exactly(line, length)


def read_answer(line):
    """The head of an answer, and the body that it says."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(line, 1)
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return head + read_exactly(line, int(length[1]) if length else 0)


def secrets(scene):
    scene.ask("a secret", "POST", SECRETS)
    body = {"expires_after": {"anchor": "created_at", "seconds": 60},
            "session": {"type": "realtime", "model": "m", "instructions": "Sing."}}
    secret = json.loads(scene.ask(
        "a secret for a session", "POST", SECRETS, JSON, json.dumps(body)).split(b"\r\n\r\n")[1])
    for title, text in {
        "no JSON": "{", "no object": "[]", "a time that is none": '{"expires_after":5}',
        "another anchor": '{"expires_after":{"anchor":"now"}}',
        "too short a life": '{"expires_after":{"anchor":"created_at","seconds":1}}',
        "a session that is none": '{"session":5}',
        "a session that is too long": '{"session":{"instructions":"' + "x" * 20_000 + '"}}',
        "nulls": '{"session":null,"expires_after":null}',
    }.items():
        scene.ask(f"a secret: {title}", "POST", SECRETS, JSON, text)
    scene.ask("a secret of another type", "POST", SECRETS, SDP, "x")
    bearer = f"Authorization: Bearer {secret['value']}"
    place = scene.ask("a call by the secret", "POST", CALLS, [*SDP, bearer], offer())
    scene.ask("a session beside the secret's", "POST", CALLS, [*FORM, bearer], form(
        (named("sdp"), offer()), (named("session"), "{}")))
    scene.ask("a secret by a secret", "POST", SECRETS, [bearer])
    scene.ask("its end", "POST", f"{place}/hangup", [bearer])
    last = "A" if bearer[-1] != "A" else "B"
    scene.ask("a forged secret", "POST", CALLS, [*SDP, bearer[:-5] + last * 5], offer())


def protocol(scene):
    """HTTP itself."""
    for title, data in {
        "nonsense": b"nonsense\r\n\r\n",
        "HTTP/1.0": b"GET /healthz HTTP/1.0\r\n\r\n",
        "no Host": request("GET", "/v1/martlet/backends", version="HTTP/1.0").replace(
            b"Host: localhost\r\n", b""),
        "two Hosts": request("GET", "/healthz", ["Host: localhost", "Host: localhost"]),
        "a long field": request("GET", "/healthz", ["X-Long: " + "x" * 17_000]),
        "an unknown coding": request("GET", "/healthz", ["Transfer-Encoding: gzip"]),
        "bad chunks": request("POST", CALLS, [*SDP, "Transfer-Encoding: chunked"], "zz\r\n"),
        "two lengths": request(
            "POST", CALLS, [*SDP, "Content-Length: 1", "Content-Length: 2"], "x"),
        "a length that is none": request("POST", CALLS, [*SDP, "Content-Length: x"], "x"),
        "a length beyond": request("POST", CALLS, [*SDP, "Content-Length: 999999999"]),
        "an expectation": request("POST", CALLS, [*SDP, "Expect: 200-ok"], "x"),
        "100-continue": request("POST", CALLS, [*SDP, "Expect: 100-continue"], "x"),
        "an upgrade to h2c": request("GET", "/healthz", [
            "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEA"
        ]) + request("GET", "/healthz"),
        "two requests": request("GET", "/healthz", ["Connection: keep-alive"]) + request(
            "GET", "/v1/martlet/backends"),
        "an absolute target": request("GET", "http://localhost/healthz"),
    }.items():
        scene.send(title, data)


def strangers(scene):
    """Names and pages that the server does not go by."""
    for host in ["evil.example", "127.0.0.1.evil.example", "voice.example", "[::1]", "127.0.0.1"]:
        scene.ask(f"Host: {host}", "GET", "/v1/martlet/backends", [f"Host: {host}"])
    scene.ask("a page of another site", "POST", CALLS, [*SDP, "Origin: https://evil.example"], "x")
    scene.ask("a page of ours", "POST", CALLS, [*SDP, "Origin: http://localhost:1"], "x")


def keys(scene):
    """A server that wants keys."""
    good = "Authorization: Bearer sk-0123456789abcdefghi"
    for title, fields in {
        "no key": (), "a wrong key": ["Authorization: Bearer sk-wrong"],
        "a key of another scheme": ["Authorization: Basic eDp5"],
    }.items():
        scene.ask(f"a call with {title}", "POST", CALLS, [*SDP, *fields], offer())
        scene.ask(f"a secret with {title}", "POST", SECRETS, [*JSON, *fields], "{}")
        scene.ask(f"the backends with {title}", "GET", "/v1/martlet/backends", fields)
    scene.ask("health without a key", "GET", "/healthz")
    scene.ask("any host", "GET", "/v1/martlet/backends", ["Host: evil.example", good])
    place = scene.ask("a call with a key", "POST", CALLS, [*SDP, good], offer())
    scene.ask("one too many", "POST", CALLS, [*SDP, good], offer())
    secret = json.loads(exchange(scene.port, request("POST", SECRETS, [good])).split(
        b"\r\n\r\n")[1])["value"]
    bearer = f"Authorization: Bearer {secret}"
    scene.ask("a secret by a secret", "POST", SECRETS, [bearer])
    scene.ask("its end without a key", "POST", f"{place}/hangup")
    scene.ask("its end by a secret that did not begin it", "POST", f"{place}/hangup", [bearer])
    scene.wait_until_gone(place, [good])
    scene.ask("its end again", "POST", f"{place}/hangup", [good])


def full(scene):
    """A server that holds one call."""
    place = scene.ask("the one call", "POST", CALLS, SDP, offer())
    scene.ask("one too many", "POST", CALLS, SDP, offer())
    scene.ask("one too many by WHIP", "POST", "/whip", SDP, offer())
    scene.ask("its end", "POST", f"{place}/hangup")


def cluster(folder):
    """A call of another node, whose node lives and then does not."""
    trunk = ("--node", "2")
    other, port = transceiver(folder, *trunk, title="node-2")
    with other:
        one, own = transceiver(
            folder, "--peer", f"2=http://127.0.0.1:{port}", "--peer", "3=http://127.0.0.1:9",
            title="node-1")
        with one:
            scene, far = Scene(own), Scene(port)
            scene.words.learnt = far.words.learnt
            place = far.ask("a call at node 2", "POST", CALLS, SDP, offer())
            scene.parts += far.parts
            scene.ask("its end at node 1", "POST", f"{place}/hangup")
            scene.wait_until_gone(place)
            scene.ask("its end at node 1 again", "POST", f"{place}/hangup")
            place = far.ask("another call at node 2", "POST", CALLS, SDP, offer())
            assert other.end() == 0
            scene.ask("its end at node 1, without node 2", "POST", f"{place}/hangup")
            return scene.text()


def capture():
    """name of the file -> its text"""
    texts = {}
    with folder_with_keys() as folder:
        program, port = transceiver(folder)
        with program:
            for name, part in {
                "page": page_and_routes, "offers": offers, "calls": calls, "secrets": secrets,
                "protocol": protocol, "strangers": strangers,
            }.items():
                scene = Scene(port)
                part(scene)
                texts[f"http/{name}.txt"] = scene.text()
        (folder / "api").touch(0o600)
        (folder / "api").write_text("sk-0123456789abcdefghi\n")
        (folder / "ice").touch(0o600)
        (folder / "ice").write_text("turn:turn.example.org?transport=udp,user,top-secret\n")
        for name, part, options in [
            ("keys", keys, ("--api-keys", folder / "api", "--calls-per-caller", "1",
                            "--ice-server", "stun:stun.example.org", "--ice-server-file",
                            folder / "ice", "--candidate", "192.0.2.1:3478", "--candidate",
                            "[2001:db8::1]:3478")),
            ("full", full, ("--calls", "1")),
        ]:
            program, port = transceiver(folder, *options, title=name)
            with program:
                scene = Scene(port)
                part(scene)
                texts[f"http/{name}.txt"] = scene.text()
        texts["http/cluster.txt"] = cluster(folder)
    return texts
