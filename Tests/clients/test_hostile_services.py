"""A hundred calls at once, most of them with a service that behaves badly: the others must not
notice, the transceiver's memory stays bounded, and every call has an end that says why."""

import asyncio
import base64
import collections
import json
import os
import pathlib
import re
import subprocess
import time

import pytest
from websockets.asyncio.client import connect

import peer
import services
from martlet import PROGRAMS, MartletUp
from metronome import VoiceClock
from scenes import in_some_scene

HTTP_PORT, MEDIA_PORT = 8091, 3491
# Long enough for a service that reads nothing to be given up: after ten seconds, and what it takes
# to fill its kernel's buffers before.
CALLS, SECONDS = 100, 25
# What a transceiver may take for all of this, kept by the kernel's own highest mark.
MEMORY_MIB_MAX = 256


def delta(audio, name="r1"):
    return json.dumps({
        "type": "response.output_audio.delta", "response_id": name, "item_id": f"item_{name}",
        "output_index": 0, "content_index": 0, "delta": audio,
    })


async def greet(call):
    await call.send("session.created", session={"id": "sess_1"})


async def echo(call):
    """The only one that behaves: what it hears it says. It begins late, so that a second in which
    this machine does something else is not heard. Reads no JSON: there are thousands of events."""
    await greet(call)
    await call.send("response.created", response={"id": "r1"})
    head, tail = delta("AUDIO").split("AUDIO")
    waiting, begun = [], False
    async for message in call.connection:
        _, found, rest = message.partition('"audio":"')
        if not found:
            if '"session.update"' in message:
                await call.send("session.updated", session={"id": "sess_1"})
            continue
        waiting.append(rest[: rest.index('"')])
        begun = begun or len(waiting) >= 60
        if begun:
            for audio in waiting:
                await call.connection.send(head + audio + tail)
            waiting.clear()


async def ignore(call):
    async for _ in call.connection:
        pass


async def speak_ten_times_as_fast(call):
    await greet(call)
    listening = asyncio.ensure_future(ignore(call))
    await call.send("response.created", response={"id": "r1"})
    second = base64.b64encode(services.tone(2500, 1).tobytes()).decode()
    try:
        while True:
            await call.connection.send(delta(second))
            await asyncio.sleep(0.1)
    finally:
        listening.cancel()


async def stall(call):
    """Says hello and reads nothing more."""
    await greet(call)
    call.connection.transport.pause_reading()
    await asyncio.sleep(3600)


async def disconnect(call):
    await greet(call)
    await call.listen_until(lambda it: len(it.heard) > 24000)
    call.connection.transport.abort()


async def send_two_mebibytes(call):
    await greet(call)
    listening = asyncio.ensure_future(ignore(call))
    text = json.dumps({"type": "some.long.event", "text": "x" * (2 << 20)})
    try:
        while True:
            await call.connection.send(text)
            await asyncio.sleep(1)
    finally:
        listening.cancel()


async def send_garbage(call):
    await greet(call)
    listening = asyncio.ensure_future(ignore(call))
    junk = [
        "{", "null", "[[[[[[", '{"type":7}', '{"type":"response.output_audio.delta","delta":"!"}',
        '{"type":"response.output_audio.delta"}', "\u0000", os.urandom(1000), "[" * 10000,
        '{"type":"error","error":"' + "\\u0000" * 1000 + '"}', "x" * 50000,
    ]
    try:
        while True:
            for message in junk:
                await call.connection.send(message)
            await asyncio.sleep(0.05)
    finally:
        listening.cancel()


async def say_nothing(call):
    await ignore(call)


BAD = [speak_ten_times_as_fast, stall, disconnect, send_two_mebibytes, send_garbage, say_nothing]
GOOD_CALLS = CALLS - 10 * len(BAD)


class Turns:
    """Gives each call its behaviour: ten calls for each of the bad ones, the rest is good."""

    def __init__(self):
        self.waiting = [behaviour for behaviour in BAD for _ in range(10)]
        self.waiting += [echo] * GOOD_CALLS
        # Good and bad ones take turns, so that none is alone.
        self.waiting = self.waiting[::7] + [b for i, b in enumerate(self.waiting) if i % 7]

    async def __call__(self, call):
        await self.waiting.pop()(call)


class Memory:
    """The highest resident size of a process, MiB, as its status file says at its end."""

    def __init__(self, process):
        self.status = pathlib.Path(f"/proc/{process}/status")

    def mebibytes(self, field):
        return int(re.search(rf"{field}:\s+(\d+) kB", self.status.read_text())[1]) / 1024


@in_some_scene
def test_a_hundred_calls_with_services_that_behave_badly():
    """Every call with a good service hears its own tone all the time. Where the machine was too
    late for voice, a call may have heard it only at times, and a last event may be lost with its
    call; all else is judged all the same."""
    with VoiceClock() as clock:
        report, unavailable = scene()
    at_times = report["failures"].get("the tone came back only at times", 0)
    if clock.lapses == 0:
        assert (report["good"], unavailable) == (GOOD_CALLS, 20), report
    assert report["good"] + at_times >= GOOD_CALLS and unavailable <= 20, report


