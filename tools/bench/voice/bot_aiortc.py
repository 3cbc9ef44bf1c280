"""A plain voice bot on aiortc, as most are written: it says the material, and notes what it hears.

usage: bot_aiortc.py ADDRESS FOLDER MATERIAL.s16

Prints its HTTP port. POST /offer takes an SDP offer and gives the answer; POST /go takes the wall
clock's second at which to speak; POST /finish writes FOLDER/heard.s16 and .json."""

import asyncio
import fractions
import pathlib
import sys
import time

import aiohttp.web
import aiortc
import av

from sound import PIECE_SECONDS, Heard, Pace

RATE = 16000
PIECE = round(RATE * PIECE_SECONDS)


class Speaker(aiortc.mediastreams.MediaStreamTrack):
    """Silence, then the material, in real time."""

    kind = "audio"

    def __init__(self, data):
        super().__init__()
        self.data = data
        self.pace = Pace(time.time())
        self.told = None
        self.place = None
        self.position = 0

    async def recv(self):
        if self.told and self.told <= time.time() + PIECE_SECONDS:
            # From here on the clock is the material's.
            self.pace, self.told, self.place = Pace(self.told), None, 0
        await asyncio.sleep(self.pace.wait)
        piece = b""
        if self.place is not None:
            piece = self.data[self.place : self.place + 2 * PIECE]
            self.place += 2 * PIECE
        frame = av.AudioFrame(format="s16", layout="mono", samples=PIECE)
        frame.planes[0].update(piece.ljust(2 * PIECE, b"\0"))
        frame.sample_rate = RATE
        frame.pts = self.position
        frame.time_base = fractions.Fraction(1, RATE)
        self.position += PIECE
        self.pace.given()
        return frame


class Bot:
    def __init__(self, folder, data):
        self.folder, self.data = folder, data

    async def offer(self, request):
        self.connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self.heard = Heard(RATE)
        self.connection.on("track", self.listen)
        offer = aiortc.RTCSessionDescription(sdp=await request.text(), type="offer")
        await self.connection.setRemoteDescription(offer)
        self.speaker = Speaker(self.data)
        self.connection.addTrack(self.speaker)
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return aiohttp.web.Response(text=self.connection.localDescription.sdp)

    def listen(self, track):
        self.listening = asyncio.ensure_future(self.hear(track))

    async def hear(self, track):
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        while True:
            try:
                frame = await track.recv()
            except aiortc.mediastreams.MediaStreamError:
                return
            for resampled in resampler.resample(frame):
                self.heard.take(bytes(resampled.planes[0])[: 2 * resampled.samples])

    async def go(self, request):
        self.speaker.told = float(await request.text())
        return aiohttp.web.Response()

    async def finish(self, request):
        self.listening.cancel()
        self.heard.write(self.folder, "heard", lateness=self.speaker.pace.lateness)
        await self.connection.close()
        return aiohttp.web.Response()


async def main(address, folder, material):
    bot = Bot(folder, pathlib.Path(material).read_bytes())
    application = aiohttp.web.Application()
    for name in ("offer", "go", "finish"):
        application.router.add_post(f"/{name}", getattr(bot, name))
    runner = aiohttp.web.AppRunner(application)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main(*sys.argv[1:]))
