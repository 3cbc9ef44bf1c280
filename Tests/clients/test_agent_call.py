"""The whole way: a voice in a WebRTC call, Martlet, the agent, and its voice back in the call."""

import array
import asyncio
import json

import voice
from agent import CLEAR_CLOCK, CLEAR_TIME, Agent, came_through, listened, loudness, spoken
from martlet import MartletUp
from peer import Call
from scenes import in_some_scene
from test_agent import QUIET

# Ports of its own: the tests' other `martlet up` holds the usual ones.
HTTP_PORT, MEDIA_PORT = 8095, 3495
# Of the silence around the answer; two or three come in a second of it.
SILENT_FRAMES = 10


class SpeechTrack(voice.ToneTrack):
    """A microphone in front of which somebody says one thing and is silent then."""

    def __init__(self, data):
        super().__init__(0)
        self.said = array.array("h", data)

    async def recv(self):
        frame = await super().recv()
        begin = frame.pts
        piece = self.said[begin : begin + voice.FRAME_SAMPLES]
        samples = array.array("h")
        for sample in piece:
            samples.extend((sample, sample))
        samples.extend([0] * (2 * (voice.FRAME_SAMPLES - len(piece))))
        frame.planes[0].update(samples.tobytes())
        return frame


def heard_by(call):
    """What came back, at half of the rate, from shortly before the first sound on."""
    pieces = [piece for _, piece in call.heard]
    loud = (index for index, piece in enumerate(pieces) if voice.level(piece) > -40)
    samples = array.array("h")
    for piece in pieces[max(0, next(loud, 0) - SILENT_FRAMES) :]:
        samples.extend(piece)
    pairs = range(0, len(samples) - 1, 2)
    return array.array("h", [(samples[i] + samples[i + 1]) // 2 for i in pairs]).tobytes()


class Events:
    """What the call's data channel tells of the answer."""

    def __init__(self, call):
        self.events = []
        self.arrived = asyncio.Event()
        call.connection.createDataChannel("oai-events").on("message", self.take)

    def take(self, message):
        self.events.append(json.loads(message))
        self.arrived.set()

    def texts(self, kind, field):
        return [event[field] for event in self.events if event["type"] == kind]

    async def until(self, kind):
        while not any(event["type"] == kind for event in self.events):
            self.arrived.clear()
            await self.arrived.wait()


async def ask_in_a_call(url):
    """(what the agent understood, the answers' words, the sound that came back)"""
    async with Call(url, backend="realtime") as call:
        events = Events(call)
        question = spoken("What time is it?", voice.RATE, before=1.0, after=0.5)
        call.connection.getSenders()[0].replaceTrack(SpeechTrack(question))
        await call.start()
        await call.wait_connected()
        async with asyncio.timeout(60):
            await events.until("output_audio_buffer.stopped")
            # What the jitter buffer still holds when the last packet has left.
            frames = len(call.heard) + SILENT_FRAMES
            while len(call.heard) < frames:
                await asyncio.sleep(0.1)
        return (
            events.texts("conversation.item.input_audio_transcription.completed", "transcript"),
            events.texts("response.output_audio_transcript.done", "transcript"),
            heard_by(call),
        )


@in_some_scene
def is_told_the_time(agent, url):
    """A machine that stalls in the middle of a word makes another word of it."""
    question, answers, audio = asyncio.run(ask_in_a_call(url))
    understood = listened(agent, audio)
    print(f"the agent heard {question}, said {answers}; the caller heard {understood!r},"
          f" as loud as {loudness(audio):.0f}")
    assert answers == [CLEAR_TIME]
    assert loudness(audio) > QUIET / 4
    assert came_through(CLEAR_TIME, understood)


def test_a_caller_who_asks_for_the_time_hears_the_time():
    ports = {"http_port": HTTP_PORT, "media_port": MEDIA_PORT}
    with Agent("--clock", CLEAR_CLOCK) as agent:
        service = ("--backend", "realtime", "--backend-url", agent.url)
        with MartletUp(*service, **ports) as up:
            is_told_the_time(agent, up.url)
