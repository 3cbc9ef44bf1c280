"""The benchmark of the relay, for a moment: that it measures something, not what."""

import json
import subprocess

import pytest

from martlet import PROGRAMS, ROOT
from scenes import in_some_scene

PROGRAM = str(PROGRAMS / "martlet")


def bench(*arguments):
    return subprocess.run(
        [PROGRAM, "bench", "relay", *arguments, "--sources", str(ROOT / "tools" / "bench")],
        capture_output=True, text=True, timeout=120,
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
        assert row["packets_per_second"] > 0
        assert row["cpu_ns_per_packet"] > 0
        assert row["packets_per_second_per_core"] > 0
        assert 0 <= row["loss"] < 1
    # The relay is the one with several packets in a datagram.
    assert rows[0]["packets_per_datagram"] > 1 == rows[1]["packets_per_datagram"]
    [ratio] = report["ratios"]
    assert ratio["against"] == "c" and ratio["cpu"] > 0 and ratio["rate"] > 0


@in_some_scene
def test_a_flood_is_refused_and_counted():
    done = bench(
        *("--case", "forged", "--against", "none", "--flows", "100"),
        *("--rounds", "1", "--seconds", "1", "--json"),
    )
    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)["results"]
    assert row["cpu_ns_per_packet"] > 0
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
