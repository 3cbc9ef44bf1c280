"""Events by the data channel: real clients do what the official JavaScript SDK does, and more."""

import asyncio
import json
import pathlib
import random
import re
import subprocess
import time
import urllib.parse

import pytest

import peer
import updates
from browsers import Browser
from far_away import FarWire
from martlet import PROGRAMS
from reports import BROWSER_SECONDS_MAX, ReportServer
from scenes import in_some_scene
from test_calls import wait_for
from wire import UP, Wire

PAGE = pathlib.Path(__file__).with_name("sdk_page.html")
# The longest message that we say to take.
MESSAGE_BYTES_MAX = 262_144
# The SDK gives up when session.updated takes longer.
SDK_SECONDS = 5
# Events that the tone of the call causes are not answers to anything.
VOICE = ("input_audio_buffer.", "output_audio_buffer.", "response.")


def session_update(instructions="", **more):
    return json.dumps({"type": "session.update", "session": {"instructions": instructions}, **more})


class Events:
    """A data channel of aiortc and what came by it."""

    def __init__(self, call, label="oai-events", **options):
        self.channel = call.connection.createDataChannel(label, **options)
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self.arrived = asyncio.Event()
        self.events = []
        self.channel.on("open", self.opened.set)
        self.channel.on("close", self.closed.set)
        self.channel.on("message", self.take)

    def take(self, message):
        event = json.loads(message)
        if not event["type"].startswith(VOICE):
            self.events.append(event)
            self.arrived.set()

    @property
    def types(self):
        return [event["type"] for event in self.events]

    async def until(self, count, seconds=peer.LIMIT_SECONDS):
        """The events, when there are so many."""

        async def enough():
            while len(self.events) < count:
                self.arrived.clear()
                await self.arrived.wait()

        try:
            await asyncio.wait_for(enough(), seconds)
        except TimeoutError:
            raise AssertionError(f"{len(self.events)} of {count}: {self.types}") from None
        return self.events

    async def update(self, instructions):
        """Updates the session, and gives the milliseconds until that was confirmed."""
        asked = time.monotonic()
        self.channel.send(session_update(instructions))
        events = await self.until(len(self.events) + 1)
        assert events[-1]["type"] == "session.updated"
        return 1000 * (time.monotonic() - asked)


def secret_of(up):
    """A client secret, as an application's server gets it for its browser."""
    status, _, text = peer.post(
        up.url + "/v1/realtime/client_secrets",
        json.dumps({"session": {"type": "realtime", "model": "martlet"}}),
        kind="application/json",
    )
    assert status == 200, text
    return json.loads(text)["value"]


@pytest.mark.parametrize("role", ["actpass", "active"])
@in_some_scene
def test_aiortc_does_what_the_sdk_does(role, up, call_log):
    async def body():
        change = lambda offer: offer.replace("a=setup:actpass", f"a=setup:{role}")
        async with peer.Call(up.url, offer_filter=change) as call:
            events = Events(call)
            call.key = secret_of(up)
            await call.start()
            call_id = call.location.rsplit("/", 1)[1]
            assert call_id.startswith("rtc_")
            await asyncio.wait_for(events.opened.wait(), peer.LIMIT_SECONDS)
            asked = time.monotonic()
            events.channel.send(session_update("Sing."))
            created, updated = await events.until(2, SDK_SECONDS)
            times = [1000 * (time.monotonic() - asked)]
            assert created["type"] == "session.created"
            assert updated["type"] == "session.updated"
            assert updated["session"]["instructions"] == "Sing."
            assert updated["session"]["id"] == created["session"]["id"]
            while not updates.are_enough(times):
                times.append(await events.update("Sing."))
            updates.check(f"aiortc, {role}", times)
            await asyncio.wait_for(call.first_voice.wait(), peer.LIMIT_SECONDS)
            assert await call.hang_up() == 200
            await asyncio.wait_for(events.closed.wait(), peer.LIMIT_SECONDS)

    asyncio.run(body())
    assert wait_for(lambda: re.search(r"call-ended .*reason=hung-up", call_log()), call_log())
    assert re.search(r"call-events-opened .*label=oai-events", call_log())


