"""A wire between one client and the relay that can lose a chosen datagram or carry a forged one.

The client is given the wire's address in place of the relay's. The wire is a UDP socket on the
client's side and another one on the relay's side; it keeps order, adds no delay, and writes down
what passed when. Nothing is left to chance: which datagram is lost is said by direction and number.
"""

import dataclasses
import re
import select
import socket
import threading
import time

import martlet

UP, DOWN = "up", "down"


@dataclasses.dataclass
class Passed:
    """One datagram that came to the wire."""

    direction: str
    number: int  # counted from 0 in its direction
    kind: str
    size: int
    seconds: float  # since the first datagram
    lost: bool

    def __str__(self):
        mark = "LOST " if self.lost else ""
        return f"{1000 * self.seconds:7.1f} ms {self.direction:4} {self.number:3} {mark}{self.kind}"


def kind_of(datagram):
    """What a datagram is, by its first bytes (RFC 7983)."""
    first = datagram[0] if datagram else 255
    if first < 4:
        names = {0x0001: "STUN request", 0x0101: "STUN response", 0x0011: "STUN indication"}
        return names.get(int.from_bytes(datagram[:2], "big"), "STUN")
    if 20 <= first <= 63:
        names = {20: "change cipher spec", 21: "alert", 22: "handshake", 23: "application data"}
        epoch = int.from_bytes(datagram[3:5], "big")
        inner = f" {datagram[13]}" if first == 22 and epoch == 0 and len(datagram) > 13 else ""
        return f"DTLS {names.get(first, first)}{inner} epoch {epoch}"
    return "SRTCP" if len(datagram) > 1 and 192 <= datagram[1] <= 223 else "SRTP"


class Wire:
    """A context manager; `port` is where the client sends to."""

    def __init__(self, target, lose=(), before_pass=None, on_pass=None, host=martlet.HOST):
        """`lose`: a collection of (direction, number). `before_pass(wire, passed)` is called before
        a datagram goes on, `on_pass(wire, passed)` behind it; both may call `forge`. `host`: where
        the client finds it."""
        self.target = target
        self.lose = set(lose)
        self.before_pass = before_pass or (lambda wire, passed: None)
        self.on_pass = on_pass or (lambda wire, passed: None)
        self.near = unused_socket(host)
        self.far = unused_socket("::1" if ":" in target[0] else martlet.HOST)
        self.host, self.port = self.near.getsockname()
        self.client = None
        self.began = None
        self.passed = []
        self.counts = {UP: 0, DOWN: 0}
        self.stopped = threading.Event()
        self.stopping, self.stop_end = socket.socketpair()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            ready, _, _ = select.select([self.near, self.far, self.stop_end], [], [])
            if self.stop_end in ready:
                return
            if self.near in ready:
                datagram, self.client = self.near.recvfrom(2048)
                self.take(UP, datagram)
            if self.far in ready:
                datagram = self.far.recv(2048)
                if self.client:
                    self.take(DOWN, datagram)

    def take(self, direction, datagram):
        now = time.monotonic()
        self.began = self.began or now
        number = self.counts[direction]
        self.counts[direction] += 1
        lost = (direction, number) in self.lose
        passed = Passed(
            direction, number, kind_of(datagram), len(datagram), now - self.began, lost
        )
        self.passed.append(passed)
        self.before_pass(self, passed)
        if not lost:
            self.forward(direction, datagram)
        self.on_pass(self, passed)

    def forward(self, direction, datagram):
        if direction == UP:
            self.far.sendto(datagram, self.target)
        else:
            self.near.sendto(datagram, self.client)

    def forge(self, datagram):
        """Sends a datagram to the relay from the address that the client has there."""
        self.far.sendto(datagram, self.target)

    def first(self, direction, kind):
        """When the first datagram of a kind went through, in ms since the first one; or None."""
        for passed in list(self.passed):
            if (passed.direction, passed.lost) == (direction, False) and passed.kind == kind:
                return 1000 * passed.seconds
        return None

    @property
    def media_both_ways_ms(self):
        """When voice had gone both ways, in ms since the client's first datagram; or None."""
        times = [self.first(UP, "SRTP"), self.first(DOWN, "SRTP")]
        return None if None in times else max(times)

    def set_up(self):
        """The datagrams until voice went both ways."""
        end = self.media_both_ways_ms
        return [passed for passed in list(self.passed) if 1000 * passed.seconds <= end]

    def story(self, count=60):
        """What passed, a line each, for the report of a failure."""
        return "\n".join(str(passed) for passed in list(self.passed)[:count])

    def rewrite(self, answer):
        """The SDP answer with this wire in the place of the relay."""
        changed = re.sub(
            r"(a=candidate:\S+ 1 udp \d+ )\S+ \d+", rf"\g<1>{self.host} {self.port}", answer
        )
        assert changed != answer, f"no UDP candidate in the answer:\n{answer}"
        return changed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.stopping.send(b"x")
        self.thread.join()
        for end in (self.near, self.far, self.stopping, self.stop_end):
            end.close()


# Of every wire of this process.
used_ports = set()


def unused_socket(host):
    """A socket with a port that no wire of this process had before: the last words of a call that
    ended, an alert for one, must not come to the next, from neither end."""
    tried = []
    while True:
        end = udp_socket((host, 0))
        port = end.getsockname()[1]
        if port not in used_ports:
            break
        tried.append(end)
    used_ports.add(port)
    for other in tried:
        other.close()
    return end


def udp_socket(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    end = socket.socket(family, socket.SOCK_DGRAM)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    end.bind(address)
    return end
