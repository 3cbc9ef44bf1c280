"""AI services as a test wants them: servers that speak the Realtime events, or AudioSocket, and do
with each call what the test's behaviour says."""

import array
import asyncio
import base64
import json
import math
import pathlib
import ssl
import struct
import subprocess
import threading
import uuid

import websockets
from websockets.asyncio.server import serve

import voice

# Nobody listens at port 9 of the namespace, and no client is given it either.
NOBODY = "ws://127.0.0.1:9/"


class ServiceThread:
    """An asyncio server on a thread of its own; a context manager. Subclasses give `start`."""

    def __init__(self, behaviour, port=0):
        self.behaviour = behaviour
        self.port = port
        self.calls = []
        self.failures = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(self.start(), self.loop).result(60)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result(60)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(60)

    async def end(self):
        self.server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    async def behave(self, call):
        """A test has to see what went wrong on the service's side too."""
        self.calls.append(call)
        try:
            await self.behaviour(call)
        except (websockets.ConnectionClosed, ConnectionError, asyncio.IncompleteReadError):
            pass
        except Exception as error:
            self.failures.append(error)
            raise


class RealtimeService(ServiceThread):
    """Speaks the Realtime events over WebSocket."""

    def __init__(self, behaviour, port=0, tls=None):
        super().__init__(behaviour, port)
        self.tls = tls

    @property
    def url(self):
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.port}/v1/realtime"

    async def start(self):
        return await serve(
            self.take, "127.0.0.1", self.port, ssl=self.tls, max_size=1 << 24, compression=None,
            close_timeout=1,
        )

    async def take(self, connection):
        await self.behave(RealtimeCall(connection))


class RealtimeCall:
    """One call as the service sees it."""

    def __init__(self, connection):
        self.connection = connection
        self.path = connection.request.path
        self.headers = connection.request.headers
        self.heard = array.array("h")
        self.events = []

    async def send(self, kind, **fields):
        await self.connection.send(json.dumps({"type": kind, **fields}))

    async def listen(self):
        """Takes what comes until the end: voice into `heard`, everything else into `events`."""
        async for message in self.connection:
            self.take(json.loads(message))

    def take(self, event):
        if event["type"] == "input_audio_buffer.append":
            self.heard.frombytes(base64.b64decode(event["audio"], validate=True))
        else:
            self.events.append(event)

    async def listen_until(self, holds):
        while not holds(self):
            self.take(json.loads(await self.connection.recv()))

    async def say(self, samples, name="r1", rate=24000, speed=1.0, piece_ms=100):
        """One response: the samples in pieces, `speed` times as fast as they are played."""
        await self.send("response.created", response={"id": name})
        item = {"response_id": name, "item_id": f"item_{name}", "output_index": 0}
        item["content_index"] = 0
        size = rate * piece_ms // 1000
        for start in range(0, len(samples), size):
            delta = base64.b64encode(samples[start : start + size].tobytes()).decode()
            await self.send("response.output_audio.delta", delta=delta, **item)
            await asyncio.sleep(piece_ms / 1000 / speed)
        await self.send("response.output_audio.done", **item)
        await self.send("response.done", response={"id": name, "status": "completed"})


class AudioSocketService(ServiceThread):
    """Speaks Asterisk's AudioSocket over TCP."""

    @property
    def url(self):
        return f"tcp://127.0.0.1:{self.port}"

    async def start(self):
        return await asyncio.start_server(self.take, "127.0.0.1", self.port)

    async def take(self, reader, writer):
        await self.behave(AudioSocketCall(reader, writer))
        writer.close()


class AudioSocketCall:
    KINDS = {8000: 0x10, 16000: 0x12, 24000: 0x13}

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.uuid = None
        self.heard = array.array("h")
        self.kinds = set()

    async def read_frame(self):
        kind, length = struct.unpack(">BH", await self.reader.readexactly(3))
        payload = await self.reader.readexactly(length)
        self.kinds.add(kind)
        if kind == 0x01:
            self.uuid = uuid.UUID(bytes=payload)
        elif kind >= 0x10:
            self.heard.frombytes(payload)
        return kind

    async def write_frame(self, kind, payload=b""):
        self.writer.write(struct.pack(">BH", kind, len(payload)) + payload)
        await self.writer.drain()

    async def say(self, samples, rate=24000):
        """At the pace of real time, 100 ms ahead of it."""
        size, loop = rate // 50, asyncio.get_running_loop()
        due = loop.time() - 0.1
        for start in range(0, len(samples), size):
            await self.write_frame(self.KINDS[rate], samples[start : start + size].tobytes())
            due += 0.02
            await asyncio.sleep(max(0, due - loop.time()))


def tone(hertz, seconds, rate=24000, level_dbfs=-12.0):
    """A sine at the service's rate."""
    amplitude = 32767 * 10 ** (level_dbfs / 20)
    step = 2 * math.pi * hertz / rate
    count = int(rate * seconds)
    return array.array("h", [round(amplitude * math.sin(step * i)) for i in range(count)])


def frequency(samples, rate=24000):
    """The tone in samples of the service's rate."""
    return voice.frequency(samples) * rate / voice.RATE


class Authority:
    """A certificate authority of the test's own, with one server certificate."""

    def __init__(self, folder, name="IP:127.0.0.1"):
        self.file = str(pathlib.Path(folder) / "ca.pem")
        self.folder = pathlib.Path(folder)
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                 "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
        self.run("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=service",
                 "-keyout", "service.key", "-out", "service.csr")
        (self.folder / "names").write_text(f"subjectAltName={name}\n")
        self.run("x509", "-req", "-in", "service.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                 "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "service.pem")

    def run(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    @property
    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "service.pem", self.folder / "service.key")
        return context
