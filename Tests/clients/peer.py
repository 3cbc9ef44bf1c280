"""A call by aiortc: what a Python voice bot on the client's side would be."""

import asyncio
import time
import urllib.error
import urllib.request

import aiortc

import timers
import voice

timers.use_browser_timers()

# How long anything may take that has to come at all: no machine is ever so slow.
LIMIT_SECONDS = 60


class Call:
    """One call over the HTTP API; use `async with`."""

    def __init__(
        self,
        url,
        hertz=440.0,
        backend="echo",
        path="/v1/realtime/calls",
        offer_filter=lambda offer: offer,
        answer_filter=lambda answer: answer,
        key=None,
    ):
        """The filters change the SDP texts on their way: the DTLS role, the address to send to.
        The key is an API key or a client secret, where one is needed."""
        self.key = key
        self.url = f"{url}{path}?backend={backend}"
        self.base = url
        self.offer_filter = offer_filter
        self.answer_filter = answer_filter
        self.connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self.tone_track = voice.ToneTrack(hertz)
        self.connection.addTrack(self.tone_track)
        self.connection.on("track", self.take_track)
        self.connection.on("connectionstatechange", self.take_state)
        self.connected = asyncio.Event()
        self.closed = asyncio.Event()
        self.heard = []
        self.first_voice = asyncio.Event()
        self.listener = None
        self.headers = None
        self.location = None
        self.answered_at = None
        self.connected_at = None

    def take_state(self):
        if self.connection.connectionState == "connected" and not self.connected.is_set():
            self.connected_at = time.monotonic()
            self.connected.set()
        if self.connection.connectionState in ("closed", "failed"):
            self.closed.set()

    def take_track(self, track):
        self.listener = asyncio.ensure_future(self.listen(track))

    async def listen(self, track):
        while True:
            try:
                frame = await track.recv()
            except aiortc.mediastreams.MediaStreamError:
                return
            samples = voice.samples_of(frame)
            if not self.first_voice.is_set() and voice.level(samples) > -40:
                self.first_voice.set()
            self.heard.append((time.monotonic(), samples))

    async def start(self):
        """Offer, answer, and the client's checks begin."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        offer = self.offer_filter(self.connection.localDescription.sdp)
        status, headers, answer = await asyncio.to_thread(post, self.url, offer, key=self.key)
        assert status == 201, (status, answer)
        assert headers["Content-Type"] == "application/sdp"
        self.headers = headers
        self.location = headers["Location"]
        self.answered_at = time.monotonic()
        await self.connection.setRemoteDescription(
            aiortc.RTCSessionDescription(sdp=self.answer_filter(answer), type="answer")
        )

    async def wait_connected(self):
        await asyncio.wait_for(self.connected.wait(), LIMIT_SECONDS)

    @property
    def connect_milliseconds(self):
        """From the answer to ICE and DTLS done, as this client saw it."""
        return 1000 * (self.connected_at - self.answered_at)

    def tone(self, seconds):
        """What was heard in the last so many seconds; silence where nothing came."""
        since = time.monotonic() - seconds
        samples = voice.array.array("h")
        for moment, frame in self.heard:
            if moment >= since:
                samples.extend(frame)
        samples.extend([0] * (int(seconds * voice.RATE) - len(samples)))
        return voice.Tone(samples)

    async def hears(self, hertz, seconds=1.0):
        """Waits until what came last is that tone, with no other sound in it, for so long."""
        frames = int(seconds * voice.RATE / voice.FRAME_SAMPLES)
        deadline = time.monotonic() + LIMIT_SECONDS
        while True:
            samples = voice.array.array("h")
            for _, frame in self.heard[-frames:]:
                samples.extend(frame)
            tone = voice.Tone(samples)
            if len(self.heard) >= frames and abs(tone.hertz - hertz) < 2 and tone.purity > 0.9:
                return tone
            assert time.monotonic() < deadline, f"{tone} in place of {hertz} Hz"
            await asyncio.sleep(0.5)

    async def figures(self):
        """Packets received and lost, by the client's own count."""
        report = await self.connection.getStats()
        inbound = next(entry for entry in report.values() if entry.type == "inbound-rtp")
        return inbound.packetsReceived, inbound.packetsLost

    async def hang_up(self):
        """Over HTTP, as the OpenAI SDKs do it."""
        url = f"{self.base}{self.location}/hangup"
        return (await asyncio.to_thread(post, url, "", key=self.key))[0]

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        if self.listener:
            self.listener.cancel()
        await self.connection.close()


def post(url, body, kind="application/sdp", method="POST", key=None, fields=None):
    """(status, headers, text) whatever the status is."""
    headers = {"Content-Type": kind, **(fields or {})}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, data=body.encode(), headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=LIMIT_SECONDS) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()
