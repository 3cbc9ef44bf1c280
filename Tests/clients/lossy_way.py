"""A way to a UDP address that loses some of what it carries: clients are given its own address."""

import socket
import threading


def is_voice(datagram):
    """RTP: a packet of SRTP that is not RTCP (RFC 5761, section 4)."""
    return 128 <= datagram[0] < 192 and not 192 <= datagram[1] < 224


class LossyWay:
    """Carries datagrams to `target` and back; `loses(is_up, number)` says which of those with voice
    vanish, counted from 1 for each client and way. A context manager."""

    def __init__(self, target, loses, address=("127.0.0.1", 0)):
        self.target, self.loses = target, loses
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(address)
        self.port = self.front.getsockname()[1]
        self.lost = {True: 0, False: 0}
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.carry_up, daemon=True)]

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        self.front.close()

    def carry_up(self):
        ways, self.counts = {}, {}
        for datagram, client in self.receive(self.front):
            if client not in ways:
                ways[client] = back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                back.connect(self.target)
                self.threads.append(
                    threading.Thread(target=self.carry_down, args=(back, client), daemon=True))
                self.threads[-1].start()
            if self.passes(datagram, client, True):
                ways[client].send(datagram)

    def carry_down(self, back, client):
        for datagram, _ in self.receive(back):
            if self.passes(datagram, client, False):
                self.front.sendto(datagram, client)
        back.close()

    def receive(self, one):
        one.settimeout(0.2)
        while not self.stopped.is_set():
            try:
                yield one.recvfrom(2048)
            except (TimeoutError, ConnectionRefusedError):
                continue

    def passes(self, datagram, client, is_up):
        if not is_voice(datagram):
            return True
        number = self.counts[client, is_up] = self.counts.get((client, is_up), 0) + 1
        if not self.loses(is_up, number):
            return True
        self.lost[is_up] += 1
        return False
