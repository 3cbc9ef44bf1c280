"""From the first check to the first voice: three round trips, and little of the server's own time.

ICE takes one round trip and DTLS 1.2 two. A client 50 ms away hears nothing before 300 ms,
whoever begins the handshake; the rest is the two ends' own time, and the server may take 15 ms.
The client is in a network namespace of its own; what it sends crosses a veth pair to a relay that
holds each datagram back, and goes on to the relay under test.

Each turn of an end is timed at that relay, so the machine's other work is in it: the median of some
calls counts, the best of a few tries, and a client's own time (aioice checks twice before it lets
DTLS begin) does not.
"""

import asyncio
import statistics

import pytest

import peer
from far_away import FarWire, set_up
from far_namespace import FAR_HOST, NEAR_HOST, FarNamespace
from martlet import MartletUp
from scenes import in_some_scene, measures
from test_losses import ChromiumCalls

WAY_SECONDS = 0.05
SERVER_MS_MAX = 15
CALLS = 7
TRIES = 5


@pytest.fixture(scope="module")
def far():
    with FarNamespace() as namespace:
        yield namespace


@pytest.fixture(scope="module")
def near(far):
    """The programs, with their HTTP side where the far clients reach it."""
    options = ["--workers", "2", "--shards", "2", "--no-auth"]
    with MartletUp(*options, http_host=NEAR_HOST, http_port=8096, media_port=3496) as running:
        yield running


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
            for _ in range(2000):
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


def measured_call(far, near, calls, role):
    """Where the time of one call went."""
    with FarWire(near.media, WAY_SECONDS, host=NEAR_HOST) as wire:
        far.run(calls.call, wire)
        assert wire.media_both_ways_ms is not None, wire.story()
        assert wire.client[0] == FAR_HOST
        result = set_up(list(wire.carried), is_active=role == "actpass")
        if isinstance(calls, AiortcCalls):
            assert calls.first_voice == result.first_voice, wire.story()
    print(result)
    return result


def measured_calls(far, near, calls, role):
    """The median of the server's own time in a few calls."""
    results = [measured_call(far, near, calls, role) for _ in range(CALLS)]
    server = statistics.median(sum(result.server) for result in results)
    client = statistics.median(sum(result.client) for result in results)
    whole = statistics.median(result.whole for result in results)
    print(f"{role}: {whole:.1f} ms in all; server {server:.1f} ms, client {client:.1f} ms")
    return server, min(sum(result.client) for result in results)


# `active` in an offer makes the transceiver the DTLS server.
@pytest.mark.parametrize("role", ["actpass", "active"])
@pytest.mark.parametrize("client", ["aiortc", "chromium"])
def test_the_server_takes_little_time_of_a_set_up(client, role, far, near, sound):
    if client == "chromium":
        calls = far.run(ChromiumCalls, near, role, sound)
    else:
        calls = AiortcCalls(near, role)
    medians, clients = [], []
    with calls:
        for _ in range(TRIES):
            median, quickest_client = measured_calls(far, near, calls, role)
            medians.append(median)
            clients.append(quickest_client)
            if median <= SERVER_MS_MAX:
                break
            if not measures.may_repeat("test_the_server_takes_little_time", f"{median:.1f} ms"):
                break
    assert min(medians) <= SERVER_MS_MAX, medians
    # A round trip more would stand in a client's turn: it would wait for the server in between.
    # aioice spends one there by itself.
    if client == "chromium":
        assert min(clients) < 2000 * WAY_SECONDS, clients


# Some users of Chrome have it on: checks carry DTLS (draft-hancke-webrtc-sped-00).
DTLS_IN_STUN = "--force-fieldtrials=WebRTC-IceHandshakeDtls/Enabled/"


@in_some_scene
def test_a_client_with_dtls_in_its_checks_does_not_wait(far, near, sound):
    """It asks in its checks whether the server knows of that. Told nothing it waits two round trips
    before it begins DTLS again, in most calls; the two empty attributes spare it that."""
    with far.run(ChromiumCalls, near, "actpass", sound, [DTLS_IN_STUN]) as calls:
        waits = []
        for _ in range(CALLS):
            with FarWire(near.media, WAY_SECONDS, host=NEAR_HOST) as wire:
                far.run(calls.call, wire)
                assert wire.media_both_ways_ms is not None, wire.story()
                checks = [c.bytes for c in wire.carried if c.kind == "STUN request"]
                assert any(b"\xc0\x71" in check for check in checks), "the trial is off"
                result = set_up(list(wire.carried), is_active=True)
                print(result)
                waits.append(sum(result.client))
    assert statistics.median(waits) < 3000 * WAY_SECONDS, waits
