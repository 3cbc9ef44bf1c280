"""The HTTP API as a stranger meets it: every mistake is answered by a sentence about it."""

import base64
import contextlib
import json
import os
import re
import signal
import socket
import time
import urllib.request

import pytest

import peer
from martlet import MartletUp

CALLS = "/v1/realtime/calls"


@pytest.mark.parametrize(
    "path, body, kind, method, status",
    [
        (CALLS, "", "application/sdp", "POST", 400),
        (CALLS, "v=0\r\nnonsense", "application/sdp", "POST", 400),
        (CALLS, "v=0\r\n" * 100_000, "application/sdp", "POST", 413),
        (CALLS, "{}", "application/json", "POST", 415),
        (CALLS + "?backend=oracle", "v=0", "application/sdp", "POST", 400),
        (CALLS + "/rtc_nobody/hangup", "", "application/sdp", "POST", 404),
        ("/whip/rtc_nobody", "", "application/sdp", "DELETE", 404),
        (CALLS, "", "application/sdp", "PUT", 405),
        ("/no/such/path", "", "application/sdp", "POST", 404),
    ],
)
def test_a_mistake_is_explained(path, body, kind, method, status, up):
    answer, headers, text = peer.post(up.url + path, body, kind, method)
    assert answer == status, text
    assert headers["Content-Type"].startswith("application/json")
    error = json.loads(text)["error"]
    assert set(error) == {"message", "type", "code", "param"}
    assert len(error["message"]) > 10


def test_options_allow_a_page_from_elsewhere(up):
    status, headers, _ = peer.post(up.url + "/whip", "", method="OPTIONS")
    assert status in (200, 204)
    assert headers["Access-Control-Allow-Origin"] == "*"


def test_the_health_check(up):
    with urllib.request.urlopen(up.url + "/healthz", timeout=peer.LIMIT_SECONDS) as answer:
        assert answer.status == 200


def ask_as(up, host, method, path, fields=()):
    """(status, body) of a request that calls the server by that name, as a browser would."""
    address = up.http.split(":")
    with contextlib.closing(socket.create_connection(address)) as line:
        head = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Origin: http://{host}", *fields]
        line.sendall(("\r\n".join([*head, "Connection: close", "", ""])).encode())
        answer = line.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


def upgrade(nonce=b"0123456789abcdef"):
    key = base64.b64encode(nonce).decode()
    return (
        "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
        "Connection: Upgrade",
    )


def test_a_page_whose_name_was_turned_to_this_machine_gets_nothing():
    """DNS rebinding: the page's origin is the server's address by a name that a stranger owns."""
    with MartletUp("--http-name", "voice.example", http_port=8120, media_port=3520) as up:
        for method, path, fields in [
            ("POST", CALLS, ()), ("POST", "/v1/realtime/client_secrets", ()),
            ("DELETE", "/whip/rtc_x", ()), ("GET", "/v1/martlet/backends", ()), ("GET", "/", ()),
            ("GET", "/v1/realtime?call_id=rtc_x", upgrade()),
        ]:
            for host in ("evil.example:8120", "127.0.0.1.evil.example", "10.77.0.1:8120"):
                status, text = ask_as(up, host, method, path, fields)
                assert status == 403, (method, path, host, text)
                error = json.loads(text)["error"]
                assert error["code"] == "foreign_host"
                assert "--http-name" in error["message"]
        for host in ("localhost:8120", "127.0.0.1:8120", "[::1]:8120", "voice.example"):
            assert ask_as(up, host, "GET", "/v1/martlet/backends")[0] == 200
            # Let through, and then it is the call that is not there.
            assert ask_as(up, host, "GET", "/v1/realtime?call_id=rtc_x", upgrade())[0] == 404
        assert ask_as(up, "evil.example", "GET", "/healthz")[0] == 200


def test_refusals_are_counted_and_logged_within_bounds():
    with MartletUp(http_port=8121, media_port=3521) as up:
        began = time.monotonic()
        for _ in range(60):
            assert peer.post(up.url + CALLS, "v=0\r\nnonsense")[0] == 400
            assert peer.post(f"{up.url}/whip/rtc_nobody", "", method="DELETE")[0] == 404
        too_long = peer.post(up.url + CALLS, "x" * 140_000)[0]
        status, _ = ask_as(up, "evil.example", "GET", "/v1/realtime?call_id=rtc_x", upgrade())
        assert (too_long, status) == (413, 403)
        seconds = time.monotonic() - began
        os.kill(up.children()["martlet-transceiver"], signal.SIGUSR1)
        report = up.wait_for_log(r' report .*requests_refused="([^"]*)"', 10).group(1)
        assert report == (
            "400 invalid_offer: 60, 403 foreign_host: 1, 404 call_not_found: 60, "
            "413 body_too_large: 1"
        )
        lines = re.findall(r"request-refused status=(\d+) code=(\w+) client=(\S+)", up.log())
        assert lines[0] == ("400", "invalid_offer", "127.0.0.x")
        assert 10 <= len(lines) <= 11 + seconds
