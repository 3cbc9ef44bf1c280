"""Events as binary messages, by channels that are agreed on without DCEP, and more channels than
there is room for: browsers and aiortc."""

import asyncio
import json
import pathlib
import urllib.parse

import pytest

import peer
from browsers import Browser
from reports import BROWSER_SECONDS_MAX, ReportServer
from scenes import in_some_scene
from test_channels import Events, session_update

PAGE = pathlib.Path(__file__).with_name("kinds_page.html")
CHANNELS_MAX = 64


@pytest.mark.parametrize("name", ["chromium", "firefox"])
@in_some_scene
def test_a_browser_with_channels_of_other_kinds(name, up, sound):
    wanted = {
        "url": f"http://localhost:{up.http.split(':')[1]}/v1/realtime/calls?backend=echo",
        "many": 70 if name == "firefox" else 300,
    }
    with ReportServer({"/kinds": PAGE.read_text()}) as server:
        url = f"{server.url}/kinds#{urllib.parse.quote(json.dumps(wanted))}"
        with Browser(name, url, sound) as browser:
            try:
                report = server.next_report(60 + BROWSER_SECONDS_MAX)
            except Exception as error:
                raise AssertionError(f"no report; the browser says:\n{browser.log()}") from error
    print(report)
    both = ["session.created", "session.updated"]
    assert report["waits"] == both
    assert report["speaks"] == both
    assert report["binary"] == [*both, "error"]
    refused = wanted["many"] - CHANNELS_MAX
    assert report["many"] == [*both, CHANNELS_MAX, refused, "open"]


async def with_call(up, body):
    async with peer.Call(up.url) as call:
        await asyncio.wait_for(body(call), peer.LIMIT_SECONDS)


def test_aiortc_with_channels_of_other_kinds(up):
    async def waits(call):
        events = Events(call, negotiated=True, id=0)
        await call.start()
        assert (await events.until(1))[0]["type"] == "session.created"
        events.channel.send(session_update("Sing."))
        await events.until(2)
        assert events.types == ["session.created", "session.updated"]

    async def speaks(call):
        events = Events(call, negotiated=True, id=9)
        await call.start()
        while events.channel.readyState != "open":
            await asyncio.sleep(0.02)
        events.channel.send(session_update("Sing."))
        await events.until(2)
        assert events.types == ["session.created", "session.updated"]

    async def binary(call):
        events = Events(call)
        await call.start()
        await events.until(1)
        events.channel.send(session_update("Sing.").encode())
        await events.until(2)
        events.channel.send(b'{"type":"\xff"}')
        await events.until(3)
        assert events.types == ["session.created", "session.updated", "error"]
        assert events.events[2]["error"]["code"] == "invalid_json"

    async def many(call):
        channels = [Events(call, label=f"{index}") for index in range(70)]
        await call.start()
        refused = channels[CHANNELS_MAX:]
        for events in refused:
            await asyncio.wait_for(events.closed.wait(), peer.LIMIT_SECONDS)
        assert not any(events.closed.is_set() for events in channels[:CHANNELS_MAX])
        await asyncio.wait_for(channels[0].opened.wait(), peer.LIMIT_SECONDS)
        channels[0].channel.send(session_update("Sing."))
        await channels[0].until(2)

    async def all_at_once():
        await asyncio.gather(*(with_call(up, body) for body in (waits, speaks, binary, many)))

    asyncio.run(all_at_once())
