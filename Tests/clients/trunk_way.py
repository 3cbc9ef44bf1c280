"""Relay and transceiver on two hosts with two routers between, in network namespaces: the way of a
trunk, whose MTUs a test chooses and changes.

Run by itself (Tests/clients/in-namespace python Tests/clients/trunk_way.py) it prints what becomes
of calls at each MTU.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from martlet import PROGRAMS
from programs import make_keys

EDGE, CORE = "10.81.1.1", "10.81.3.2"
CALLS = 40
SECONDS = 4
CARRIES_LESS = "carries less than is wanted"
SILENT_HOP = "may drop long ones without saying so"


class Host:
    """A network namespace, alive as long as its one process."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "3600"])
        ours = pathlib.Path("/proc/self/ns/net").readlink()
        while pathlib.Path(f"/proc/{self.holder.pid}/ns/net").readlink() == ours:
            time.sleep(0.001)
        self.inside = ["nsenter", "--net", f"--target={self.holder.pid}"]
        self.run("ip link set lo up")

    def run(self, words):
        subprocess.run([*self.inside, *words.split()], check=True, stdin=subprocess.DEVNULL)

    def set(self, name, value):
        self.run(f"sysctl -qw net.ipv4.{name}={value}")

    def start(self, name, log, *arguments):
        words = [*self.inside, str(PROGRAMS / name), *arguments]
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)

    def close(self):
        self.holder.kill()
        self.holder.wait()


def join(one, other, net, mtu):
    """A wire between two hosts, on devices named after the net."""
    pid = other.holder.pid
    one.run(f"ip link add w{net} mtu {mtu} type veth peer name w{net} mtu {mtu} netns {pid}")
    for host in (one, other):
        host.run(f"ip link set w{net} up")


def give_address(host, net, number, device):
    host.run(f"ip addr add 10.81.{net}.{number}/24 dev {device}")


