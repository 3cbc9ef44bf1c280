"""Calls that an AI service answers: the service is a fake, everything else is real."""

import asyncio
import json
import re
import stat

import pytest
from websockets.asyncio.client import connect

import peer
import services
from martlet import MartletUp
from scenes import in_some_scene

HTTP_PORT, MEDIA_PORT = 8090, 3490
KEY = "sk-test-0123456789abcdef"


def martlet_with(url, *arguments, backend="realtime"):
    return MartletUp(
        *("--backend", backend, "--backend-url", url, *arguments),
        http_port=HTTP_PORT, media_port=MEDIA_PORT,
    )


def call(up, backend="realtime", hertz=440.0):
    return peer.Call(up.url, hertz=hertz, backend=backend)


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_text(KEY + "\n")
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    return str(path)


async def wait_until(holds, seconds, what):
    for _ in range(int(seconds * 20)):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(what)


def answers_with_a_tone(rate=24000):
    async def behaviour(service_call):
        await service_call.send("session.created", session={"id": "sess_1"})
        await service_call.listen_until(lambda it: len(it.heard) > rate)
        listening = asyncio.ensure_future(service_call.listen())
        # Of many seconds a machine that is late does not spoil each.
        await service_call.say(services.tone(700, 12, rate), rate=rate, speed=2)
        await listening

    return behaviour


def assert_heard(service_call, hertz, rate):
    """The service heard that tone, for a second at least; a busy machine may spoil another one."""
    heard = service_call.heard
    seconds = [heard[start : start + rate] for start in range(0, len(heard) - rate + 1, rate)]
    tones = [services.frequency(second, rate) for second in seconds]
    assert any(tone == pytest.approx(hertz, abs=5) for tone in tones), tones


@pytest.mark.parametrize("rate", [24000, 16000, 8000])
@in_some_scene
def test_a_call_hears_what_the_service_says(rate, key_file):
    with services.RealtimeService(answers_with_a_tone(rate)) as service:
        options = ["--backend-key-file", key_file, "--backend-model", "m 1"]
        with martlet_with(service.url, *options, "--backend-rate", str(rate)) as up:
            heard = asyncio.run(talk(up, 700))
        log = up.log()
    service_call = service.calls[0]
    assert not service.failures
    assert heard.level_dbfs > -20, heard
    assert_heard(service_call, 440, rate)
    assert service_call.headers["Authorization"] == f"Bearer {KEY}"
    assert service_call.path == "/v1/realtime?model=m%201"
    assert "service-opened" in log
    assert KEY not in log


async def talk(up, hertz, backend="realtime"):
    """Waits until a second of that tone is heard; what it was like."""
    async with call(up, backend) as client:
        await client.start()
        await client.wait_connected()
        return await client.hears(hertz)


@pytest.mark.parametrize("rate", [24000, 8000])
@in_some_scene
def test_a_call_hears_an_audiosocket_service(rate):
    async def behaviour(service_call):
        while len(service_call.heard) < rate:
            await service_call.read_frame()
        speaking = asyncio.ensure_future(service_call.say(services.tone(600, 12, rate), rate))
        while await service_call.read_frame():
            pass
        await speaking

    with services.AudioSocketService(behaviour) as service:
        options = ["--backend-rate", str(rate)]
        with martlet_with(service.url, *options, backend="audiosocket") as up:
            asyncio.run(talk(up, 600, backend="audiosocket"))
    service_call = service.calls[0]
    assert not service.failures
    assert service_call.uuid is not None and service_call.uuid.int != 0
    assert service_call.KINDS[rate] in service_call.kinds
    assert_heard(service_call, 440, rate)


async def watch(up, client):
    """The sideband's events from the start of a call to its end, and how it closed."""
    url = up.url.replace("http", "ws", 1) + "/v1/realtime?call_id=" + client.location.split("/")[-1]
    events = []
    async with connect(url) as sideband:
        async for message in sideband:
            events.append(json.loads(message))
        return events, sideband.close_code


