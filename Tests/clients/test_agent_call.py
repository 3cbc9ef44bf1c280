"""The whole way: a voice in a WebRTC call, Martlet, the agent, and its voice back in the call."""

import array
import asyncio
import datetime

import voice
from agent import Agent, Person, loudness, spoken
from martlet import MartletUp
from peer import Call
from test_agent import QUIET, clock_time, minutes_apart, words

# Ports of its own: the tests' other `martlet up` holds the usual ones.
HTTP_PORT, MEDIA_PORT = 8095, 3495


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
    """What came back, at half of the rate."""
    samples = array.array("h")
    for _, piece in call.heard:
        samples.extend(piece)
    pairs = range(0, len(samples) - 1, 2)
    return array.array("h", [(samples[i] + samples[i + 1]) // 2 for i in pairs]).tobytes()


async def ask_in_a_call(url):
    async with Call(url, backend="realtime") as call:
        question = spoken("What time is it?", voice.RATE, before=1.0, after=0.5)
        call.connection.getSenders()[0].replaceTrack(SpeechTrack(question))
        await call.start()
        await call.wait_connected()
        await asyncio.wait_for(call.first_voice.wait(), 60)
        async with asyncio.timeout(60):
            # The answer is over when the last second of it is silent.
            while call.tone(1.0).level_dbfs > -50:
                await asyncio.sleep(0.1)
        return heard_by(call)


def test_a_caller_who_asks_for_the_time_hears_the_time():
    ports = {"http_port": HTTP_PORT, "media_port": MEDIA_PORT}
    with Agent() as agent:
        service = ("--backend", "realtime", "--backend-url", agent.url)
        with MartletUp(*service, **ports) as up:
            audio = asyncio.run(ask_in_a_call(up.url))
        now = datetime.datetime.now()
        assert loudness(audio) > QUIET / 4
        with Person(agent) as listener:
            listener.update(audio={"input": {"turn_detection": None}})
            listener.append(audio)
            listener.send("input_audio_buffer.commit")
            name = "conversation.item.input_audio_transcription.completed"
            understood = listener.wait_for(name)["transcript"]
        print(f"the caller heard {understood!r}")
        assert words(understood)[:2] == ["it", "is"]
        # One time in fifteen the listener misunderstands a word of the time itself.
        assert minutes_apart(clock_time(understood), (now.hour % 12, now.minute)) <= 2 or (
            words(understood)[-1] in ("morning", "afternoon", "evening")
        )
