"""The benchmarks, for a moment: that they measure something, not what."""

import json
import subprocess

import pytest

from martlet import PROGRAMS, ROOT
from scenes import in_some_scene

PROGRAM = str(PROGRAMS / "martlet")


def bench(*arguments, what="relay"):
    return subprocess.run(
        [PROGRAM, "bench", what, *arguments, "--sources", str(ROOT / "tools" / "bench")],
        capture_output=True, text=True, timeout=600,
    )


@pytest.mark.parametrize("case", ["up-1400-t4", "mixed"])
@in_some_scene
def test_a_case_is_measured(case):
    done = bench(
        *("--case", case, "--against", "c", "--flows", "100"),
        *("--rounds", "1", "--seconds", "1", "--json"),
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["machine"]["cpus"] > 0
    assert report["failures"] == []
    assert report["skipped"] == [], "the tests need a C compiler"
    rows = report["results"]
    assert [(row["case"], row["forwarder"], row["flows"]) for row in rows] == [
        (case, "martlet", 100), (case, "c", 100),
    ]
    for row in rows:
        assert row["cpu_ns_per_packet"] and row["packets_per_datagram"], row
        assert row["packets_per_second"] > 0
        assert row["packets_per_second_per_core"] > 0
        assert 0 <= row["loss"] < 1
    # The relay is the one with several packets in a datagram.
    assert rows[0]["packets_per_datagram"] > 1 == rows[1]["packets_per_datagram"]
    [ratio] = report["ratios"]
    assert ratio["against"] == "c" and ratio["cpu"] > 0 and ratio["rate"] > 0


@in_some_scene
def test_frames_have_a_row_of_their_own_on_the_way_down():
    done = bench(
        *("--case", "down", "--against", "c", "--flows", "100"),
        *("--rounds", "1", "--seconds", "1", "--json"),
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["failures"] == [] and report["skipped"] == []
    rows = report["results"]
    assert [row["forwarder"] for row in rows] == ["martlet", "martlet-frames", "c"]
    assert all(row["cpu_ns_per_packet"] for row in rows), rows
    ratios = report["ratios"]
    assert [(row["forwarder"], row["against"]) for row in ratios] == [
        ("martlet", "c"), ("martlet-frames", "c"),
    ]


@in_some_scene
def test_a_flood_is_refused_and_counted():
    done = bench(
        *("--case", "forged", "--against", "none", "--flows", "100"),
        *("--rounds", "1", "--seconds", "1", "--json"),
    )
    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)["results"]
    assert row["cpu_ns_per_packet"], row
    assert row["packets_per_datagram"] is None, "a forged check came through"


def test_a_missing_program_is_a_failure(tmp_path):
    copy = tmp_path / "martlet"
    copy.write_bytes((PROGRAMS / "martlet").read_bytes())
    copy.chmod(0o755)
    done = subprocess.run(
        [str(copy), "bench", "relay", "--case", "down", "--against", "none", "--rounds", "1"],
        capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 1
    assert "cannot start" in done.stderr and "martlet-relay" in done.stderr


CALLS = ("--calls", "2", "--calls", "4", "--rounds", "1", "--seconds", "1", "--no-pion")


# A call that did not hear its tone all the time, for want of a CPU, is a failure of the benchmark.
@in_some_scene
def test_calls_are_measured():
    done = bench(*CALLS, "--json", what="transceiver")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert "CPU" in report["machine"]
    assert report["failures"] == []
    assert report["skipped"] == ["skipped: pion: --no-pion"]
    assert [(row["server"], row["calls"]) for row in report["results"]] == [
        ("martlet", 2), ("martlet, 10 % lost", 2), ("martlet", 4), ("martlet, 10 % lost", 4),
    ]
    for row in report["results"][1::2]:
        assert row["cpu_ns_per_frame"] > 0 and row["frames"] > 0 and "encode_ns" not in row
    for row in report["results"][::2]:
        for name in (
            *("cpu_ns_per_frame", "calls_per_core", "decode_ns", "encode_ns", "unprotect_ns"),
            *("protect_ns", "bare_ns_per_frame", "bare_as_it_comes_ns_per_frame"),
            *("ratio_to_bare", "ratio_to_bare_as_it_comes", "in_p99_us", "out_p99_us"),
            *("ratio_to_bare_same_srtp", "bare_same_srtp_ns_per_frame"),
        ):
            assert row[name] > 0, name
        parts = ("decode_ns", "encode_ns", "unprotect_ns", "protect_ns", "system_ns")
        # Each is rounded by itself.
        assert sum(row[part] for part in parts) == pytest.approx(row["bare_ns_per_frame"], rel=0.01)
        assert row["ratio_to_pion"] is None
    # Two for each number of calls (the library as it ships, and the same as ours), and the memory
    # of a call.
    assert [target["limit"] for target in report["targets"]] == [1.2, 1.15, 1.2, 1.15, 256]
    for target in report["targets"]:
        assert target["met"] == (target["seen"] <= target["limit"])


@in_some_scene
def test_calls_are_measured_for_people():
    done = bench(*CALLS, what="transceiver")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    titles = [line for line in lines if line.startswith(("server ", "bare server ", "target "))]
    assert len(titles) == 4
    assert len([line for line in lines if line.startswith("martlet ")]) == 4
    assert len([line for line in lines if line.startswith("in rounds ")]) == 2
    assert len([line for line in lines if line.startswith("as it comes ")]) == 2
    assert lines[-1] == "skipped: pion: --no-pion"
