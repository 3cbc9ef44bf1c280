"""Forged DTLS records from the client's own address end no call, whenever they come."""

import asyncio
import json
import time
import urllib.request

import pytest

import peer
from forgeries import FORGERIES, PROTECTED_FORGERIES
from scenes import SCENES_MAX, scenes
from test_losses import ChromiumCalls
from wire import UP, Wire

# When the forgery comes: just before the client's first own DTLS record, right after it, right
# after its second, when voice flows, and behind each of the client's datagrams.
MOMENTS = ["before", "mid", "late", "after", "always"]
AT_ONCE = 4
# What a browser's DTLS forgives least, of what our end once heeded.
IN_CHROMIUM = [
    ("hello verify request", "before"),
    ("hello verify request", "always"),
    ("server hello, null cipher", "before"),
    ("fatal alert", "mid"),
]


def injector(moment, forgery):
    """What a wire needs to slip the forgery in once, at its moment, or always; and a list that has
    something in it when that was done."""
    done = []

    def inject(wire, passed):
        if (done and moment != "always") or passed.direction != UP:
            return
        records = [p for p in wire.passed if p.direction == UP and p.kind.startswith("DTLS")]
        is_due = {
            "before": len(records) == 1,
            "mid": len(records) == 1,
            "late": len(records) == 2,
            "after": passed.kind == "SRTP" and passed.number > 20,
            "always": True,
        }[moment]
        if is_due:
            done.append(True)
            wire.forge(forgery)

    return {"before_pass" if moment == "before" else "on_pass": inject}, done


async def goes_on(call, frames=26):
    """The voice still comes; a busy machine may take longer over it than half a second."""
    wanted = len(call.heard) + frames
    deadline = time.monotonic() + peer.LIMIT_SECONDS
    while len(call.heard) < wanted:
        assert time.monotonic() < deadline, "the voice stopped"
        await asyncio.sleep(0.02)


async def survives(up, role, moment, name):
    """None, or how the call went when it did not go well."""
    hook, done = injector(moment, FORGERIES[name])
    change = lambda offer: offer.replace("a=setup:actpass", f"a=setup:{role}")
    with Wire(up.media, **hook) as wire:
        async with peer.Call(up.url, offer_filter=change, answer_filter=wire.rewrite) as call:
            try:
                await call.start()
                await call.wait_connected()
                await asyncio.wait_for(call.first_voice.wait(), peer.LIMIT_SECONDS)
                await goes_on(call)
                assert call.connection.connectionState == "connected"
            except (AssertionError, asyncio.TimeoutError) as error:
                return f"{name}, {moment}: {error!r}\n{wire.story()}"
    if not done:
        return f"{name}, {moment}: was never sent\n{wire.story()}"
    return None


@pytest.mark.parametrize("role", ["actpass", "active"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_forged_records_end_no_call(moment, role, up):
    async def all_of_them():
        places = asyncio.Semaphore(AT_ONCE)

        async def one(name):
            # A client that is late may be past the moment before it comes.
            async with places:
                for _ in range(SCENES_MAX):
                    story = await survives(up, role, moment, name)
                    if story is None:
                        return None
                    print(story)
                    if not scenes.may_repeat("test_forged_records_end_no_call", story):
                        break
                return story

        return await asyncio.gather(*(one(name) for name in FORGERIES))

    failures = [text for text in asyncio.run(all_of_them()) if text]
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("role", ["actpass", "active"])
def test_forged_records_end_no_call_of_chromium(role, up, sound):
    with ChromiumCalls(up, role, sound) as calls:
        for name, moment in IN_CHROMIUM:
            for _ in range(SCENES_MAX):
                hook, done = injector(moment, FORGERIES[name])
                with Wire(up.media, **hook) as wire:
                    calls.call(wire)
                    story = f"{name}, {moment}, sent: {bool(done)}\n{wire.story()}"
                if done and wire.media_both_ways_ms is not None:
                    print(f"{name}, {moment}: {wire.media_both_ways_ms:.0f} ms")
                    break
                print(story)
                if not scenes.may_repeat("test_forged_records_end_no_call_of_chromium", story):
                    pytest.fail(story)
            else:
                pytest.fail(story)


@pytest.mark.parametrize("role", ["actpass", "active"])
def test_forged_protected_records_end_no_running_call(role, up):
    change = lambda offer: offer.replace("a=setup:actpass", f"a=setup:{role}")

    async def one_call():
        with Wire(up.media) as wire:
            async with peer.Call(up.url, offer_filter=change, answer_filter=wire.rewrite) as call:
                await call.start()
                await call.wait_connected()
                await asyncio.wait_for(call.first_voice.wait(), peer.LIMIT_SECONDS)
                for number, forgery in enumerate(PROTECTED_FORGERIES):
                    wire.forge(forgery)
                    if number % 20 == 0:
                        await asyncio.sleep(0.002)
                await goes_on(call, frames=100)
                assert call.connection.connectionState == "connected"
                stats = await asyncio.to_thread(figures_of, up, call.location)
                assert await call.hang_up() == 200
        return stats["dtls"]

    dtls = asyncio.run(one_call())
    print(f"{role}: {len(PROTECTED_FORGERIES)} sent, {dtls}")
    assert dtls["associations_lost"] == 0
    # A busy machine may lose some on the way; those with numbers that were used are replays.
    assert 0 < dtls["records_forged"] <= len(PROTECTED_FORGERIES)
    assert dtls["records_forged"] + dtls["records_replayed"] > len(PROTECTED_FORGERIES) // 2


def figures_of(up, location):
    """The call's own figures, once they know of most that was forged (they are renewed each
    second, or later on a busy machine)."""
    deadline = time.monotonic() + peer.LIMIT_SECONDS
    while True:
        with urllib.request.urlopen(f"{up.url}{location}/stats", timeout=60) as answer:
            figures = json.load(answer)
        known = figures["dtls"]["records_forged"] + figures["dtls"]["records_replayed"]
        if known > len(PROTECTED_FORGERIES) // 2 or time.monotonic() > deadline:
            return figures
        time.sleep(0.2)
