"""What the programs tell whoever is paged: each datagram in one counter, each call with its end."""

import json
import signal
import subprocess
import urllib.error
import urllib.request

import pytest

from martlet import PROGRAMS
from programs import Program, make_keys

CALLS = 6
HTTP = "http://127.0.0.1:18086"


def relay(folder, keys):
    return Program(
        "martlet-relay", "--keys", keys, "--listen", "127.0.0.1:13486", "--workers", "2",
        "--trunk", "127.0.0.1:14150", "--transceiver", "1.0=127.0.0.1:14050",
        "--transceiver", "1.1=127.0.0.1:14051", "--stats", str(folder / "relay.json"))


def transceiver(folder, keys):
    return Program(
        "martlet-transceiver", "--keys", keys, "--overload", "warn", "--node", "1", "--shards",
        "2", "--trunk",
        "127.0.0.1:14050", "--candidate", "127.0.0.1:13486", "--http", HTTP.removeprefix("http://"),
        "--stats", str(folder / "transceiver.json"))


def total(report, *names):
    return sum(shard[name] for shard in report["shards"] for name in names)


def test_the_figures_add_up(tmp_path):
    keys = make_keys(tmp_path)
    with transceiver(tmp_path, keys) as calls, relay(tmp_path, keys) as way:
        calls.wait_for("is ready")
        way.wait_for("is ready")
        load = [str(PROGRAMS / "martlet"), "load", "--url", HTTP, "--calls", str(CALLS)]
        subprocess.run([*load, "--seconds", "2"], check=False, timeout=120)
        calls.wait_for("(?s)" + ".*".join(["call-ended"] * CALLS))
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{HTTP}/nowhere", timeout=60)
        calls.process.send_signal(signal.SIGUSR1)
        way.process.send_signal(signal.SIGUSR1)
        calls.wait_for(r"shard-report transceiver=1\.0 (.*\n)*.*shard-report transceiver=1\.1 ")
        way.wait_for(r"report routes=\d+ counters=.*received=")
        assert calls.end(signal.SIGTERM) == 0
        assert way.end(signal.SIGTERM) == 0
        print(calls.log(), way.log())
    with open(tmp_path / "transceiver.json", encoding="utf-8") as file:
        shards = json.load(file)
    with open(tmp_path / "relay.json", encoding="utf-8") as file:
        relayed = json.load(file)
    assert shards["calls"] == 0 and shards["requests_refused"] == {"404 not_found": 1}
    assert total(shards, "begun") == CALLS
    ends = [name for name in shards["shards"][0] if name.startswith("ended_")]
    assert total(shards, *ends) == CALLS
    outcomes = ("bundles", "forged", "malformed", "misdirected", "truncated")
    assert total(shards, *outcomes) == total(shards, "received") > 0
    assert total(shards, "packets_sent") >= relayed["frame_delivered"] > 0
    assert relayed["client_total"] + relayed["trunk_total"] == relayed["received"]
    assert relayed["frame_total"] >= relayed["trunk_total"] > 0


@pytest.mark.parametrize("program", ["martlet-relay", "martlet-transceiver"])
def test_a_figures_file_that_cannot_be_written_is_no_reason_to_stop(program, tmp_path):
    keys = make_keys(tmp_path)
    nowhere = str(tmp_path / "no such folder" / "figures.json")
    address = "--listen" if program == "martlet-relay" else "--http"
    trunk = ("--trunk", "127.0.0.1:0")
    more = ("--transceiver", "1.0=127.0.0.1:14050") if program == "martlet-relay" else ()
    with Program(
        program, "--keys", keys, address, "127.0.0.1:0", *trunk, *more, "--stats", nowhere
    ) as running:
        running.wait_for("is ready")
        running.process.send_signal(signal.SIGUSR1)
        running.wait_for("cannot write the counters")
        assert running.end(signal.SIGTERM) == 0
