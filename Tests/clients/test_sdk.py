"""The official Python SDK, unmodified, against our API: only the base URL is ours."""

import asyncio
import contextlib
import json
import subprocess
import time

import aiortc
import openai
import pytest
import websockets.sync.client
from websockets.exceptions import ConnectionClosed, InvalidStatus

import peer
import updates
from martlet import HOST, PROGRAMS, MartletUp
from reports import page_report
from scenes import in_some_scene

KEY = "sk-martlet-test-0123456789"
OTHER_KEY = "sk-martlet-test-9876543210"
PORT = 8091
BASE = f"http://{HOST}:{PORT}/v1"
SESSION = {"type": "realtime", "model": "martlet-test", "instructions": "Say ä and \"b\"."}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "api-keys"
    path.touch(mode=0o600)
    path.write_text(f"# the tests\n{KEY}\n{OTHER_KEY}\n")
    return path


@pytest.fixture(scope="module")
def guarded(keys):
    """A transceiver on an address that is no loopback, so it asks for keys."""
    options = ["--api-keys", str(keys), "--shards", "2"]
    with MartletUp(*options, http_host=HOST, http_port=PORT, media_port=3492) as running:
        yield running
        log = running.log()
        assert KEY not in log and "ek_1" not in log


@pytest.fixture
def client():
    with openai.OpenAI(api_key=KEY, base_url=BASE, max_retries=0, timeout=60) as made:
        yield made


def offer():
    """An offer like a browser's, without candidates."""

    async def make():
        connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        connection.addTransceiver("audio", direction="sendrecv")
        await connection.setLocalDescription(await connection.createOffer())
        sdp = connection.localDescription.sdp
        await connection.close()
        return sdp

    return asyncio.run(make())


@pytest.fixture
def call_id(guarded, client):
    """A call that has been answered; nobody connects to it."""
    made = client.realtime.calls.with_raw_response.create(sdp=offer(), session=SESSION)
    location = made.headers["Location"]
    yield location.rsplit("/", 1)[1]
    with contextlib.suppress(openai.NotFoundError):
        client.realtime.calls.hangup(location.rsplit("/", 1)[1])