def test_a_service_that_is_down_is_told_and_the_call_ends():
    async def run(up):
        async with call(up) as client:
            await client.start()
            return await asyncio.wait_for(watch(up, client), peer.LIMIT_SECONDS)

    with martlet_with(services.NOBODY) as up:
        events, code = asyncio.run(run(up))
        up.wait_for_log(r"call-ended .*reason=backend-failed", peer.LIMIT_SECONDS)
    errors = [event for event in events if event["type"] == "error"]
    assert len(errors) == 1 and errors[0]["error"]["message"], events
    assert code == 1000


def test_events_pass_both_ways_unchanged_and_in_order():
    strange = {"type": "some.new.event", "n": [1, 2.5, None, {"ä": "\U0001f426"}]}
    answers = [{"type": "conversation.item.added", "item": {"id": f"i{n}"}} for n in range(50)]

    async def behaviour(service_call):
        await service_call.send("session.created", session={"id": "sess_1"})
        await service_call.listen_until(lambda it: strange in it.events)
        for answer in answers:
            await service_call.connection.send(json.dumps(answer))
        await service_call.listen()

    async def run(up):
        async with call(up) as client:
            await client.start()
            name = client.location.split("/")[-1]
            url = up.url.replace("http", "ws", 1) + f"/v1/realtime?call_id={name}"
            async with connect(url) as sideband:
                await client.wait_connected()
                await sideband.send(json.dumps(strange))
                got = []
                while len(got) < len(answers):
                    event = json.loads(await asyncio.wait_for(sideband.recv(), peer.LIMIT_SECONDS))
                    if event["type"] == "conversation.item.added":
                        got.append(event)
                assert await client.hang_up() == 200
                await asyncio.wait_for(sideband.wait_closed(), peer.LIMIT_SECONDS)
                return got, sideband.close_code

    with services.RealtimeService(behaviour) as service:
        with martlet_with(service.url) as up:
            got, code = asyncio.run(run(up))
    assert got == answers
    assert code == 1000
    assert [event for event in service.calls[0].events if event == strange] == [strange]


@in_some_scene
def test_wss_with_an_authority_of_its_own(tmp_path):
    authority = services.Authority(tmp_path)
    with services.RealtimeService(answers_with_a_tone(), tls=authority.server_context) as service:
        with martlet_with(service.url, "--backend-ca-file", authority.file) as up:
            asyncio.run(talk(up, 700))


@pytest.mark.parametrize("name, gives_authority", [("IP:127.0.0.1", False), ("DNS:other", True)])
def test_wss_trusts_no_stranger(name, gives_authority, tmp_path):
    authority = services.Authority(tmp_path, name)
    options = ["--backend-ca-file", authority.file] if gives_authority else []
    with services.RealtimeService(answers_with_a_tone(), tls=authority.server_context) as service:
        with martlet_with(service.url, *options) as up:
            async def run():
                async with call(up) as client:
                    await client.start()
                    ended = "reason=backend-failed"
                    await asyncio.to_thread(up.wait_for_log, ended, peer.LIMIT_SECONDS)

            asyncio.run(run())
            log = up.log()
    assert "service-failed" in log and "service-opened" not in log
    assert service.calls == []


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--backend", "realtime"], "--backend realtime needs --backend-url"),
        (["--backend-url", "http://u:p@h/"], "--backend-url must begin with"),
        (["--backend", "audiosocket", "--backend-url", "ws://h/"], "needs a --backend-url of tcp"),
        (["--backend-url", "ws://u:p@h/"], "use a key file"),
        (["--backend-url", "ws://h/", "--backend-ca-file", "x"], "is for wss:// only"),
        (["--backend-url", "ws://h/", "--backend-key-file", "/nowhere"], "/nowhere"),
        (["--backend-key-file", "x"], "--backend-key-file needs --backend-url"),
        (["--backend-rate", "8000"], "--backend-rate needs --backend-url"),
    ],
)
def test_settings_that_do_not_go_together(arguments, sentence):
    up = MartletUp(*arguments, http_port=HTTP_PORT, media_port=MEDIA_PORT)
    assert up.wait_for_end() != 0
    assert sentence in up.log() and not re.search(r"u:p", up.log())
    up.process.stdout.close()
