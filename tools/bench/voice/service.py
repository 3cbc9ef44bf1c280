"""The AI service behind Martlet, scripted: it says the material in pieces of 20 ms and notes what
it hears. By Realtime events over WebSocket, or by AudioSocket over TCP."""

import asyncio
import base64
import json
import struct

import aiohttp.web

from sound import PIECE_SECONDS, Heard, Pace

REALTIME_RATE = 24000
AUDIOSOCKET_RATE = 16000
AUDIOSOCKET_VOICE = 0x12  # 16 kHz


class Service:
    """Listens on a port of the loopback; `next_call` gives the calls in the order they come."""

    def __init__(self):
        self.calls = asyncio.Queue()

    async def next_call(self, seconds=20):
        return await asyncio.wait_for(self.calls.get(), seconds)


class Call:
    """One call: hears at once, speaks when told."""

    def __init__(self, rate):
        self.heard = Heard(rate)
        self.pace = None

    async def speak(self, data, start):
        """`data`: 16-bit samples of `heard.rate`; `start`: the wall clock's seconds."""
        self.pace = Pace(start)
        size = 2 * round(self.heard.rate * PIECE_SECONDS)
        await self.open()
        for place in range(0, len(data), size):
            await asyncio.sleep(self.pace.wait)
            await self.say(data[place : place + size].ljust(size, b"\0"))
            self.pace.given()
        await self.close()

    async def open(self):
        """Before the first piece."""

    async def close(self):
        """Behind the last."""


class RealtimeService(Service):
    """`url` is for --backend-url."""

    async def __aenter__(self):
        application = aiohttp.web.Application()
        application.router.add_get("/v1/realtime", self.serve)
        self.runner = aiohttp.web.AppRunner(application, shutdown_timeout=1)
        await self.runner.setup()
        site = aiohttp.web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        port = self.runner.addresses[0][1]
        self.url = f"ws://127.0.0.1:{port}/v1/realtime"
        return self

    async def __aexit__(self, *_):
        await self.runner.cleanup()

    async def serve(self, request):
        socket = aiohttp.web.WebSocketResponse(max_msg_size=1 << 24, compress=False)
        await socket.prepare(request)
        await socket.send_json({"type": "session.created", "session": {"id": "sess_1"}})
        call = RealtimeCall(socket)
        self.calls.put_nowait(call)
        async for message in socket:
            if message.type == aiohttp.WSMsgType.TEXT:
                call.take(json.loads(message.data))
        return socket


class RealtimeCall(Call):
    ITEM = {"response_id": "r1", "item_id": "item_r1", "output_index": 0, "content_index": 0}

    def __init__(self, socket):
        super().__init__(REALTIME_RATE)
        self.socket = socket

    def take(self, event):
        if event["type"] == "input_audio_buffer.append":
            self.heard.take(base64.b64decode(event["audio"]))

    async def send(self, kind, **fields):
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def open(self):
        await self.send("response.created", response={"id": "r1"})

    async def say(self, piece):
        delta = base64.b64encode(piece).decode()
        await self.send("response.output_audio.delta", delta=delta, **self.ITEM)

    async def close(self):
        await self.send("response.output_audio.done", **self.ITEM)
        await self.send("response.done", response={"id": "r1", "status": "completed"})


class AudioSocketService(Service):
    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"tcp://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def serve(self, reader, writer):
        call = AudioSocketCall(writer)
        self.calls.put_nowait(call)
        try:
            while True:
                kind, length = struct.unpack(">BH", await reader.readexactly(3))
                payload = await reader.readexactly(length)
                if kind == AUDIOSOCKET_VOICE:
                    call.heard.take(payload)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


class AudioSocketCall(Call):
    def __init__(self, writer):
        super().__init__(AUDIOSOCKET_RATE)
        self.writer = writer

    async def say(self, piece):
        self.writer.write(struct.pack(">BH", AUDIOSOCKET_VOICE, len(piece)) + piece)
        await self.writer.drain()