# An event that fills most of a datagram, so that the wire can tell it from acknowledgements.
LONG_EVENT_BYTES = 700
OWN_MS_MAX = 20


def answers_on_the_wire(carried):
    """The server's own milliseconds for each long event: from when the wire had sent it on to when
    the kernel had the first long answer. The client's time is not in it."""
    asked, times = None, []
    for datagram in carried:
        if len(datagram.bytes) < LONG_EVENT_BYTES or datagram.kind[:16] != "DTLS application":
            continue
        if datagram.direction == UP:
            asked = datagram.left
        elif asked is not None:
            times.append(1000 * (datagram.came - asked))
            asked = None
    return times


def test_the_server_answers_an_update_at_once(up):
    async def body():
        with FarWire(up.media, 0) as wire:
            async with peer.Call(up.url, answer_filter=wire.rewrite) as call:
                events = Events(call)
                await call.start()
                await asyncio.wait_for(events.opened.wait(), peer.LIMIT_SECONDS)
                await events.until(1)
                seen, own = [], []
                while len(seen) < updates.COUNT_MAX and min(own, default=1000) > OWN_MS_MAX:
                    for _ in range(updates.COUNT):
                        seen.append(await events.update("a" * LONG_EVENT_BYTES))
                    own = answers_on_the_wire(list(wire.carried))
        print("the server's own: " + ", ".join(f"{ms:.1f}" for ms in own) + " ms")
        updates.check("aiortc through a wire", seen)
        assert len(own) >= len(seen) // 2, "the wire sees most of them"
        assert min(own) <= OWN_MS_MAX, own

    asyncio.run(body())


def test_large_events_with_aiortc(up):
    async def body():
        async with peer.Call(up.url) as call:
            events = Events(call)
            await call.start()
            await asyncio.wait_for(events.opened.wait(), peer.LIMIT_SECONDS)
            text = "".join(random.Random(1).choices("abcdefghij \\\"ä", k=150_000))
            events.channel.send(session_update(text))
            _, updated = await events.until(2)
            assert updated["session"]["instructions"] == text
            # As long as we say to take: it arrives, but the session would be longer than that.
            longest = session_update("b" * (MESSAGE_BYTES_MAX - len(session_update())))
            assert len(longest) == MESSAGE_BYTES_MAX
            events.channel.send(longest)
            refusal = (await events.until(3))[2]
            assert refusal["error"]["code"] == "invalid_session"
            assert str(MESSAGE_BYTES_MAX) in refusal["error"]["message"]

    asyncio.run(body())


@pytest.mark.parametrize(
    "options",
    [
        {"ordered": False},
        {"ordered": False, "maxRetransmits": 0},
        # In milliseconds: no message may be given up because the machine has other things to do.
        {"maxPacketLifeTime": 1000 * peer.LIMIT_SECONDS},
        {"protocol": "realtime"},
    ],
)
def test_channels_of_every_kind(options, up):
    async def body():
        async with peer.Call(up.url) as call:
            events = Events(call, label="by-another-name", **options)
            other = Events(call, label="chat")
            await call.start()
            await asyncio.wait_for(events.opened.wait(), peer.LIMIT_SECONDS)
            await asyncio.wait_for(other.opened.wait(), peer.LIMIT_SECONDS)
            other.channel.send("hello")
            for _ in range(10):
                events.channel.send(session_update("Sing."))
            await events.until(11)
            assert sorted(events.types) == ["session.created"] + 10 * ["session.updated"]
            assert other.types == []

    asyncio.run(body())