def next_event(connection, kind, seconds=peer.LIMIT_SECONDS):
    """The next event of a kind; others in between are passed over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        event = json.loads(connection.recv_bytes())
        if event["type"] == kind:
            return event
    raise AssertionError(f"no {kind}")


def test_a_client_secret_begins_a_call(guarded, client):
    before = time.time()
    secret = client.realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 60}, session=SESSION
    )
    assert secret.value.startswith("ek_")
    assert before + 55 < secret.expires_at < time.time() + 65
    assert secret.session.type == "realtime"
    assert secret.session.instructions == SESSION["instructions"]
    with openai.OpenAI(api_key=secret.value, base_url=BASE, max_retries=0) as browser:
        made = browser.realtime.calls.with_raw_response.create(sdp=offer())
        assert made.http_response.status_code == 201
        assert made.http_response.text.startswith("v=0\r\n")
        call = made.headers["Location"].rsplit("/", 1)[1]
        with pytest.raises(openai.PermissionDeniedError):
            browser.realtime.client_secrets.create()
        with client.realtime.connect(call_id=call) as sideband:
            session = next_event(sideband, "session.created")["session"]
            assert session["instructions"] == SESSION["instructions"]
        browser.realtime.calls.hangup(call)
    # Its shard ends the call, a moment after the answer.
    with pytest.raises(openai.NotFoundError):
        for _ in range(200):
            client.realtime.calls.hangup(call)
            time.sleep(0.05)


def test_a_session_as_long_as_a_secret_holds(guarded, client):
    """8 KiB of session make an Authorization field of 11 KiB."""
    frame = len(json.dumps({"type": "realtime", "instructions": ""}, separators=(",", ":")))
    session = {"type": "realtime", "instructions": "x" * (8192 - frame)}
    secret = client.realtime.client_secrets.create(session=session)
    with openai.OpenAI(api_key=secret.value, base_url=BASE, max_retries=0) as browser:
        made = browser.realtime.calls.with_raw_response.create(sdp=offer())
        browser.realtime.calls.hangup(made.headers["Location"].rsplit("/", 1)[1])
    session["instructions"] += "x"
    with pytest.raises(openai.BadRequestError) as caught:
        client.realtime.client_secrets.create(session=session)
    assert caught.value.code == "session_too_large"


def test_a_call_with_its_session_as_a_form(guarded, client):
    session = {**SESSION, "instructions": "long " * 8000}
    made = client.realtime.calls.with_raw_response.create(sdp=offer(), session=session)
    call = made.headers["Location"].rsplit("/", 1)[1]
    with client.realtime.connect(call_id=call) as sideband:
        created = next_event(sideband, "session.created")
        assert created["session"]["instructions"] == session["instructions"]
        assert created["session"]["model"] == "martlet-test"
    client.realtime.calls.hangup(call)


def test_the_sideband_of_a_call(client, call_id):
    with client.realtime.connect(call_id=call_id) as sideband:
        assert sideband.recv().type == "session.created"
        sideband.session.update(session={"type": "realtime", "instructions": "Be brief."})
        updated = sideband.recv()
        assert updated.type == "session.updated"
        assert updated.session.instructions == "Be brief."
        sideband.send({"type": "no.such.event", "event_id": "mine"})
        error = sideband.recv()
        assert error.type == "error"
        assert error.error.event_id == "mine"
        # A second one sees what the first one changed, and both see what changes next.
        with client.realtime.connect(call_id=call_id) as second:
            assert second.recv().session.instructions == "Be brief."
            second.session.update(session={"type": "realtime", "instructions": "Be loud."})
            for connection in (sideband, second):
                assert connection.recv().session.instructions == "Be loud."
        times = []
        while not updates.are_enough(times):
            asked = time.monotonic()
            sideband.session.update(session={"type": "realtime", "instructions": "Be quick."})
            assert sideband.recv().session.instructions == "Be quick."
            times.append(1000 * (time.monotonic() - asked))
        updates.check("openai, sideband", times)
        client.realtime.calls.hangup(call_id)
        with pytest.raises(ConnectionClosed) as caught:
            sideband.recv()
        assert caught.value.rcvd.code == 1000
        assert caught.value.rcvd.reason == "The call has ended."


def test_sidebands_are_bounded(client, call_id):
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(client.realtime.connect(call_id=call_id)).recv()
        with pytest.raises(InvalidStatus) as caught, client.realtime.connect(call_id=call_id):
            pass
        assert caught.value.response.status_code == 429
    # Their places are free again, once the server has seen them go.
    deadline = time.monotonic() + peer.LIMIT_SECONDS
    while True:
        try:
            with client.realtime.connect(call_id=call_id) as again:
                assert again.recv().type == "session.created"
            return
        except InvalidStatus:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_binary_messages_end_a_sideband(call_id):
    url = f"ws://{HOST}:{PORT}/v1/realtime?call_id={call_id}"
    headers = {"Authorization": f"Bearer {KEY}"}
    with websockets.sync.client.connect(url, additional_headers=headers) as socket:
        socket.recv()
        socket.send(b"\0\1\2")
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv()
        assert caught.value.rcvd.code == 1003


def test_a_browsers_sideband_brings_its_key_as_a_subprotocol(call_id):
    url = f"ws://{HOST}:{PORT}/v1/realtime?call_id={call_id}"
    protocols = ["realtime", f"openai-insecure-api-key.{KEY}"]
    with websockets.sync.client.connect(url, subprotocols=protocols) as socket:
        assert socket.subprotocol == "realtime"
        assert json.loads(socket.recv())["type"] == "session.created"


@pytest.mark.parametrize(
    "call, token, status",
    [
        ("rtc_nobody", KEY, 404),
        ("rtc_1" + "A" * 22, KEY, 404),
        ("", KEY, 404),
        ("rtc_nobody", "sk-wrong", 401),
        ("rtc_nobody", "ek_1wrong", 401),
    ],
)
def test_a_sideband_is_refused_at_the_handshake(guarded, call, token, status):
    with openai.OpenAI(api_key=token, base_url=BASE) as stranger:
        with pytest.raises(InvalidStatus) as caught, stranger.realtime.connect(call_id=call):
            pass
    assert caught.value.response.status_code == status


def test_a_wrong_key_is_an_authentication_error(guarded):
    with openai.OpenAI(api_key="sk-wrong", base_url=BASE, max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError) as caught:
            stranger.realtime.client_secrets.create()
        assert caught.value.code == "invalid_api_key"
        with pytest.raises(openai.AuthenticationError):
            stranger.realtime.calls.create(sdp=offer())


def test_the_live_api_is_refused_in_words(guarded, client):
    """The next dialect's calls are not taken yet; clients hear it at once, and do not ask again."""
    patient = client.with_options(max_retries=2)
    began = time.monotonic()
    with pytest.raises(openai.NotFoundError) as caught:
        patient.live.create(
            session={"model": "martlet-test"}, transport={"type": "webrtc", "sdp": offer()}
        )
    assert "Live API" in caught.value.message
    assert caught.value.code == "not_found"
    print(f"refused after {1000 * (time.monotonic() - began):.0f} ms")
    with pytest.raises(openai.NotFoundError):
        patient.live.sessions.hangup("live_u0_martlet")
    for connect in (
        patient.live.connect, lambda: patient.live.sideband.connect(session_id="live_u0_martlet")
    ):
        with pytest.raises(InvalidStatus) as refused, connect():
            pass
        assert refused.value.response.status_code == 404


