"""A trunk whose way carries less than a full bundle: nothing is lost, and it is said.

What is judged is what became of packets, not when: each end counts what it put into trunk datagrams
and what it found in them. `trunk_way.py` prints the table of MTUs.
"""

import concurrent.futures
import subprocess

import pytest

from scenes import in_some_scene
from trunk_way import CARRIES_LESS, SILENT_HOP, TrunkWay, measure, outcome


def assert_all_came_through(row):
    assert row["lost"] == 0 and row["of"] > 1000, row
    assert row["errors"] == {}, row


def test_interfaces_that_carry_less():
    """On both hosts from the start: both ends know it, and each says so once."""
    mtus = (1280, 1400, 1420, 1500)
    with concurrent.futures.ThreadPoolExecutor(len(mtus)) as threads:
        rows = list(threads.map(lambda mtu: measure(mtu=mtu), mtus))
    for mtu, row in zip(mtus, rows):
        assert_all_came_through(row)
        assert row["told"] == ([0, 0] if mtu == 1500 else [1, 1]), (mtu, row)
        # Both ends begin at what the interface carries: nothing has to be refused first.
        assert row["rebuilt"] == 0, (mtu, row)


def test_an_mtu_that_changes_under_load():
    """Datagrams that are made already are refused by the kernel, and rebuilt."""
    with TrunkWay(mtu=1500) as trunk:
        trunk.start()
        # Longer than the changes take, also on a slow machine.
        load = trunk.load(seconds=12)
        trunk.wait_for_packets()
        for mtu in (1280, 1500, 1400, 1500, 576, 1420, 1280):
            trunk.set_mtu(mtu)
            try:
                load.wait(0.8)
            except subprocess.TimeoutExpired:
                continue
        result = outcome(load)
        assert result["errors"] == {}, result
        assert trunk.missing() == (0, 0)
        relay, shard = trunk.counters()
        assert relay["frames_sent"] > 1000 and shard["packets_sent"] > 1000
        assert relay["send_failures"] == shard["send_failures"] == 0
        # Of 1280 and of 576 as a rule, and never of what is not smaller than what was told.
        assert all(1 <= told <= 3 for told in trunk.warnings(CARRIES_LESS)), trunk.log(
            "martlet-relay")


def test_a_hop_that_says_that_a_packet_was_too_long():
    """Some bundles are lost until it is known, a quarter of a second at most; then none."""
    with TrunkWay(middle=1280) as trunk:
        trunk.start()
        assert outcome(trunk.load(seconds=3))["errors"] == {}
        first = trunk.missing()
        told = trunk.warnings("bytes=1252")
        assert told[0] == 1 and told[1] <= 1, told
        assert outcome(trunk.load(seconds=3))["errors"] == {}
        assert trunk.missing() == first


@pytest.mark.parametrize("options", [[], ["--bundle-bytes", "1252"]])
@in_some_scene
def test_a_hop_that_says_nothing(options):
    """The losses are told, with the remedy; with it, nothing is lost.

    Which of the calls' checks and handshakes go in full bundles, and so get lost, is chance: now
    and then so many that hardly a call is set up."""
    with TrunkWay(middle=1280, silent=True) as trunk:
        trunk.start(*options)
        load = trunk.load(seconds=4 if options else 80)
        if options:
            assert outcome(load)["errors"] == {}
            assert trunk.missing() == (0, 0)
            assert trunk.warnings(SILENT_HOP) == [0, 0]
        else:
            trunk.wait_for("martlet-transceiver", SILENT_HOP, 80)
            assert "--bundle-bytes 1200" in trunk.log("martlet-transceiver")
            load.terminate()
            load.wait()
