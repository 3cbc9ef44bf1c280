"""A network namespace inside the tests' own, joined to it by one veth pair: where clients are that
reach the programs over a network alone.

What a function does there with sockets, threads and processes stays there: a thread that has
entered a namespace hands it on to what it starts. Nothing needs a name, so nothing is left behind.
"""

import concurrent.futures
import ctypes
import os
import pathlib
import subprocess

NEAR_HOST, FAR_HOST = "10.78.0.1", "10.78.0.2"
NEAR_DEVICE, FAR_DEVICE = "near0", "far0"
CLONE_NEWNET = 0x4000_0000

libc = ctypes.CDLL(None, use_errno=True)


class FarNamespace:
    """A context manager; `NEAR_HOST` is the programs' end of the way, `FAR_HOST` the clients'."""

    def __init__(self):
        with self.inside_of(unshare_network) as threads:
            self.descriptor = threads.submit(own_network).result()
        try:
            self.join()
        except BaseException:
            os.close(self.descriptor)
            raise

    def join(self):
        place = f"/proc/{os.getpid()}/fd/{self.descriptor}"
        ip(f"link add {NEAR_DEVICE} type veth peer name {FAR_DEVICE}")
        ip(f"link set {FAR_DEVICE} netns {place}")
        set_up_device(NEAR_DEVICE, NEAR_HOST)
        self.run(set_up_device, FAR_DEVICE, FAR_HOST)
        self.run(ip, "link set lo up")
        # As in the outer one: Firefox gathers nothing without a default route.
        self.run(ip, f"route add default via {NEAR_HOST}")

    def inside_of(self, enter):
        return concurrent.futures.ThreadPoolExecutor(1, initializer=enter)

    def enter(self):
        """Takes the calling thread there, for good."""
        call("setns", self.descriptor, CLONE_NEWNET)

    def run(self, work, *arguments, **named):
        """What `work` gives, done by a thread that is there."""
        with self.inside_of(self.enter) as threads:
            return threads.submit(work, *arguments, **named).result()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # One end of the pair takes the other with it.
        ip(f"link del {NEAR_DEVICE}")
        os.close(self.descriptor)


def unshare_network():
    call("unshare", CLONE_NEWNET)


def own_network():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def call(name, *arguments):
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def set_up_device(name, host):
    pathlib.Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
    ip(f"addr add {host}/24 dev {name}")
    ip(f"link set {name} up")


def ip(words):
    subprocess.run(["ip", *words.split()], check=True, stdin=subprocess.DEVNULL)
