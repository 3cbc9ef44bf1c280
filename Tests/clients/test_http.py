"""The HTTP API as a stranger meets it: every mistake is answered by a sentence about it."""

import json
import urllib.request

import pytest

import peer

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
    with urllib.request.urlopen(up.url + "/healthz", timeout=5) as answer:
        assert answer.status == 200
