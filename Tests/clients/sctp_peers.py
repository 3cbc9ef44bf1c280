"""Our SCTP end as a process, and aiortc's end without DTLS under it, joined over loopback."""

import asyncio
import pathlib
import random
import time

from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport

PROGRAM = pathlib.Path(__file__).parents[2] / ".build" / "release" / "sctp-peer"


class Lines:
    """The lines that a process writes, to be waited for."""

    def __init__(self, process):
        self.lines = []
        self.changed = asyncio.Event()
        self.reader = asyncio.ensure_future(self.read(process.stdout))

    async def read(self, stream):
        while line := await stream.readline():
            self.lines.append(line.decode().rstrip("\n"))
            self.changed.set()

    async def ended(self):
        await self.reader

    def matching(self, *starts):
        return [line for line in self.lines if line.startswith(starts)]

    async def line(self, start, count=1, seconds=60, or_else=None):
        """Waits until `count` lines begin with `start` (or `or_else`); gives the last of them."""
        starts = [start] if or_else is None else [start, or_else]
        deadline = time.monotonic() + seconds
        while len(self.matching(*starts)) < count:
            self.changed.clear()
            left = deadline - time.monotonic()
            assert left > 0, f"no {count} lines {start!r} in {self.lines[-20:]}"
            try:
                await asyncio.wait_for(self.changed.wait(), left)
            except asyncio.TimeoutError:
                pass
        return self.matching(*starts)[count - 1]


def lines_of(process):
    return Lines(process)


class OurPeer:
    """The program `sctp-peer`; use `async with`."""

    def __init__(self, port, *options):
        self.command = [str(PROGRAM), "--to", str(port), *options]

    async def __aenter__(self):
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stdin=pipe, stdout=pipe
        )
        self.output = Lines(self.process)
        self.line = self.output.line
        self.matching = self.output.matching
        self.port = int((await self.line("port ")).split()[1])
        return self

    async def __aexit__(self, *_):
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), 60)
        await self.output.ended()

    def say(self, line):
        self.process.stdin.write(f"{line}\n".encode())


class LoopbackTransport(asyncio.DatagramProtocol):
    """What an RTCSctpTransport takes for its DTLS transport: here a bare UDP socket."""

    def __init__(self, role, loss_percent=0, seed=1):
        self._role = role
        self.state = "connected"
        self.receiver = None
        self.peer_port = None
        self.loss_percent = loss_percent
        self.random = random.Random(seed)
        self.queue = asyncio.Queue()

    def connection_made(self, transport):
        self.udp = transport
        self.task = asyncio.ensure_future(self.deliver())

    def datagram_received(self, data, address):
        self.queue.put_nowait(data)

    async def deliver(self):
        while True:
            data = await self.queue.get()
            if self.receiver and not self.is_lost():
                await self.receiver._handle_data(data)

    def is_lost(self):
        return self.random.randrange(100) < self.loss_percent

    def _register_data_receiver(self, receiver):
        self.receiver = receiver

    def _unregister_data_receiver(self, receiver):
        self.receiver = None

    async def _send_data(self, data):
        if not self.is_lost():
            self.udp.sendto(data, ("127.0.0.1", self.peer_port))


class Pair:
    """aiortc's end and ours, both begun; use `async with`. aiortc is the DTLS client."""

    def __init__(self, *options, loss_percent=0, seed=1):
        self.options = options
        if loss_percent:
            self.options += ("--loss", str(loss_percent), "--seed", str(seed))
        self.network = LoopbackTransport("client", loss_percent, seed)

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(
            lambda: self.network, local_addr=("127.0.0.1", 0)
        )
        port = self.network.udp.get_extra_info("sockname")[1]
        self.ours = OurPeer(port, "--odd", *self.options)
        await self.ours.__aenter__()
        self.network.peer_port = self.ours.port
        self.theirs = RTCSctpTransport(self.network)
        self.channels = []
        self.theirs.on("datachannel", self.channels.append)
        return self

    async def __aexit__(self, *_):
        await self.theirs.stop()
        self.network.task.cancel()
        self.network.udp.close()
        await self.ours.__aexit__()

    async def start(self):
        await self.theirs.start(RTCSctpCapabilities(maxMessageSize=262144), 5000)
        await self.ours.line("up")

    def open(self, label, **options):
        channel = RTCDataChannel(self.theirs, RTCDataChannelParameters(label=label, **options))
        return Channel(channel)


class Channel:
    """One of aiortc's channels with what came on it."""

    def __init__(self, channel):
        self.channel = channel
        self.messages = []
        channel.on("message", self.messages.append)

    def send(self, message):
        self.channel.send(message)

    async def state(self, name, seconds=60):
        await until(lambda: self.channel.readyState == name, seconds, f"channel {name}")


async def until(condition, seconds=60, what="condition"):
    """Waits for something that aiortc does not tell."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        await asyncio.sleep(0.01)


def crc32c(data):
    """The checksum by which `sctp-peer` names a message."""
    register = 0xFFFFFFFF
    for byte in data:
        register = register >> 8 ^ TABLE[(register ^ byte) & 0xFF]
    return register ^ 0xFFFFFFFF


def table_row(value):
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


TABLE = [table_row(value) for value in range(256)]