def test_a_channel_that_closes_leaves_the_call(up):
    async def body():
        async with peer.Call(up.url, hertz=440) as call:
            events = Events(call)
            await call.start()
            await asyncio.wait_for(events.opened.wait(), peer.LIMIT_SECONDS)
            await events.until(1)
            events.channel.close()
            await asyncio.wait_for(events.closed.wait(), peer.LIMIT_SECONDS)
            again = Events(call)
            await asyncio.wait_for(again.opened.wait(), peer.LIMIT_SECONDS)
            again.channel.send(session_update("Sing."))
            await again.until(2)
            assert again.types == ["session.created", "session.updated"]
            # What was heard before does not count.
            call.heard.clear()
            await call.hears(440)

    asyncio.run(body())


async def figures_of(call, is_there, seconds=peer.LIMIT_SECONDS):
    """What `stats` says of the call's channels, once it is so."""
    deadline = time.monotonic() + seconds
    while True:
        url = f"{call.base}{call.location}/stats"
        status, _, text = await asyncio.to_thread(peer.post, url, "", method="GET")
        assert status == 200, text
        channels = json.loads(text)["channels"]
        if channels and is_there(channels):
            return channels
        assert time.monotonic() < deadline, text
        await asyncio.sleep(0.1)


@in_some_scene
def test_an_association_that_a_client_aborts_leaves_the_call(up, call_log):
    async def body():
        async with peer.Call(up.url, hertz=440) as call:
            events = Events(call)
            await call.start()
            await asyncio.wait_for(events.opened.wait(), peer.LIMIT_SECONDS)
            update = session_update("Sing.")
            events.channel.send(update)
            await events.until(2)
            figures = await figures_of(call, lambda now: now["events_received"] == 1)
            print(figures)
            assert figures["open"] == 1 and figures["lost"] is None
            assert figures["events_sent"] >= 2
            assert figures["message_bytes_received"] == len(update)
            assert figures["message_bytes_sent"] > len(update)
            assert 0 < figures["round_trip_ms"] < 1000
            # aiortc ends an association by ABORT.
            await call.connection.sctp.stop()
            figures = await figures_of(call, lambda now: now["lost"])
            assert figures["lost"] == "the client aborted the SCTP association"
            assert figures["open"] == 0 and figures["events_received"] == 1
            # What was heard before does not count.
            call.heard.clear()
            await call.hears(440)
            assert await call.hang_up() == 200

    asyncio.run(body())
    ended = r"call-ended .*reason=hung-up .*events_received=1 events_sent=\d+ .*sctp_retrans"
    assert wait_for(lambda: re.search(ended, call_log()), call_log())
    detail = 'detail="the client aborted the SCTP association"'
    assert re.search(rf"call-channels-lost .*{detail}", call_log())


class BadWire(Wire):
    """Loses and reorders, by a seed, in both directions."""

    def __init__(self, *arguments, seed, loss_percent, swap_percent):
        self.dice = random.Random(seed)
        self.loss_percent = loss_percent
        self.swap_percent = swap_percent
        self.held = {}
        self.losses = self.swaps = 0
        super().__init__(*arguments)

    def forward(self, direction, datagram):
        if self.dice.uniform(0, 100) < self.loss_percent:
            self.losses += 1
            return
        if direction not in self.held and self.dice.uniform(0, 100) < self.swap_percent:
            self.held[direction] = datagram
            return
        super().forward(direction, datagram)
        if direction in self.held:
            self.swaps += 1
            super().forward(direction, self.held.pop(direction))


@pytest.mark.parametrize("seed", [1, 2])
@in_some_scene
def test_events_over_a_bad_network(seed, up):
    """Voice and events share the path; events arrive whole, each once, in order."""

    async def body():
        with BadWire(up.media, seed=seed, loss_percent=5, swap_percent=10) as wire:
            async with peer.Call(up.url, answer_filter=wire.rewrite) as call:
                events = Events(call)
                await call.start()
                await asyncio.wait_for(events.opened.wait(), peer.LIMIT_SECONDS)
                for number in range(30):
                    events.channel.send(session_update(f"{number}"))
                    await asyncio.sleep(0.03)
                text = "".join(random.Random(seed).choices("abcdefghij", k=60_000))
                events.channel.send(session_update(text))
                await events.until(32)
                wanted = [f"{number}" for number in range(30)] + [text]
                assert [e["session"]["instructions"] for e in events.events[1:]] == wanted
        print(f"{wire.losses} lost, {wire.swaps} swapped of {sum(wire.counts.values())}")
        assert wire.losses > 5 and wire.swaps > 5

    asyncio.run(body())