class TrunkWay:
    """A context manager. Nets 10.81.1 to 10.81.3 lie between edge, two routers and core. `mtu` is
    that of both hosts' interfaces, `middle` that between the routers; a `silent` router tells
    nobody that a packet was too long."""

    def __init__(self, mtu=1500, middle=1500, silent=False):
        self.stack = contextlib.ExitStack()
        self.edge, self.near, self.far, self.core = self.hosts = [Host() for _ in range(4)]
        for host in self.hosts:
            self.stack.callback(host.close)
        for net, pair in enumerate(zip(self.hosts, self.hosts[1:]), 1):
            join(*pair, net, middle if net == 2 else 1500)
        for router, host, net, numbers in (
            (self.near, self.edge, 1, (2, 1)), (self.far, self.core, 3, (1, 2))
        ):
            router.set("ip_forward", 1)
            give_address(router, net, numbers[0], f"w{net}")
            # The host's interface is one of its own on the wire: its MTU bounds what it sends, and
            # nothing that comes is lost while a test changes it.
            host.run(f"ip link add link w{net} name trunk mtu {mtu} type macvlan")
            host.run("ip link set trunk up")
            give_address(host, net, numbers[1], "trunk")
        give_address(self.near, 2, 1, "w2")
        give_address(self.far, 2, 2, "w2")
        self.edge.run("ip route add 10.81.0.0/16 via 10.81.1.2")
        self.near.run("ip route add 10.81.3.0/24 via 10.81.2.2")
        self.far.run("ip route add 10.81.1.0/24 via 10.81.2.1")
        self.core.run("ip route add 10.81.0.0/16 via 10.81.3.1")
        if silent:
            self.silence(self.near, 1, self.edge)
            self.silence(self.far, 3, self.core)
        self.folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory()))

    def silence(self, router, net, host):
        """Has what the router itself says to the host come from an address that the host knows no
        way to, and drops."""
        router.run("ip addr add 192.0.2.9/32 dev lo")
        prefix = f"10.81.{net}.0/24"
        router.run(f"ip route replace {prefix} dev w{net} src 192.0.2.9")
        host.set("conf.all.rp_filter", 1)

    def set_mtu(self, mtu):
        """Of both hosts' interfaces."""
        for host in (self.edge, self.core):
            host.run(f"ip link set trunk mtu {mtu}")

    def start(self, *options):
        """Relay and transceiver; `options` are both's."""
        keys = make_keys(self.folder)
        common = ["--keys", keys, "--stats-seconds", "1", *options]
        self.run(
            self.core, "martlet-transceiver", *common, "--trunk", f"{CORE}:4000", "--http",
            f"{CORE}:8080", "--no-auth", "--candidate", "127.0.0.1:3478",
            # How busy this machine is shall not decide which calls begin.
            "--overload", "warn")
        self.run(
            self.edge, "martlet-relay", *common, "--trunk", f"{EDGE}:4100", "--listen",
            "127.0.0.1:3478", "--transceiver", f"1.0={CORE}:4000",
            # Full bundles, as when many calls are there, whatever this machine has to do.
            "--bundle-wait-us", "10000")

    def run(self, host, name, *arguments):
        log = open(self.folder / name, "wb")
        stats = self.folder / f"{name}.json"
        process = host.start(name, log, *arguments, "--stats", str(stats))
        self.stack.callback(log.close)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        deadline = time.monotonic() + 60
        while "is ready" not in self.log(name):
            assert process.poll() is None and time.monotonic() < deadline, self.log(name)
            time.sleep(0.02)

    def log(self, name):
        return (self.folder / name).read_text(errors="replace")

    def warnings(self, sentence):
        """How often each end has said it: relay, transceiver."""
        names = ("martlet-relay", "martlet-transceiver")
        return [len(re.findall(sentence, self.log(name))) for name in names]

    def counters(self):
        """The ends' last figures: relay, transceiver's shard."""
        files = [self.folder / f"{name}.json" for name in ("martlet-relay", "martlet-transceiver")]
        deadline = time.monotonic() + 60
        while not all(file.exists() for file in files):
            assert time.monotonic() < deadline, "no figures come"
            time.sleep(0.1)
        relay, transceiver = (json.loads(file.read_text()) for file in files)
        return relay, transceiver["shards"][0]

    def missing(self):
        """Packets that one end has put into trunk datagrams and the other has not seen: up, down.
        Asked for until both ends have told of everything."""
        last, since = None, time.monotonic()
        while True:
            relay, shard = self.counters()
            down = relay["frame_delivered"] + relay["frame_notice"] + relay["frame_misaddressed"]
            now = (relay["frames_sent"] - shard["packets"], shard["packets_sent"] - down)
            if now != last:
                last, since = now, time.monotonic()
            # Each end tells once a second, so that later figures would have come, though it may
            # stand still for some seconds beside other work.
            if now == (0, 0) or time.monotonic() - since > 8:
                return now
            time.sleep(0.1)

    def wait_for_packets(self):
        """Until both ends know each other."""
        deadline = time.monotonic() + 60
        while True:
            relay, shard = self.counters()
            if relay["frames_sent"] > 0 and shard["packets_sent"] > 0:
                return
            assert time.monotonic() < deadline, self.counters()
            time.sleep(0.1)

    def wait_for(self, name, sentence, seconds):
        deadline = time.monotonic() + seconds
        while sentence not in self.log(name):
            assert time.monotonic() < deadline, self.log(name)
            time.sleep(0.1)

    def load(self, calls=CALLS, seconds=SECONDS):
        """Starts `martlet load`; `outcome` waits for it."""
        words = ["--url", f"http://{CORE}:8080", "--calls", str(calls), "--rate", "200"]
        return subprocess.Popen(
            [*self.edge.inside, str(PROGRAMS / "martlet"), "load", "--json", *words,
             "--seconds", str(seconds)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()


def outcome(load):
    return json.loads(load.communicate(timeout=120)[0])


def measure(options=(), seconds=SECONDS, **way):
    """One row of the table."""
    with TrunkWay(**way) as trunk:
        trunk.start(*options)
        result = outcome(trunk.load(seconds=seconds))
        lost = trunk.missing()
        relay, shard = trunk.counters()
        return {
            "good": result["good"], "failures": result["failures"], "errors": result["errors"],
            "lost": sum(lost), "of": relay["frames_sent"] + shard["packets_sent"],
            "rebuilt": relay["send_rebuilt"] + shard["send_rebuilt"],
            "fragments": relay["sent_in_fragments"] + shard["sent_in_fragments"],
            "told": trunk.warnings(CARRIES_LESS), "hop": trunk.warnings(SILENT_HOP),
        }


ROWS = (
    [(f"{mtu} on both hosts", {"mtu": mtu}) for mtu in (1500, 1420, 1400, 1280)]
    + [(f"{mtu} between routers, which say so", {"middle": mtu}) for mtu in (1420, 1280)]
    + [
        ("1280 between routers that say nothing",
         {"middle": 1280, "silent": True, "seconds": 16}),  # it is told after some ten
        ("the same, --bundle-bytes 1252",
         {"middle": 1280, "silent": True, "options": ["--bundle-bytes", "1252"]}),
    ]
)


def main():
    print(f"| MTU | calls good of {CALLS} | packets lost on the trunk | warnings of the ends |")
    print("|---|---|---|---|")
    for name, row in ROWS:
        it = measure(**row)
        told = sum(it["told"]) + sum(it["hop"])
        print(f"| {name} | {it['good']} | {it['lost']} of {it['of']} | {told} |", flush=True)
        if it["failures"] or it["errors"]:
            print(it["failures"], it["errors"], file=sys.stderr)


if __name__ == "__main__":
    main()
