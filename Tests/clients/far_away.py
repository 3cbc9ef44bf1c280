"""A client that is far away: a wire that takes its time, and what its capture tells of a set-up.

The wire holds every datagram back for as long as the way would take. It has the kernel say when a
datagram came, and notes when it sent it on, so that its own slowness is in nobody's account.
"""

import dataclasses
import heapq
import select
import socket
import struct
import time

from wire import DOWN, UP, Wire, kind_of

SO_TIMESTAMPNS = 35


@dataclasses.dataclass
class Carried:
    """One datagram that the wire carried. Times in seconds on one clock."""

    direction: str
    came: float
    bytes: bytes
    left: float | None = None

    @property
    def kind(self):
        return kind_of(self.bytes)


class FarWire(Wire):
    """A wire of which each way takes `seconds`; it keeps order and loses nothing."""

    def __init__(self, target, seconds, **options):
        self.seconds = seconds
        self.carried = []
        self.waiting = []
        super().__init__(target, **options)

    def run(self):
        ends = {self.near: UP, self.far: DOWN}
        for end in ends:
            end.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        while True:
            wait = max(0, self.waiting[0][0] - time.time()) if self.waiting else None
            ready, _, _ = select.select([*ends, self.stop_end], [], [], wait)
            if self.stop_end in ready:
                return
            for end in ready:
                self.accept(end, ends[end])
            while self.waiting and self.waiting[0][0] <= time.time():
                carried = heapq.heappop(self.waiting)[2]
                carried.left = time.time()
                self.forward(carried.direction, carried.bytes)

    def accept(self, end, direction):
        datagram, notes, _, sender = end.recvmsg(2048, 64)
        if direction == UP:
            self.client = sender
        elif not self.client:
            return
        seconds, nanoseconds = struct.unpack("qq", notes[0][2])
        carried = Carried(direction, seconds + nanoseconds / 1e9, datagram)
        # The number keeps the order of datagrams that came at once.
        heapq.heappush(
            self.waiting, (carried.came + self.seconds, len(self.carried), carried)
        )
        self.carried.append(carried)

    @property
    def media_both_ways_ms(self):
        """As of any wire: when voice had come out at both ends."""
        sent = [carried for carried in list(self.carried) if carried.left is not None]
        firsts = [
            next((c.left for c in sent if (c.direction, c.kind) == (way, "SRTP")), None)
            for way in (UP, DOWN)
        ]
        return None if None in firsts else 1000 * (max(firsts) - self.carried[0].came)

    def story(self, count=60):
        began = self.carried[0].came if self.carried else 0
        return "\n".join(
            f"{1000 * (c.came - began):7.1f} ms {c.direction:4} {len(c.bytes):5} {c.kind}"
            for c in list(self.carried)[:count]
        )


CLIENT_HELLO, SERVER_HELLO_DONE = 1, 14
FINISHED = "the first record under the new keys"


def records(datagram):
    """What a DTLS datagram holds that ends a flight: the types of handshake messages of which the
    last byte is in it, and FINISHED (RFC 6347, sections 4.1 and 4.2.2)."""
    found = set()
    while len(datagram) >= 13 and 20 <= datagram[0] <= 63:
        kind, epoch = datagram[0], int.from_bytes(datagram[3:5], "big")
        length = int.from_bytes(datagram[11:13], "big")
        body, datagram = datagram[13 : 13 + length], datagram[13 + length :]
        if epoch > 0:
            found.add(FINISHED)
        while kind == 22 and epoch == 0 and len(body) >= 12:
            whole, offset, part = (
                int.from_bytes(body[start : start + 3], "big") for start in (1, 6, 9)
            )
            if offset + part == whole:
                found.add(body[0])
            body = body[12 + part :]
    return found


@dataclasses.dataclass
class SetUp:
    """Where the time from a client's first check to its first voice packet went, in milliseconds.

    The set-up is a chain: each end waits for the last datagram of the other's flight before it
    sends its own. So the whole is six ways through the wire and what each end takes for its turns.
    """

    whole: float
    way: float
    server: list
    client: list
    first_voice: int  # its RTP sequence number

    def __str__(self):
        turns = lambda list: " + ".join(f"{value:.1f}" for value in list)
        return (
            f"{self.whole:.1f} ms: 6 ways of {self.way:.1f}, server {sum(self.server):.1f} "
            f"({turns(self.server)}), client {sum(self.client):.1f} ({turns(self.client)})"
        )


def set_up(carried, is_active):
    """Follows the chain in a capture. `is_active`: the transceiver begins DTLS, with its answer to
    the first check; else the client begins it after that answer."""
    ends = lambda mark: lambda c: 20 <= c.bytes[0] <= 63 and mark in records(c.bytes)
    is_kind = lambda kind: lambda c: c.kind == kind
    links = [
        (UP, is_kind("STUN request")),
        (DOWN, ends(CLIENT_HELLO) if is_active else is_kind("STUN response")),
        (UP, ends(SERVER_HELLO_DONE) if is_active else ends(CLIENT_HELLO)),
        (DOWN, ends(FINISHED) if is_active else ends(SERVER_HELLO_DONE)),
        (UP, ends(FINISHED)),
        (DOWN, is_kind("SRTP")),
    ]
    chain = [
        next(c for c in carried if c.direction == way and is_it(c) and c.left is not None)
        for way, is_it in links
    ]
    # Voice is of use to a client only behind the datagram that lets it make the keys.
    finished = next(c for c in carried if c.direction == DOWN and ends(FINISHED)(c))
    assert finished.left <= chain[-1].left
    turns = [1000 * (after.came - before.left) for before, after in zip(chain, chain[1:])]
    ways = [1000 * (link.left - link.came) for link in chain]
    return SetUp(
        whole=1000 * (chain[-1].left - chain[0].came),
        way=sum(ways) / len(ways),
        server=turns[0::2],
        client=turns[1::2],
        first_voice=int.from_bytes(chain[-1].bytes[2:4], "big"),
    )
