"""WHIP (RFC 9725) as a client of its own meets it, with a real call behind the URLs."""

import asyncio
import pathlib
import subprocess

import pytest

import peer
from martlet import HOST, PROGRAMS, MartletUp
from wire import DOWN, Wire

FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"
PORT = 8092


@pytest.fixture(scope="module")
def whip(tmp_path_factory):
    file = tmp_path_factory.mktemp("ice") / "servers"
    file.touch(0o600)
    file.write_text("turn:turn.example.org?transport=udp,user,top-secret\n")
    options = ("--ice-server", "stun:stun.example.org", "--ice-server-file", str(file))
    with MartletUp(*options, http_port=PORT, media_port=3493) as running:
        yield running


def fragment(sdp):
    """What a client would trickle: its credentials and one candidate more."""
    lines = [line for line in sdp.splitlines() if line.startswith(("a=ice-ufrag", "a=ice-pwd"))]
    lines += ["m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0"]
    lines += [f"a=candidate:1 1 udp 2122260223 {HOST} 61764 typ host", "a=end-of-candidates"]
    return "".join(f"{line}\r\n" for line in lines)


def test_a_call_from_offer_to_delete(whip):
    async def run():
        async with peer.Call(whip.url, path="/whip") as call:
            await call.start()
            await asyncio.wait_for(call.first_voice.wait(), peer.LIMIT_SECONDS)
            url = whip.url + call.location
            tag = call.headers["ETag"]
            text = fragment(call.connection.localDescription.sdp)

            async def patch(fields, kind=FRAGMENT_TYPE, body=text):
                return await asyncio.to_thread(peer.post, url, body, kind, "PATCH", None, fields)

            status, headers, body = await patch({"If-Match": tag})
            assert (status, body, headers.get("ETag")) == (204, "", None)
            assert (await patch({}))[0] == 428
            assert (await patch({"If-Match": '"another"'}))[0] == 412
            assert (await patch({"If-Match": tag}, kind="application/sdp"))[0] == 415
            assert (await patch({"If-Match": tag}, body="nonsense"))[0] == 400
            # A restart is refused, and the call goes on.
            assert (await patch({"If-Match": "*"}))[0] == 422
            before, _ = await call.figures()
            async with asyncio.timeout(peer.LIMIT_SECONDS):
                while (await call.figures())[0] <= before:
                    await asyncio.sleep(0.1)
            status, _, _ = await asyncio.to_thread(peer.post, url, "", method="DELETE")
            assert status == 200
            await asyncio.wait_for(call.closed.wait(), peer.LIMIT_SECONDS)
            assert (await asyncio.to_thread(peer.post, url, "", method="DELETE"))[0] == 404

    asyncio.run(run())


def test_ice_servers_come_as_links(whip):
    async def run():
        async with peer.Call(whip.url, path="/whip") as call:
            await call.start()
            return call.headers.get_all("Link")

    assert asyncio.run(run()) == [
        '<stun:stun.example.org>; rel="ice-server"',
        '<turn:turn.example.org?transport=udp>; rel="ice-server"; username="user"; '
        'credential="top-secret"; credential-type="password"',
    ]
    # Everybody on a machine can read the command lines of all.
    for process in (whip.process.pid, *whip.children().values()):
        assert "top-secret" not in pathlib.Path(f"/proc/{process}/cmdline").read_text()


def test_a_credential_on_the_command_line_is_refused(tmp_path):
    keys = ("--keys", str(tmp_path / "keys"))
    subprocess.run([PROGRAMS / "martlet", "keys", "--file", keys[1]], check=True, timeout=60)
    for program in ((PROGRAMS / "martlet", "up"), (PROGRAMS / "martlet-transceiver",)):
        done = subprocess.run(
            [*program, *keys, "--ice-server", "turn:turn.example.org,user,top-secret"],
            capture_output=True, text=True, timeout=60,
        )
        assert done.returncode != 0
        assert "--ice-server-file" in done.stderr
        assert "top-secret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "path, accepts", [("/whip", "Accept-Post"), ("/whip/rtc_any", "Accept-Patch")]
)
def test_options_say_what_is_taken(path, accepts, whip):
    status, headers, _ = peer.post(whip.url + path, "", method="OPTIONS")
    assert status == 200
    assert headers[accepts] == ("application/sdp" if accepts == "Accept-Post" else FRAGMENT_TYPE)
    assert "ETag" in headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", ""])
def test_only_a_bare_offer_is_taken(kind, whip):
    assert peer.post(whip.url + "/whip", "v=0", kind)[0] == 415


# What WHIP clients send (they publish), and the other three.
@pytest.mark.parametrize("direction", ["sendonly", "recvonly", "inactive", "sendrecv"])
def test_the_direction_of_the_offer_is_kept(direction, whip):
    answered = {"sendonly": "recvonly", "recvonly": "sendonly"}.get(direction, direction)

    def down(wire, kind):
        return sum(p.direction == DOWN and p.kind == kind for p in list(wire.passed))

    async def run():
        with Wire(whip.media) as wire:
            answers = []

            def rewrite(answer):
                answers.append(answer)
                return wire.rewrite(answer)

            async with peer.Call(whip.url, path="/whip", answer_filter=rewrite) as call:
                call.connection.getTransceivers()[0].direction = direction
                await call.start()
                assert f"\r\na={answered}\r\n" in answers[0]
                assert ("a=ssrc:" in answers[0]) == answered.startswith("send")
                await call.wait_connected()
                # Our reports come whatever the direction is, one each second.
                async with asyncio.timeout(peer.LIMIT_SECONDS):
                    while down(wire, "SRTCP") < 3:
                        await asyncio.sleep(0.1)
                # In silence, a packet for each of the first ten frames and then one each 400 ms.
                packets = down(wire, "SRTP")
                assert packets >= 10 if answered.startswith("send") else packets == 0, wire.story()

    asyncio.run(run())
