"""The times that a call's last line gives, against the clock of the client."""

import asyncio
import re
import time

import peer
import voice
from metronome import Metronome
from scenes import in_some_scene
from test_calls import wait_for

TURNS = 3
# aiortc sends a frame each 20 ms and hears one each 20 ms, behind a jitter buffer of its own.
APART_MS_MAX = 250


async def answered(call, silent_at):
    """Milliseconds from the end of our tone to the first sound of the answer."""
    async with asyncio.timeout(peer.LIMIT_SECONDS):
        while True:
            for moment, samples in call.heard:
                if moment > silent_at and voice.level(samples) > -40:
                    return 1000 * (moment - silent_at)
            await asyncio.sleep(0.02)


async def turns(url):
    """Talks and is silent in turns with the parrot; the call's log name, and the times."""
    times = []
    async with peer.Call(url, hertz=500, backend="parrot") as call:
        call.tone_track.silent = True
        await call.start()
        await call.wait_connected()
        for _ in range(TURNS):
            await asyncio.sleep(1)
            call.tone_track.silent = False
            await asyncio.sleep(1)
            call.tone_track.silent = True
            times.append(await answered(call, time.monotonic()))
            await asyncio.sleep(2)
        await call.hang_up()
        return call.location.rsplit("/", 1)[1][:12], times


@in_some_scene
def test_the_time_to_an_answer_is_what_the_client_sees(up, call_log):
    with Metronome() as metronome:
        name, times = asyncio.run(turns(up.url))
    line = rf"call-ended call={name} .*"
    ended = wait_for(lambda: re.search(line, call_log()), "the call has not ended")
    logged = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)(?= |$)", ended[0])}
    late = metronome.latest
    print([round(value) for value in times], f"{late:.0f} ms late at most", ended[0])
    assert logged["answers"] == TURNS
    for ours, theirs in (
        (times[-1], logged["voice_to_voice_ms"]),
        (max(times), logged["voice_to_voice_max_ms"]),
        (sum(times) / TURNS, logged["voice_to_voice_mean_ms"]),
    ):
        # What the client sees has the network's way and its own buffer in it as well.
        assert -40 - late <= ours - theirs <= APART_MS_MAX + late, (times, late, ended[0])
