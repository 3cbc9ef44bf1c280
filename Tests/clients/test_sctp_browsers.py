"""Our SCTP against the browsers' own, inside their DTLS: aiortc does ICE and DTLS, and hands the
packets to `sctp-peer`."""

import asyncio
import json
import pathlib

import aiortc
import aiortc.rtcpeerconnection
import pytest

from browsers import Browser
from scenes import in_some_scene
from sctp_peers import OurPeer

PAGE = pathlib.Path(__file__).parent / "sctp_page.html"


class Bridge(aiortc.RTCSctpTransport):
    """Takes the place of aiortc's SCTP."""

    options = []
    newest = None

    async def start(self, capabilities, port):
        Bridge.newest = self
        self.socket = BridgeSocket(self.transport)
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(
            lambda: self.socket, local_addr=("127.0.0.1", 0)
        )
        own_port = self.socket.udp.get_extra_info("sockname")[1]
        parity = ["--odd"] if self.is_server else []
        self.early = []
        self.ours = None
        self.transport._register_data_receiver(self)
        self.ours = await OurPeer(own_port, "--echo", *parity, *Bridge.options).__aenter__()
        self.output = self.ours.output
        for packet in self.early:
            self.give(packet)

    async def stop(self):
        self.socket.task.cancel()
        if self.ours:
            await self.ours.__aexit__()
            self.ours = None

    async def _handle_data(self, packet):
        if self.ours:
            self.give(packet)
        else:
            self.early.append(packet)

    def give(self, packet):
        self.socket.udp.sendto(packet, ("127.0.0.1", self.ours.port))


class BridgeSocket(asyncio.DatagramProtocol):
    def __init__(self, dtls):
        self.dtls = dtls
        self.queue = asyncio.Queue()

    def connection_made(self, transport):
        self.udp = transport
        self.task = asyncio.ensure_future(self.forward())

    def datagram_received(self, packet, address):
        self.queue.put_nowait(packet)

    async def forward(self):
        while self.dtls.state == "connected":
            await self.dtls._send_data(await self.queue.get())


class Site:
    """The page, the answer to its offer, and its report."""

    def __init__(self):
        self.report = asyncio.get_running_loop().create_future()
        self.connection = None

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(self, *_):
        if self.connection:
            await self.connection.close()
        self.server.close()

    async def serve(self, reader, writer):
        """One request, one reply."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().splitlines()
        sizes = [line.split(":")[1] for line in head if line.startswith("content-length:")]
        body = (await reader.readexactly(int(sizes[0]) if sizes else 0)).decode()
        reply = await self.reply(head[0].split()[1], body)
        headers = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(reply)}\r\n"
        writer.write(f"{headers}Content-Type: text/html\r\n\r\n".encode() + reply)
        await writer.drain()
        writer.close()

    async def reply(self, path, body):
        if path == "/offer":
            return (await self.answer(body)).encode()
        if path == "/open":
            Bridge.newest.ours.say("open ours unordered retransmissions 2")
        if path == "/report":
            self.report.set_result(json.loads(body))
        return PAGE.read_bytes() if path == "/" else b"-"

    async def answer(self, offer):
        self.connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        await self.connection.setRemoteDescription(aiortc.RTCSessionDescription(offer, "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        lines = self.connection.localDescription.sdp.splitlines()
        lines = [line for line in lines if not line.startswith("a=max-message-size")]
        return "\r\n".join([*lines, "a=max-message-size:262144", ""])


@pytest.mark.parametrize("name", ["chromium", "firefox"])
@pytest.mark.parametrize("options", [[], ["--start"], ["--start", "--loss", "3"], ["--late", "20"]])
@in_some_scene
def test_a_browser(name, options, sound, monkeypatch):
    monkeypatch.setattr(aiortc.rtcpeerconnection, "RTCSctpTransport", Bridge)
    monkeypatch.setattr(Bridge, "options", options)

    async def body():
        async with Site() as site:
            with Browser(name, site.url, sound) as browser:
                try:
                    report = dict(await asyncio.wait_for(site.report, 240))
                except asyncio.TimeoutError:
                    lines = Bridge.newest and Bridge.newest.output.lines[-20:]
                    raise AssertionError(f"{lines} {browser.log()}") from None
            assert "error" not in report, report
            for what in ("ordered", "loose", "empty", "large", "still"):
                assert report[what] is True, report
            assert report["limit"] == 262144
            label, ordered, retransmissions, _ = report["theirs"]
            assert (label, ordered, retransmissions) == ("ours", False, 2)
            assert Bridge.newest.output.matching("refused") == []

    asyncio.run(asyncio.wait_for(body(), 300))
