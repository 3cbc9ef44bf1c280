"""A relay that dies in the middle of calls and comes back loses what was sent meanwhile, no more.

The two programs run apart, as on two machines, with a fixed trunk port: that is where the
transceivers' packets find the new relay and teach it the routes.
"""

import json
import re
import signal
import subprocess
import time

import pytest

from martlet import PROGRAMS
from programs import Program, make_keys
from scenes import in_some_scene

CALLS = 20
SECONDS = 10


@pytest.fixture
def keys(tmp_path):
    return make_keys(tmp_path)


def start_relay(keys):
    return Program(
        "martlet-relay", "--keys", keys, "--listen", "127.0.0.1:13485", "--workers", "2",
        "--trunk", "127.0.0.1:14100", "--transceiver", "1.0=127.0.0.1:14000",
        "--transceiver", "1.1=127.0.0.1:14001")


@in_some_scene
def test_calls_outlive_their_relay(keys):
    transceiver = Program(
        "martlet-transceiver", "--keys", keys, "--node", "1", "--shards", "2", "--trunk",
        "127.0.0.1:14000", "--candidate", "127.0.0.1:13485", "--http", "127.0.0.1:18085")
    with transceiver, start_relay(keys) as first:
        transceiver.wait_for("is ready")
        first.wait_for("is ready")
        load = subprocess.Popen(
            [str(PROGRAMS / "martlet"), "load", "--url", "http://127.0.0.1:18085", "--json",
             "--calls", str(CALLS), "--seconds", str(SECONDS)], stdout=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while transceiver.log().count("call-connected") < CALLS:
            assert time.monotonic() < deadline, transceiver.log()
            time.sleep(0.05)
        time.sleep(2)
        gone = time.monotonic()
        first.end(signal.SIGKILL)
        time.sleep(0.3)
        with start_relay(keys) as second:
            second.wait_for("is ready")
            outage = time.monotonic() - gone
            summary = json.loads(load.communicate(timeout=SECONDS + 60)[0])
            print(f"no relay for {outage:.2f} s", summary)
            assert second.end(signal.SIGTERM) == 0
            print(second.log())
        assert transceiver.end(signal.SIGTERM) == 0
    # Every call heard its tone again and none had to be made anew.
    assert summary["calls"] == CALLS and transceiver.log().count("call-begun") == CALLS
    assert "consent-lost" not in transceiver.log()
    # The new relay knew nothing: it learned the routes from what flowed back to the clients, but
    # for the few whose client happened to send a check before that.
    assert int(re.search(r"route_learned=(\d+)", second.log())[1]) > CALLS / 2
    # Lost is what the outage swallowed, each way; the client's next check, 2.5 s away at most,
    # would have been far too late to explain it. How soon a relay starts is the machine's affair.
    assert 0 < summary["packets_lost"] < CALLS * (50 * outage + 50), summary
