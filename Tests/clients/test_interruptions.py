"""The person interrupts an answer: it stops at once, and the service learns how much was heard."""

import asyncio
import json
import time

from websockets.asyncio.client import connect

import peer
import services
import voice
from martlet import MartletUp
from metronome import Metronome
from scenes import in_some_scene

HTTP_PORT, MEDIA_PORT = 8094, 3494
SPEECH_STARTED = {"audio_start_ms": 0, "item_id": "item_user"}


class Interrupted:
    """A service that talks four times as fast as it is heard, until the test interrupts it."""

    def __init__(self, interrupts_itself):
        self.interrupts_itself = interrupts_itself
        self.interrupt = asyncio.Event()
        self.truncated = None

    async def __call__(self, call):
        self.loop = asyncio.get_running_loop()
        await call.send("session.created", session={"id": "sess_1"})
        await call.listen_until(lambda it: len(it.heard) > 12_000)
        listening = asyncio.ensure_future(call.listen())
        saying = asyncio.ensure_future(call.say(services.tone(600, 10), name="r1", speed=4))
        await self.interrupt.wait()
        if self.interrupts_itself:
            await call.send("input_audio_buffer.speech_started", **SPEECH_STARTED)
        await saying
        await listening


def loud_milliseconds(client):
    return sum(20 for _, samples in client.heard if voice.level(samples) > -30)


def last_loud(client):
    return max(moment for moment, samples in client.heard if voice.level(samples) > -30)


async def interrupted(up, behaviour):
    """(when it was interrupted, the client, the sideband's events)"""
    async with peer.Call(up.url, backend="realtime") as client:
        await client.start()
        name = client.location.split("/")[-1]
        async with connect(f"{up.url.replace('http', 'ws', 1)}/v1/realtime?call_id={name}") as side:
            await asyncio.wait_for(client.first_voice.wait(), peer.LIMIT_SECONDS)
            await asyncio.sleep(1.5)
            moment = time.monotonic()
            behaviour.loop.call_soon_threadsafe(behaviour.interrupt.set)
            if not behaviour.interrupts_itself:
                await side.send(json.dumps({"type": "output_audio_buffer.clear"}))
            events = []
            while not any(event["type"] == "output_audio_buffer.cleared" for event in events):
                events.append(json.loads(await asyncio.wait_for(side.recv(), peer.LIMIT_SECONDS)))
            # Whatever still comes of the answer must not be played.
            await asyncio.sleep(3)
            return moment, client, events


def check(interrupts_itself):
    behaviour = Interrupted(interrupts_itself)
    with services.RealtimeService(behaviour) as service:
        options = ["--backend", "realtime", "--backend-url", service.url]
        with MartletUp(*options, http_port=HTTP_PORT, media_port=MEDIA_PORT) as up:
            with Metronome() as metronome:
                moment, client, events = asyncio.run(interrupted(up, behaviour))
    assert not service.failures
    (call,) = service.calls
    truncations = [e for e in call.events if e["type"] == "conversation.item.truncate"]
    assert len(truncations) == 1, call.events
    truncation = truncations[0]
    assert (truncation["item_id"], truncation["content_index"]) == ("item_r1", 0)
    heard = loud_milliseconds(client)
    # A client that is late has its jitter buffer overflow, and hears the end late.
    late = metronome.lapsed
    print(f"truncated at {truncation['audio_end_ms']} ms, {heard} ms were heard,"
          f" silent after {1000 * (last_loud(client) - moment):.0f} ms; {late:.0f} ms late in all")
    assert abs(truncation["audio_end_ms"] - heard) <= 40 + late
    # Some 0.1 s is usual; the answer would have gone on for much longer.
    assert last_loud(client) - moment < 1 + late / 1000
    kinds = [event["type"] for event in events]
    assert kinds.index("output_audio_buffer.started") < kinds.index("output_audio_buffer.cleared")
    assert not any("audio.delta" in kind for kind in kinds)


@in_some_scene
def test_the_service_hears_the_person_speak():
    check(interrupts_itself=True)


@in_some_scene
def test_the_client_clears():
    check(interrupts_itself=False)
