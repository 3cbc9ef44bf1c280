"""The servers that are called: Martlet's own programs and the plain bots beside them.

Each has `offer` (SDP in, SDP out), `go` (speak from that moment on) and `finish` (write what was
heard into a folder: heard.s16, heard.json). A server takes any number of calls, one after another
while they are set up."""

import asyncio
import pathlib
import shutil
import subprocess
import sys

import aiohttp

import material
import service

HERE = pathlib.Path(__file__).resolve().parent
# The address of the namespace's network card (Tests/clients/in-namespace).
HOST = "10.77.0.1"
# Where Martlet listens, by backend; the namespace is the bench's own.
PORTS = {"realtime": (8080, 3478), "audiosocket": (8081, 3479)}


def named(name, options):
    """`options` has `programs` (a folder), `martlet_options`, `material` and `folder`."""
    if name == "martlet":
        return Martlet("realtime", service.RealtimeService(), options)
    if name == "martlet-audiosocket":
        return Martlet("audiosocket", service.AudioSocketService(), options)
    if name == "aiortc":
        return Bot([sys.executable, str(HERE / "bot_aiortc.py")], options)
    return Bot(["/usr/bin/python3", str(HERE / "bot_gstreamer.py")], options)


class Martlet:
    """`martlet up` with a scripted service behind it."""

    def __init__(self, backend, behind, options):
        self.backend, self.behind, self.options = backend, behind, options

    async def __aenter__(self):
        await self.behind.__aenter__()
        http, media = PORTS[self.backend]
        self.url = f"http://127.0.0.1:{http}/v1/realtime/calls?backend={self.backend}"
        rate = service.AUDIOSOCKET_RATE if self.backend == "audiosocket" else service.REALTIME_RATE
        self.log = open(self.options.folder / f"martlet-{self.backend}.log", "wb")
        self.process = await asyncio.create_subprocess_exec(
            str(self.options.programs / "martlet"), "up", "--http", f"127.0.0.1:{http}",
            *("--media", f"{HOST}:{media}", "--overload", "warn", "--backend", self.backend),
            *("--backend-url", self.behind.url, "--backend-rate", str(rate)),
            *self.options.martlet_options,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        await asyncio.wait_for(self.wait_until_ready(), 30)
        return self

    async def wait_until_ready(self):
        async for line in self.process.stdout:
            if line.startswith(b"martlet is ready"):
                return
        raise RuntimeError("martlet up ended:\n" + pathlib.Path(self.log.name).read_text())

    def cpu_seconds(self):
        """Of the transceiver so far, all of its threads."""
        return cpu_seconds_of(self.process.pid, "martlet-transce")

    async def offer(self, sdp):
        async with aiohttp.ClientSession() as session:
            kind = {"Content-Type": "application/sdp"}
            async with session.post(self.url, data=sdp.encode(), headers=kind) as answer:
                text = await answer.text()
                if answer.status != 201:
                    raise RuntimeError(f"martlet: {answer.status}: {text}")
        return MartletCall(self), text

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()
        self.log.close()
        await self.behind.__aexit__()


class MartletCall:
    def __init__(self, server):
        self.server = server

    async def attach(self):
        """Its service's connection: calls are set up one after another, so it is the next."""
        self.call = await self.server.behind.next_call()

    def go(self, start):
        rate = self.call.heard.rate
        said = material.resampled(self.server.options.material.samples, material.RATE, rate)
        self.speaking = asyncio.ensure_future(self.call.speak(material.pcm(said), start))

    async def finish(self, folder):
        self.speaking.cancel()
        self.call.heard.write(folder, "heard", lateness=self.call.pace.lateness)


class Bot:
    """A process for each call; its command takes ADDRESS FOLDER MATERIAL.s16."""

    def __init__(self, command, options):
        self.command, self.options = command, options

    async def __aenter__(self):
        self.said = self.options.folder / "material.s16"
        self.said.write_bytes(material.pcm(self.options.material.samples))
        return self

    def cpu_seconds(self):
        """Not of interest."""

    async def offer(self, sdp):
        call = BotCall(self)
        return call, await call.offer(sdp)

    async def __aexit__(self, *_):
        pass


class BotCall:
    def __init__(self, server):
        self.server = server

    async def offer(self, sdp):
        self.folder = self.server.options.folder / f"bot-{id(self)}"
        self.folder.mkdir()
        self.log = open(self.folder / "log", "wb")
        self.process = await asyncio.create_subprocess_exec(
            *self.server.command, HOST, str(self.folder), str(self.server.said),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        line = await asyncio.wait_for(self.process.stdout.readline(), 30)
        if not line.strip().isdigit():
            raise RuntimeError("the bot ended:\n" + (self.folder / "log").read_text())
        self.url = f"http://127.0.0.1:{int(line)}"
        return await self.post("offer", sdp)

    async def post(self, name, text):
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{self.url}/{name}", data=text.encode()) as answer:
                answer.raise_for_status()
                return await answer.text()

    async def attach(self):
        """It is there from the start."""

    def go(self, start):
        self.going = asyncio.ensure_future(self.post("go", str(start)))

    async def finish(self, folder):
        await self.post("finish", "")
        for name in ("heard.s16", "heard.json"):
            shutil.move(self.folder / name, folder / name)
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 3)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        self.log.close()


def cpu_seconds_of(parent, name):
    """CPU time of the child with that name (of at most 15 letters, as the kernel has it)."""
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            head, fields = status.read_text().rsplit(")", 1)
            if head.split("(", 1)[1] == name and int(fields.split()[1]) == parent:
                tasks = (status.parent / "task").glob("*/schedstat")
                return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None
