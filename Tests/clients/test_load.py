"""What `martlet load` says of a way that loses packets, of addresses that do not answer, and of a
server that takes no more calls."""

import concurrent.futures
import contextlib
import json
import re
import signal
import socket
import subprocess

import pytest

from lossy_way import LossyWay
from martlet import PROGRAMS
from programs import Program, make_keys

MEDIA = ("127.0.0.1", 13_487)


@pytest.fixture
def keys(tmp_path):
    return make_keys(tmp_path)


@contextlib.contextmanager
def server(keys, *options, http, trunk, media, candidates):
    """A relay and a transceiver of one shard."""
    words = [word for address in candidates for word in ("--candidate", address)]
    with Program(
        "martlet-transceiver", "--keys", keys, "--node", "1", "--trunk", f"127.0.0.1:{trunk}",
        "--http", f"127.0.0.1:{http}", *words, *options
    ) as calls, Program(
        "martlet-relay", "--keys", keys, "--listen", f"127.0.0.1:{media}", "--trunk",
        "127.0.0.1:0", "--transceiver", f"1.0=127.0.0.1:{trunk}"
    ) as relay:
        calls.wait_for("is ready")
        relay.wait_for("is ready")
        yield calls


def load(http, *options):
    """The exit status, the report and what was said."""
    done = subprocess.run(
        [
            *(str(PROGRAMS / "martlet"), "load", "--url", f"http://127.0.0.1:{http}"),
            *("--json", *options),
        ],
        capture_output=True, text=True, timeout=180)
    print(done.stdout, done.stderr)
    return done.returncode, json.loads(done.stdout.strip().splitlines()[-1])


def test_each_way_has_its_own_losses(keys):
    """A quarter of what the server sends never comes: said by all three counts. A quarter of what
    is sent to it: by its reports, and by nothing else, because it makes up what it did not hear."""
    scenes = {
        "down": lambda is_up, number: not is_up and number % 4 == 0,
        "up": lambda is_up, number: is_up and number % 4 == 0,
    }
    reports = {}

    def play(number, way):
        ports = {"http": 18_087 + number, "trunk": 14_160 + number, "media": MEDIA[1] + number}
        with LossyWay(("127.0.0.1", ports["media"]), scenes[way]) as between, server(
            keys, **ports, candidates=[f"127.0.0.1:{between.port}"]
        ):
            _, reports[way] = load(ports["http"], "--calls", "2", "--seconds", "4")
            reports[way]["really"] = between.lost

    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(play, number, way) for number, way in enumerate(scenes)]:
            done.result()

    down, up = reports["down"], reports["up"]
    lost = down["really"][False]
    assert lost > 60
    # A packet that leaves as the call ends may be lost without anybody's knowledge.
    assert lost - 8 <= down["from_server_lost"] <= lost
    assert 0.6 * lost <= down["packets_lost"] <= down["packets_sent"] - down["packets_returned"]
    assert down["packets_lost_percent"] > 12
    lost = up["really"][True]
    assert lost - 8 <= up["to_server_lost"] <= lost + up["to_server_unreported"]
    assert up["from_server_lost"] <= 2 and up["to_server_unreported"] <= 2
    assert up["to_server_arrived"] + up["to_server_lost"] == up["packets_sent"]


def silent_port(family, host):
    """A port on which nobody answers."""
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.bind((host, 0))
    return one, one.getsockname()[1]


def test_every_candidate_is_tried(keys):
    """The third of three answers, of another family than the first; with none, all are named."""
    six, port_six = silent_port(socket.AF_INET6, "::1")
    four, port_four = silent_port(socket.AF_INET, "127.0.0.1")
    silent = [f"[::1]:{port_six}", f"127.0.0.1:{port_four}"]
    with six, four, concurrent.futures.ThreadPoolExecutor() as pool:
        def play(http, trunk, media, candidates):
            with server(
                keys, http=http, trunk=trunk, media=media, candidates=candidates
            ):
                return load(http, "--calls", "2", "--seconds", "2")

        found = pool.submit(play, 18_089, 14_162, 13_489, [*silent, "127.0.0.1:13489"])
        lost = pool.submit(play, 18_090, 14_163, 13_490, silent)
        # How well they hear depends on the machine; that both speak and hear does not.
        _, report = found.result()
        assert report["packets_returned"] > 50 and report["connect_ms_max"] < 10_000, report
        assert not [reason for reason in report["failures"] if "check" in reason], report
        status, report = lost.result()
    assert (status, report["good"]) == (1, 0)
    sentence = "no check was answered; tried over UDP: " + ", ".join(silent)
    assert report["failures"] == {sentence: 2}


def test_an_overloaded_shard_refuses_calls_and_keeps_those_it_has(keys, tmp_path):
    """Its limit is set so low that a few calls are more than it allows itself."""
    figures = tmp_path / "figures.json"
    with server(
        # How late this machine makes it is not what is judged here.
        keys, "--overload-busy", "2", "--overload-late", "101", "--stats", str(figures),
        http=18_091, trunk=14_164, media=13_491, candidates=["127.0.0.1:13491"]
    ) as calls:
        _, report = load(18_091, "--calls", "100", "--rate", "10", "--seconds", "12")
        line = calls.wait_for(r"shard-overloaded .*")[0]
        assert calls.end(signal.SIGTERM) == 0
        log = calls.log()
    shards = json.loads(figures.read_text())
    refused = report["failures"].pop("the server answered 503 overloaded to the offer")
    assert refused == shards["requests_refused"]["503 overloaded"]
    assert 0 < refused < 100 - 10, report
    # None that it took was given up; how well they hear depends on the machine.
    assert set(report["failures"]) <= {"the tone came back only at times"}, report
    assert sum(report["failures"].values()) + report["good"] == 100 - refused
    assert shards["shards"][0]["begun"] == 100 - refused
    assert "new_calls=\"refused with 503\"" in line and "likely_cause=" in line, line
    assert len(re.findall("shard-overloaded", log)) == 1
    assert shards["shards"][0]["overloads"] == 1