@in_some_scene
def test_many_calls_with_events(up):
    command = [str(PROGRAMS / "martlet"), "load", "--url", up.url, "--json", "--events"]
    done = subprocess.run(
        [*command, "--calls", "10", "--seconds", "3"], capture_output=True, text=True, timeout=90
    )
    print(done.stdout, done.stderr)
    summary = json.loads(done.stdout)
    assert summary["updates"] == 10, summary
    assert summary["update_us_max"] < 1_000_000 * SDK_SECONDS
    assert "session.updated did not come" not in summary["failures"]


def call_by_browser(name, up, sound, **wanted):
    """What the page reports."""
    wanted = {
        "url": f"http://localhost:{up.http.split(':')[1]}/v1/realtime/calls?backend=echo",
        "key": secret_of(up),
        "channel": {},
        "others": [],
        "large": 0,
        "updatesMin": updates.COUNT,
        "updatesMax": updates.COUNT_MAX,
        "updatedMsMax": updates.UPDATED_MS_MAX,
        "hangup": False,
        **wanted,
    }
    with ReportServer({"/sdk": PAGE.read_text()}) as server:
        url = f"{server.url}/sdk#{urllib.parse.quote(json.dumps(wanted))}"
        with Browser(name, url, sound) as browser:
            try:
                report = server.next_report(60 + BROWSER_SECONDS_MAX)
            except Exception as error:
                raise AssertionError(f"no report; the browser says:\n{browser.log()}") from error
    report["events"] = [kind for kind in report["events"] if not kind.startswith(VOICE)]
    print(json.dumps({**report, "updated": "..."}))
    assert report["error"] is None, report
    return report


@pytest.mark.parametrize("name", ["chromium", "firefox"])
@in_some_scene
def test_a_browser_does_what_the_sdk_does(name, up, sound, call_log):
    report = call_by_browser(name, up, sound, large=261_000, hangup=True)
    assert report["status"] == 201
    assert report["callId"].startswith("rtc_")
    assert report["answerHasChannel"]
    assert report["first"] == "session.created"
    assert report["updated"]["instructions"] == "Sing."
    assert report["updatedMs"][0] < 1000 * SDK_SECONDS
    updates.check(name, report["updatedMs"])
    assert report["maxMessageSize"] == MESSAGE_BYTES_MAX
    assert report["largeIsWhole"]
    # An event as long as we take arrives; the session would be longer than that.
    assert report["longest"] == {"type": "error", "code": "invalid_session"}
    assert report["hangup"] == 200
    assert wait_for(lambda: re.search(r"call-ended .*reason=hung-up", call_log()), call_log())


@pytest.mark.parametrize("name", ["chromium", "firefox"])
@in_some_scene
def test_a_browser_has_channels_of_every_kind(name, up, sound, call_log):
    report = call_by_browser(
        name,
        up,
        sound,
        channel={"ordered": False, "maxRetransmits": 3},
        others=[
            ["chat", {}],
            ["game", {"ordered": False, "maxPacketLifeTime": 100}],
            ["agreed", {"protocol": "raw"}],
        ],
    )
    assert report["updated"]["instructions"] == "Sing."
    assert report["others"] == ["open", "open", "open"]
    assert report["othersHeard"] == 0
    assert report["garbage"] == "invalid_request_error"
    assert wait_for(lambda: re.search(r"call-ended .*reason=client-closed", call_log()), "")