def test_a_bad_offer_is_a_bad_request(guarded, client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.realtime.calls.create(sdp="v=0\r\nnonsense", session=SESSION)
    assert caught.value.code == "invalid_offer"
    assert caught.value.param == "sdp"


def test_a_secret_has_a_limit_of_calls(guarded, client):
    secret = client.realtime.client_secrets.create().value
    with openai.OpenAI(api_key=secret, base_url=BASE, max_retries=0) as browser:
        text = offer()
        made = [browser.realtime.calls.with_raw_response.create(sdp=text) for _ in range(16)]
        with pytest.raises(openai.RateLimitError) as caught:
            browser.realtime.calls.create(sdp=text)
        assert caught.value.code == "too_many_calls"
        for call in made:
            browser.realtime.calls.hangup(call.headers["Location"].rsplit("/", 1)[1])
    # The API key that made the secret is another caller.
    client.realtime.calls.create(sdp=text)


@in_some_scene
def test_load_brings_the_key(guarded, keys):
    arguments = ["--url", guarded.url, "--calls", "4", "--seconds", "2", "--json"]
    command = [str(PROGRAMS / "martlet"), "load", *arguments]
    for options, status in [([], 1), (["--api-keys", str(keys)], 0)]:
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done.stdout + done.stderr


@in_some_scene
def test_the_page_takes_a_key(keys, sound):
    """Chromium opens the page as a person would; the key stands behind the #."""
    with MartletUp("--api-keys", str(keys), http_port=8093, media_port=3494) as running:
        for fragment, trouble in [
            ("", "The server asks for a key"), ("#key=wrong", "The server did not take the call"),
            (f"#key={KEY}", None),
        ]:
            page, query = "http://localhost:8093/", {"tone": 440, "seconds": 2}
            report = page_report("chromium", page, sound, fragment, **query)
            assert report["connected"] == (trouble is None), report
            assert (report["error"] or "").startswith(trouble or ""), report
        running.wait_for_log("reason=hung-up", peer.LIMIT_SECONDS)


def test_a_whole_call_and_its_figures(guarded, client):
    """Voice through an authenticated call, watched by a sideband and by `stats`."""

    async def talk():
        async with peer.Call(f"http://{HOST}:{PORT}", key=KEY) as call:
            await call.start()
            await asyncio.wait_for(call.first_voice.wait(), peer.LIMIT_SECONDS)
            figures = await until_audio_goes_both_ways(call)
            assert await call.hang_up() == 200
            return figures

    figures = asyncio.run(talk())
    assert figures["state"] == "connected"
    assert figures["packets_received"] > 0
    latency = figures["latency"]
    assert latency["first_stun_ms"] <= latency["dtls_ms"] <= latency["first_audio_out_ms"]


async def until_audio_goes_both_ways(call):
    """The call's figures, which are made once a second."""
    deadline = time.monotonic() + peer.LIMIT_SECONDS
    while True:
        url = f"{call.base}{call.location}/stats"
        status, _, text = await asyncio.to_thread(peer.post, url, "", method="GET", key=KEY)
        assert status == 200, text
        figures = json.loads(text)
        latency = figures["latency"]
        if latency["first_audio_in_ms"] is not None and latency["first_audio_out_ms"] is not None:
            return figures
        assert time.monotonic() < deadline, text
        await asyncio.sleep(0.1)
