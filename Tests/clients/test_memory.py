"""Memory that many ended at once had goes back to the system: WebSockets that do not read, and
offers that never connect. The figures are printed."""

import base64
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import struct
import time

from programs import Program, make_keys

OFFERS, CALLS, SIDEBANDS = 5_000, 64, 8
# What the first calls take for good is no part of it.
FIRST_CALLS = 20
# What may stay of it all, MiB: pages between pieces in use, and what is not worth giving back.
KEPT_MAX = {"offers": 36, "sidebands": 64}
OFFER = "\r\n".join([
    "v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0 1",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:0", "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuv", "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
    "a=setup:actpass", "a=rtcp-mux", "a=rtpmap:111 opus/48000/2", "a=sendrecv",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:1",
    "a=sctp-port:5000", "",
])


class Memory:
    """What a process has in memory, MiB."""

    def __init__(self, process):
        self.status = pathlib.Path(f"/proc/{process}/status")

    def now(self, field="VmRSS"):
        return int(re.search(rf"{field}:\s+(\d+) kB", self.status.read_text())[1]) / 1024

    def falls_to(self, most, seconds):
        """The size when it is at most that, or at the end of the time."""
        deadline = time.monotonic() + seconds
        while self.now() > most and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.now()


def call(connection):
    """Posts an offer; the ID of the call."""
    connection.request(
        "POST", "/v1/realtime/calls", OFFER, {"Content-Type": "application/sdp"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 201, answer.status
    return answer.headers["Location"].rsplit("/", 1)[1]


def client(port):
    return contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60))


FIGURES = "figures.json"


def never_connected(folder):
    """How many calls ended so, by the figures: of the lines of many that end at once the log may
    lose some."""
    if not (folder / FIGURES).exists():
        return 0
    shards = json.loads((folder / FIGURES).read_text())["shards"]
    return sum(shard["ended_never_connected"] for shard in shards)


@contextlib.contextmanager
def transceiver(folder, port):
    folder.mkdir()
    with Program(
        "martlet-transceiver", "--keys", make_keys(folder), "--http", f"127.0.0.1:{port}",
        "--trunk", "127.0.0.1:0", "--calls", str(OFFERS + 100),
        # How busy this machine is shall not decide which calls begin.
        "--overload", "warn", "--stats", str(folder / FIGURES), "--stats-seconds", "1"
    ) as program:
        program.wait_for("is ready")
        with client(port) as one:
            for _ in range(FIRST_CALLS):
                call(one)
        yield program, Memory(program.process.pid)


def offers_that_never_connect(folder, port):
    with transceiver(folder, port) as (program, memory):
        before = memory.now()

        def make(count):
            with client(port) as one:
                for _ in range(count):
                    call(one)

        with concurrent.futures.ThreadPoolExecutor() as pool:
            for done in [pool.submit(make, OFFERS // 4) for _ in range(4)]:
                done.result()
        most = memory.now()
        deadline = time.monotonic() + 300
        while never_connected(folder) < OFFERS + FIRST_CALLS:
            assert time.monotonic() < deadline, "offers do not end"
            time.sleep(0.5)
        after = memory.falls_to(before + KEPT_MAX["offers"], 120)
        print(re.findall(r"memory-given-back.*", program.log()))
    return "offers", before, most, after


def join(port, name):
    """A WebSocket beside a call, by hand: nothing reads it unless somebody asks."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    one.sendall((
        f"GET /v1/realtime?call_id={name} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n").encode())
    one.settimeout(60)
    head = b""
    while b"\r\n\r\n" not in head:
        piece = one.recv(4096)
        assert piece, head
        head += piece
    assert b" 101 " in head, head
    return one


def say(one, event):
    """A masked text frame; the mask is zero."""
    text = json.dumps(event).encode()
    one.sendall(struct.pack(">BBH4x", 0x81, 0xFE, len(text)) + text)


def sidebands_that_do_not_read(folder, port):
    session = {"type": "realtime", "instructions": "x" * 60_000}
    update = {"type": "session.update", "session": session}
    with transceiver(folder, port) as (program, memory), client(port) as api:
        before = memory.now()
        names = [call(api) for _ in range(CALLS)]
        lines = [[join(port, name) for _ in range(SIDEBANDS)] for name in names]
        # All of a call's are told of each change; the queue of each takes a mebibyte.
        for _ in range(15):
            for beside in lines:
                say(beside[0], update)
        enough = before + CALLS * SIDEBANDS * 0.6
        deadline = time.monotonic() + 60
        while memory.now() < enough and time.monotonic() < deadline:
            time.sleep(0.1)
        most = memory.now()
        assert most > enough, (before, most)
        for name in names:
            api.request("POST", f"/v1/realtime/calls/{name}/hangup")
            api.getresponse().read()
        for one in [one for beside in lines for one in beside]:
            one.close()
        after = memory.falls_to(before + KEPT_MAX["sidebands"], 120)
        print(re.findall(r"memory-given-back.*", program.log()))
    return "sidebands", before, most, after


def test_memory_goes_back(tmp_path):
    # One after the other: calls that nobody connects to live for 30 s, and within them all of the
    # sidebands have to be there.
    figures = [
        scene(tmp_path / scene.__name__, 18_092 + number)
        for number, scene in enumerate([offers_that_never_connect, sidebands_that_do_not_read])
    ]
    for name, before, most, after in figures:
        print(f"{name}: {before:.0f} MiB before, {most:.0f} at most, {after:.0f} after")
    for name, before, most, after in figures:
        assert after <= before + KEPT_MAX[name], (name, before, most, after)
