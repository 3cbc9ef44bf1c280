"""A way to a UDP address that carries few bits up and keeps the rest waiting, as a bad uplink does:
clients are given its own address. It may lose voice as well, by chance."""

import collections
import random
import select
import socket
import threading
import time

from lossy_way import is_voice

# What IPv4 and UDP add to a datagram.
HEADER_BYTES = 28


class NarrowWay:
    """Carries datagrams to `target` and back: up at `bits_per_second` (None: all there are), of
    which at most `waiting_seconds` wait, and a share of `loss` of those with voice vanish. Down
    everything passes. For one client. A context manager."""

    def __init__(self, target, address, bits_per_second=None, waiting_seconds=0.5, loss=0.0):
        self.bits_per_second, self.waiting_seconds, self.loss = (
            bits_per_second, waiting_seconds, loss)
        self.random = random.Random(1)
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(address)
        self.port = self.front.getsockname()[1]
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back.connect(target)
        self.free_at = 0.0
        self.waiting = collections.deque()
        # When each datagram came, its length, and how long it waited (None: it vanished).
        self.passed = []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.carry, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        self.front.close()
        self.back.close()

    def carry(self):
        client = None
        while not self.stopped.is_set():
            now = time.monotonic()
            next_at = self.waiting[0][0] if self.waiting else now + 0.2
            ready, _, _ = select.select([self.front, self.back], [], [], max(0, next_at - now))
            if self.front in ready:
                datagram, client = self.front.recvfrom(2048)
                self.take(datagram, time.monotonic())
            if self.back in ready and client:
                try:
                    self.front.sendto(self.back.recv(2048), client)
                except ConnectionRefusedError:
                    pass
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                self.back.send(self.waiting.popleft()[1])

    def take(self, datagram, now):
        start = max(now, self.free_at)
        vanishes = start - now > self.waiting_seconds or (
            is_voice(datagram) and self.random.random() < self.loss)
        length = len(datagram) + HEADER_BYTES
        self.passed.append((now, length, None if vanishes else start - now))
        if vanishes:
            return
        if self.bits_per_second:
            start += 8 * length / self.bits_per_second
            self.free_at = start
        self.waiting.append((start, datagram))
