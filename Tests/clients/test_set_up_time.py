"""From the first check to the first voice: three round trips, and little of the server's own time.

ICE takes one round trip and DTLS 1.2 two. A client 50 ms away hears nothing before 300 ms,
whoever begins the handshake; the rest is the two ends' own time, and the server may take 15 ms.
Each turn of an end is timed at the wire, so the machine's other work is in it: the median of some
calls counts, and a client's own time (aioice checks twice before it lets DTLS begin) does not.
"""

import asyncio
import statistics

import pytest

import peer
from far_away import FarWire, set_up
from test_losses import ChromiumCalls

WAY_SECONDS = 0.05
SERVER_MS_MAX = 15
CALLS = 7
TRIES = 5


class AiortcCalls:
    """Makes one call after the other, and notes the first voice packet that could be decrypted."""

    def __init__(self, up, role):
        self.up = up
        self.role = role
        self.first_voice = None

    def call(self, wire):
        self.first_voice = None
        asyncio.run(self.run(wire))

    async def run(self, wire):
        change = lambda offer: offer.replace("a=setup:actpass", f"a=setup:{self.role}")
        async with peer.Call(
            self.up.url, offer_filter=change, answer_filter=wire.rewrite
        ) as call:
            self.watch(call.connection.getReceivers()[0])
            await call.start()
            for _ in range(1000):
                if wire.media_both_ways_ms is not None and self.first_voice is not None:
                    break
                await asyncio.sleep(0.01)

    def watch(self, receiver):
        take = receiver._handle_rtp_packet

        async def note(packet, *rest, **named):
            if self.first_voice is None:
                self.first_voice = packet.sequence_number
            await take(packet, *rest, **named)

        receiver._handle_rtp_packet = note

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def measured_call(calls, up, role):
    """Where the time of one call went."""
    with FarWire(up.media, WAY_SECONDS) as wire:
        calls.call(wire)
        assert wire.media_both_ways_ms is not None, wire.story()
        result = set_up(list(wire.carried), is_active=role == "actpass")
        if isinstance(calls, AiortcCalls):
            assert calls.first_voice == result.first_voice, wire.story()
    print(result)
    return result


def measured_calls(calls, up, role):
    """The median of the server's own time in a few calls."""
    results = [measured_call(calls, up, role) for _ in range(CALLS)]
    server = statistics.median(sum(result.server) for result in results)
    client = statistics.median(sum(result.client) for result in results)
    whole = statistics.median(result.whole for result in results)
    print(f"{role}: {whole:.1f} ms in all; server {server:.1f} ms, client {client:.1f} ms")
    return server


# `active` in an offer makes the transceiver the DTLS server.
@pytest.mark.parametrize("role", ["actpass", "active"])
@pytest.mark.parametrize("client", ["aiortc", "chromium"])
def test_the_server_takes_little_time_of_a_set_up(client, role, up, sound):
    calls = ChromiumCalls(up, role, sound) if client == "chromium" else AiortcCalls(up, role)
    medians = []
    with calls:
        for _ in range(TRIES):
            medians.append(measured_calls(calls, up, role))
            if medians[-1] <= SERVER_MS_MAX:
                break
    assert min(medians) <= SERVER_MS_MAX, medians
