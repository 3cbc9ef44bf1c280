"""What passes over the loopback device, with the kernel's times: a witness that adds no delay.

Times are milliseconds since 1970, as everybody on the machine has them. RTP headers are not
encrypted, so a packet's timestamp says which of an encoder's frames it holds; the WebSocket to a
service on this machine is plain TCP.
"""

import dataclasses
import json
import socket
import struct
import threading

# <linux/if_packet.h>, <linux/virtio_net.h>, <asm-generic/socket.h>
ETH_P_IP, PACKET_OUTGOING = 0x0800, 4
SOL_PACKET, PACKET_VNET_HDR, GSO_UDP = 263, 15, 5
VNET_HEADER_BYTES, ETHERNET_HEADER_BYTES, UDP_HEADER_BYTES = 10, 14, 8
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
BUFFER_BYTES = 32 << 20
TCP, UDP = 6, 17


@dataclasses.dataclass
class RtpPacket:
    """One packet of voice; `size` is what SRTP made of it, without the header."""

    at: float
    timestamp: int
    number: int
    size: int


class Tap:
    """A context manager; what passed can be asked for when it is done."""

    def __enter__(self):
        self.seen = []
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
        # Datagrams that were sent together stay together here; the header says where to cut.
        self.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        self.socket.bind(("lo", ETH_P_IP))
        self.stopping, self.stop_end = socket.socketpair()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.socket.settimeout(0.2)
        self.stopped = threading.Event()
        self.thread.start()
        return self

    def run(self):
        while not self.stopped.is_set():
            try:
                packet, notes, _, sender = self.socket.recvmsg(1 << 17, 64)
            except TimeoutError:
                continue
            # Each packet of the loopback device goes out and comes in.
            if sender[2] == PACKET_OUTGOING:
                continue
            seconds, nanoseconds = struct.unpack("qq", notes[0][2])
            segment = int.from_bytes(packet[4:6], "little") if packet[1] == GSO_UDP else 0
            packet = packet[VNET_HEADER_BYTES + ETHERNET_HEADER_BYTES :]
            self.seen.append((1e3 * seconds + nanoseconds / 1e6, packet, segment))

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        self.socket.close()

    def payloads(self, protocol):
        """(when, source port, destination port, the segment's or datagram's bytes, TCP's number)"""
        for at, packet, segment in self.seen:
            if packet[9] != protocol:
                continue
            start = 4 * (packet[0] & 15)
            end = int.from_bytes(packet[2:4], "big") or len(packet)
            source, target = struct.unpack_from("!HH", packet, start)
            number = int.from_bytes(packet[start + 4 : start + 8], "big")
            start += UDP_HEADER_BYTES if protocol == UDP else 4 * (packet[start + 12] >> 4)
            step = segment or max(1, end - start)
            for place in range(start, end, step):
                yield at, source, target, packet[place : min(end, place + step)], number

    def rtp(self, *, source=None, target=None):
        """The voice from or to a UDP port."""
        return [
            RtpPacket(
                at, int.from_bytes(data[4:8], "big"), int.from_bytes(data[2:4], "big"),
                len(data) - 12,
            )
            for at, from_port, to_port, data, _ in self.payloads(UDP)
            if (from_port == source or to_port == target)
            and len(data) > 12 and data[0] >> 6 == 2 and not 192 <= data[1] <= 223
        ]

    def events(self, *, source=None, target=None):
        """(when it had come whole, the event) of a WebSocket from or to a TCP port."""
        streams = {}
        for at, from_port, to_port, data, number in self.payloads(TCP):
            if from_port == source or to_port == target:
                stream = streams.setdefault((from_port, to_port), Stream())
                stream.add(at, number, data)
        return sorted(
            (event for stream in streams.values() for event in stream.events()),
            key=lambda event: event[0],
        )


class Stream:
    """One direction of a TCP connection: a handshake of HTTP, then frames of a WebSocket."""

    def __init__(self):
        self.data = bytearray()
        self.next = None
        self.arrivals = []

    def add(self, at, number, data):
        if not data:
            return
        self.next = number if self.next is None else self.next
        skip = (self.next - number) % (1 << 32)
        if skip >= len(data) and skip != 0:
            return  # sent again
        self.data += data[skip:]
        self.next = (number + len(data)) % (1 << 32)
        self.arrivals.append((len(self.data), at))

    def events(self):
        place = self.data.find(b"\r\n\r\n") + 4
        arrivals = iter(self.arrivals)
        end, at = next(arrivals, (0, 0.0))
        while place + 2 <= len(self.data):
            code, payload, place = self.frame(place)
            while end < place and end < len(self.data):
                end, at = next(arrivals)
            if code == 1 and place <= len(self.data):
                yield at, json.loads(payload)

    def frame(self, place):
        """The operation code of a frame, its payload, and where the next one begins."""
        code, length = self.data[place] & 15, self.data[place + 1] & 127
        is_masked = self.data[place + 1] & 128
        place += 2
        if length > 125:
            wide = 2 if length == 126 else 8
            length = int.from_bytes(self.data[place : place + wide], "big")
            place += wide
        mask = bytes(self.data[place : place + 4]) if is_masked else bytes(4)
        place += 4 if is_masked else 0
        payload = bytes(self.data[place : place + length])
        if is_masked and len(payload) == length and length:
            stream = (mask * (length // 4 + 1))[:length]
            payload = (int.from_bytes(payload) ^ int.from_bytes(stream)).to_bytes(length)
        return code, payload, place + length
