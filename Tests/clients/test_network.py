"""The page follows its network: what it decides on ways of all kinds, and that Chromium then sends
what was decided, and Firefox is not hurt."""

import contextlib
import os
import pathlib
import statistics
import subprocess

from martlet import HOST, ROOT, MartletUp
from narrow_way import NarrowWay
from reports import page_report
from scenes import in_some_scene

MEDIA_PORT = 3_491
HTTP_PORT = 18_099
FRONT = (HOST, 13_491)
SECONDS = 25


def test_what_the_page_decides():
    """On a clock of its own, over hundreds of seconds."""
    here = pathlib.Path(__file__).parent
    network = ROOT / "CSources" / "CPage" / "page" / "network.js"
    run = subprocess.run(
        ["node", "--test", here / "network_judge.mjs"], capture_output=True, text=True,
        env={**os.environ, "NETWORK_JS": str(network)}, timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "a way of 40 kbit/s is not overrun" in run.stdout


def report(browser, sound, way):
    """What the page of a call over such a way says, and how the way was used."""
    with contextlib.ExitStack() as stack:
        between = stack.enter_context(NarrowWay((HOST, MEDIA_PORT), FRONT, **way))
        up = MartletUp(
            "--candidate", f"{HOST}:{between.port}", http_port=HTTP_PORT, media_port=MEDIA_PORT)
        stack.enter_context(up)
        page = f"http://localhost:{HTTP_PORT}/"
        told = page_report(browser, page, sound, backend="echo", tone=440, seconds=SECONDS)
        print(told)
        assert told["error"] is None and told["connected"], told
        return told, between.passed


@in_some_scene
def test_a_narrow_uplink_is_not_overrun(sound):
    told, passed = report("chromium", sound, {"bits_per_second": 40_000})
    assert told["sendings"], told
    sending = told["sendings"][-1]
    assert sending["packetMilliseconds"] >= 40 and not sending["red"]
    assert sending["bitsPerSecond"] <= 24_000
    # The last ten seconds but the hang-up: nearly nothing waits, nothing is lost.
    end = passed[-1][0]
    waits = [wait for at, _, wait in passed if end - 11 < at < end - 1]
    assert None not in waits
    assert statistics.median(waits) < 0.1


@in_some_scene
def test_voice_is_sent_twice_where_it_is_lost(sound):
    told, passed = report("chromium", sound, {"loss": 0.1})
    assert [sending["red"] for sending in told["sendings"]] == [True]
    assert told["sendings"][0]["packetMilliseconds"] == 20
    end = passed[-1][0]
    longest = [length for at, length, _ in passed if at < end - 1]
    # Twice the Opus of the first seconds, in most packets of the last ones.
    early, late = longest[150:200], longest[-200:]
    assert statistics.median(late) > 1.5 * statistics.median(early)


@in_some_scene
def test_a_good_way_is_left_alone(sound):
    told, _ = report("chromium", sound, {})
    assert told["sendings"] == []


@in_some_scene
def test_firefox_sends_less_on_a_narrow_way(sound):
    told, passed = report("firefox", sound, {"bits_per_second": 40_000})
    assert told["sendings"] and not told["sendings"][-1]["red"]
    assert told["sendings"][-1]["bitsPerSecond"] <= 24_000
    end = passed[-1][0]
    sent = sum(8 * length for at, length, _ in passed if end - 6 < at < end - 1)
    assert sent / 5 < 48_000
