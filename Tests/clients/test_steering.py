"""`--steering cpu` on a network card: from its queue over the CPU to the worker, as explained."""

import contextlib
import json
import os
import signal
import subprocess
import time

import pytest

from martlet import PROGRAMS

CPUS = sorted(os.sched_getaffinity(0))
RELAY = "10.78.0.1"
CLIENTS = 50
# What one client each sends: an RTP packet, which no route is known for, but counted by its worker.
SEND = f"""
import socket
for number in range({CLIENTS}):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.sendto(bytes([0x80, 111, 0, number]) + bytes(160), ("{RELAY}", 3478))
"""


def run(*words, **more):
    return subprocess.run(words, check=True, text=True, capture_output=True, **more).stdout


@contextlib.contextmanager
def card(cpu):
    """A veth device for the relay, received on one CPU; gives how to run a command at its far end
    and how to run one that finds the device in its /sys."""
    neighbour = subprocess.Popen(["unshare", "--net", "sleep", "3600"])
    far = ["nsenter", "--net", f"--target={neighbour.pid}"]
    near = ["unshare", "--mount", "sh", "-c", 'mount -t sysfs sysfs /sys && exec "$@"', "sh"]
    try:
        run("ip", "link", "add", "card0", "type", "veth", "peer", "name", "card1")
        wait_for_namespace(neighbour.pid)
        run("ip", "link", "set", "card1", "netns", str(neighbour.pid))
        run("ip", "addr", "add", f"{RELAY}/24", "dev", "card0")
        run("ip", "link", "set", "card0", "up")
        run(*far, "ip", "addr", "add", "10.78.0.2/24", "dev", "card1")
        run(*far, "ip", "link", "set", "card1", "up")
        mask = "/sys/class/net/card0/queues/rx-0/rps_cpus"
        run(*near, "sh", "-c", f"echo {1 << cpu:x} > {mask}")
        yield far, near
    finally:
        neighbour.kill()
        neighbour.wait()
        subprocess.run(["ip", "link", "del", "card0"], capture_output=True)


def wait_for_namespace(pid):
    """Until the process has left our network namespace."""
    ours = os.stat("/proc/self/ns/net").st_ino
    while os.stat(f"/proc/{pid}/ns/net").st_ino == ours:
        os.sched_yield()


@contextlib.contextmanager
def running(command):
    """A relay that is ready; asked to stop at the end."""
    reader, writer = os.pipe()
    process = subprocess.Popen([*command, "--ready-fd", str(writer)], pass_fds=[writer])
    os.close(writer)
    try:
        with os.fdopen(reader) as ready:
            assert "is ready" in ready.readline()
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def wait_for_clients(relay, counters):
    """Until the relay has counted every client's packet: asks for a report again and again."""
    deadline = time.monotonic() + 60
    while not counters.exists() or json.loads(counters.read_text())["client_total"] < CLIENTS:
        assert time.monotonic() < deadline, counters.exists() and counters.read_text()
        relay.send_signal(signal.SIGUSR1)
        time.sleep(0.1)


@pytest.mark.parametrize("cpu", CPUS)
def test_a_packet_goes_to_the_worker_of_the_cpu_that_receives_it(cpu, tmp_path):
    keys, counters = tmp_path / "keys", tmp_path / "counters"
    run(str(PROGRAMS / "martlet"), "keys", "--file", str(keys))
    options = [
        *("--listen", f"{RELAY}:3478", "--workers", str(len(CPUS)), "--steering", "cpu"),
        *("--transceiver", "1.0=127.0.0.1:4999"),
    ]
    relay = str(PROGRAMS / "martlet-relay")
    with card(cpu) as (far, near):
        layout = json.loads(run(*near, relay, "--explain", "--json", *options))
        queue = layout["interfaces"][0]["queues"][0]
        assert layout["interfaces"][0]["name"] == "card0"
        assert queue["cpus"] == [cpu] and queue["because_of"] == "rps"
        assert layout["workers"][0]["cpu"] == cpu, "the first worker goes where packets come"
        assert queue["workers"] == [0]

        with running([*near, relay, "--keys", str(keys), "--stats", str(counters), *options]) as it:
            run(*far, "python3", "-c", SEND)
            wait_for_clients(it, counters)
    found = json.loads(counters.read_text())
    assert found["client_total_by_worker"] == [CLIENTS] + [0] * (len(CPUS) - 1)
    assert found["steered_by_cpu"] == CLIENTS
