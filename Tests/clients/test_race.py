"""Two relays' addresses in an answer, the far one first: clients take the one that answers first.

Each address is that of a wire to the same relay. What a wire carried says which of them the client
took. A machine that does other work may hold the near one up; it does not do so every time.
"""

import asyncio
import contextlib

import pytest

import peer
from far_away import FarWire
from martlet import HOST, MartletUp
from reports import page_report
from scenes import in_some_scene
from wire import UP

MEDIA_PORT = 3516
FAR_SECONDS, NEAR_SECONDS = 0.06, 0.005
CALL_SECONDS = 4


def voice_over(wire):
    return sum(c.direction == UP and c.kind == "SRTP" for c in list(wire.carried))


async def aiortc_call(up):
    async with peer.Call(up.url) as call:
        await call.start()
        await call.wait_connected()
        await asyncio.sleep(CALL_SECONDS)


def call(client, up, sound):
    if client == "aiortc":
        return asyncio.run(aiortc_call(up))
    query = {"tone": 440, "seconds": CALL_SECONDS, "backend": "echo"}
    report = page_report(client, f"http://localhost:{up.http.split(':')[1]}/", sound, **query)
    assert report["error"] is None and report["connected"], report


@pytest.mark.parametrize("client", ["chromium", "firefox", "aiortc"])
@in_some_scene
def test_the_nearer_relay_wins(client, sound):
    with contextlib.ExitStack() as stack:
        wires = {
            name: stack.enter_context(FarWire((HOST, MEDIA_PORT), seconds, host=HOST))
            for name, seconds in (("far", FAR_SECONDS), ("near", NEAR_SECONDS))
        }
        given = [f"--candidate={HOST}:{wire.port}" for wire in wires.values()]
        up = stack.enter_context(MartletUp(*given, http_port=8107, media_port=MEDIA_PORT))
        call(client, up, sound)
        voice = {name: voice_over(wire) for name, wire in wires.items()}
    print(voice)
    assert voice["near"] > 50 and voice["far"] < 0.1 * voice["near"], voice
