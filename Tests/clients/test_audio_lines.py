"""Browsers that offer several audio lines: voice goes both ways, whatever their order is."""

import itertools
import json
import pathlib
import urllib.parse

import pytest

from browsers import Browser
from reports import BROWSER_SECONDS_MAX, ReportServer
from scenes import in_some_scene

PAGE = pathlib.Path(__file__).with_name("lines_page.html")
SENDS = ("sendrecv", "sendonly")
RECEIVES = ("sendrecv", "recvonly")
# Of one direction each, in all orders.
ORDERS = [*itertools.permutations(["inactive", "sendrecv", "recvonly", "sendonly"])]
PAIRS = [*itertools.permutations(["inactive", "sendrecv", "recvonly", "sendonly"], 2)]


def with_microphone(directions):
    return [[direction, "mic"] for direction in directions]


def flows(lines):
    """Whether a voice can go to us and come back."""
    is_heard = any(way in SENDS and sound == "mic" for way, sound in lines)
    return is_heard and any(way in RECEIVES for way, _ in lines)


# What a page may do besides: the microphone on a later line than the first that could send.
ODD = [
    [["sendrecv", "none"], ["sendonly", "mic"]],
    [["sendrecv", "muted"], ["sendonly", "mic"]],
    [["sendonly", "muted"], ["recvonly", "none"], ["sendrecv", "mic"]],
    [["recvonly", "none"], ["recvonly", "none"], ["sendonly", "mic"]],
]


def calls_by_browser(name, up, sound, all_lines):
    """What became of a call with each of the lists of lines, all at once."""
    wanted = {
        "url": f"http://localhost:{up.http.split(':')[1]}/v1/realtime/calls?backend=echo",
        "calls": [{"lines": lines, "seconds": 60 if flows(lines) else 2} for lines in all_lines],
    }
    with ReportServer({"/lines": PAGE.read_text()}) as server:
        url = f"{server.url}/lines#{urllib.parse.quote(json.dumps(wanted))}"
        with Browser(name, url, sound) as browser:
            try:
                report = server.next_report(60 + BROWSER_SECONDS_MAX)
            except Exception as error:
                raise AssertionError(f"no report; the browser says:\n{browser.log()}") from error
    assert "error" not in report, report
    return list(zip(all_lines, report["calls"], strict=True))


def expected_directions(lines):
    """As the browser sees them after our answer: it sends where it wants to, and receives on the
    first line that it wants to receive on."""
    receiving = next((i for i, (way, _) in enumerate(lines) if way in RECEIVES), None)
    return [
        {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}.get(
            (way in SENDS, index == receiving), "inactive"
        )
        for index, (way, _) in enumerate(lines)
    ]


@pytest.mark.parametrize(
    ("name", "lists"),
    [
        ("chromium", [with_microphone(order) for order in PAIRS] + ODD),
        ("chromium", [with_microphone(order) for order in ORDERS[::3]]),
        ("firefox", [with_microphone(order) for order in PAIRS if "inactive" not in order]),
    ],
    ids=["chromium-pairs", "chromium-fours", "firefox"],
)
@in_some_scene
def test_voice_goes_both_ways(name, lists, up, sound):
    for lines, call in calls_by_browser(name, up, sound, lists):
        print(lines, call)
        assert "error" not in call, (lines, call)
        assert call["directions"] == expected_directions(lines), (lines, call)
        assert len(call["tracks"]) <= 1, (lines, call)
        if flows(lines):
            assert call["energy"] > 0.01, (lines, call)