def scene():
    """The report of the calls, and how many heard that their service was unavailable."""
    with services.RealtimeService(Turns()) as service:
        with MartletUp(
            *("--backend", "realtime", "--backend-url", service.url),
            http_port=HTTP_PORT, media_port=MEDIA_PORT,
        ) as up:
            memory = Memory(up.children()["martlet-transceiver"])
            before = memory.mebibytes("VmRSS")
            report = load(up.url)
            peak = memory.mebibytes("VmHWM")
            # The last line of a hundred: each of them ends somehow.
            for _ in range(1200):
                log = up.log()
                if log.count("call-ended") >= CALLS:
                    break
                time.sleep(0.05)
    ends = collections.Counter(re.findall(r"call-ended .* reason=(\S+)", log))
    details = collections.Counter(re.findall(r'call-ended .* detail="([a-z ]*)', log))
    print(details)
    print(f"memory: {before:.0f} MiB before, {peak:.0f} MiB at most; ends: {dict(ends)}; {report}")
    assert report["calls"] == CALLS
    # Nobody else heard the tone of the own.
    assert report["good"] <= GOOD_CALLS, report
    assert sum(ends.values()) == CALLS
    # A service that vanished or read nothing ended its calls, and the log says which; all others
    # ended when their client wished.
    assert ends["backend-failed"] == 20, ends
    stalls = re.findall(r'call-ended .* detail="it has read nothing for \d+ ms"', log)
    assert len(stalls) == 10, log
    assert report["failures"].get("the server ended the call") == 20, report
    assert peak < MEMORY_MIB_MAX, peak
    # Each client but those whose service says nothing, which is its right, was told by its code.
    told = collections.Counter(report["errors"])
    unavailable = told.pop("service_unavailable", 0)
    assert told == dict.fromkeys(
        ("event_too_long", "output_audio_overflow", "service_garbage"), 10
    ), report
    return report, unavailable


def load(url):
    done = subprocess.run(
        [
            *(str(PROGRAMS / "martlet"), "load", "--url", url, "--json", "--backend", "realtime"),
            *("--calls", str(CALLS), "--seconds", str(SECONDS), "--events"),
        ],
        capture_output=True, text=True, timeout=SECONDS + 90,
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


async def watch(up, seconds):
    """The events that the only client of a call gets until its end, or for so long; and the code
    that its sideband was closed with."""
    async with peer.Call(up.url, backend="realtime") as client:
        await client.start()
        name = client.location.split("/")[-1]
        events = []
        url = up.url.replace("http", "ws", 1) + f"/v1/realtime?call_id={name}"
        async with connect(url, max_size=1 << 24) as sideband:
            try:
                async with asyncio.timeout(seconds):
                    async for message in sideband:
                        events.append(json.loads(message))
            except TimeoutError:
                pass
            if sideband.close_code is None:
                assert await client.hang_up() == 200
                await asyncio.wait_for(sideband.wait_closed(), peer.LIMIT_SECONDS)
            return events, sideband.close_code


@pytest.mark.parametrize("behaviour, seconds, kind", [
    (speak_ten_times_as_fast, 12, "output_audio_overflow"),
    (disconnect, 20, "service_unavailable"),
    (send_garbage, 6, "service_garbage"),
    (send_two_mebibytes, 6, "some.long.event"),
    (say_nothing, 6, None),
    (stall, 60, "service_unavailable"),
])
@in_some_scene
def test_each_client_is_told(behaviour, seconds, kind):
    with services.RealtimeService(behaviour) as service:
        with MartletUp(
            *("--backend", "realtime", "--backend-url", service.url),
            http_port=HTTP_PORT, media_port=MEDIA_PORT,
        ) as up:
            events, code = asyncio.run(watch(up, seconds))
            up.wait_for_log("call-ended", peer.LIMIT_SECONDS)
            log = up.log()
    kinds = collections.Counter(event["type"] for event in events)
    print(kinds, [event for event in events if event["type"] == "error"][:3])
    assert code == 1000
    if kind == "some.long.event":
        assert kinds[kind] >= 3 and all(
            len(event["text"]) == 2 << 20 for event in events if event["type"] == kind
        )
    elif kind:
        # However much a service sends, what its clients are told about it is little.
        ours = [event for event in events if "event_id" in event and event["type"] == "error"]
        assert 1 <= len(ours) <= 2 * seconds, ours
        assert all(event["error"]["message"] and event["error"]["code"] == kind for event in ours)
    else:
        assert "error" not in kinds, events
    expected = "backend-failed" if behaviour in (disconnect, stall) else "hung-up"
    assert f"reason={expected}" in log
    if behaviour is stall:
        assert "it has read nothing for 1" in log  # ten thousand milliseconds and a few
