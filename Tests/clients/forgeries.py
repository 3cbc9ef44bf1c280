"""Datagrams that somebody who knows the client's address could slip in: DTLS records of epoch 0,
which nothing protects. Each one alone ends the handshake of an endpoint that hands OpenSSL
everything it gets."""

import random
import struct

CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY_REQUEST, CERTIFICATE = 1, 2, 3, 11
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23


def record(kind, body, sequence=0, length=None):
    header = struct.pack("!BHHHI", kind, 0xFEFD, 0, 0, sequence)
    return header + struct.pack("!H", len(body) if length is None else length) + body


def handshake(kind, body, message_sequence=0, length=None, offset=0):
    total = len(body) if length is None else length
    header = struct.pack("!B", kind) + total.to_bytes(3, "big")
    header += struct.pack("!H", message_sequence) + offset.to_bytes(3, "big")
    return record(HANDSHAKE, header + len(body).to_bytes(3, "big") + body)


def client_hello():
    """Well formed, offering only TLS_NULL_WITH_NULL_NULL."""
    body = struct.pack("!H", 0xFEFD) + bytes(32) + b"\0\0" + b"\0\2\0\0" + b"\1\0"
    return handshake(CLIENT_HELLO, body)


def server_hello(message_sequence=0):
    """Well formed, choosing TLS_NULL_WITH_NULL_NULL."""
    body = struct.pack("!H", 0xFEFD) + bytes(32) + b"\0" + b"\0\0" + b"\0"
    return handshake(SERVER_HELLO, body, message_sequence)


def hello_verify_request():
    return handshake(HELLO_VERIFY_REQUEST, struct.pack("!HB", 0xFEFD, 20) + bytes(range(20)))


def noise(count, seed):
    return random.Random(seed).randbytes(count)


# By what they are; the same names as in the failure messages.
FORGERIES = {
    "client hello, null cipher": client_hello(),
    "server hello, null cipher": server_hello(),
    "hello verify request": hello_verify_request(),
    "fatal alert": record(ALERT, bytes([2, 40])),
    "close notify": record(ALERT, bytes([1, 0])),
    "60 random bytes as handshake": record(HANDSHAKE, noise(60, seed=7)),
    "fragment claiming 16 MB": handshake(CLIENT_HELLO, noise(40, seed=8), length=0xFFFFFF),
    "certificate claiming 16 MB": handshake(CERTIFICATE, noise(40, seed=8), 1, length=0xFFFFFF),
    "first fragment with wrong content": handshake(CLIENT_HELLO, noise(200, seed=9), length=1413),
    "truncated record": record(HANDSHAKE, noise(20, seed=10), length=400),
    "empty record": record(HANDSHAKE, b""),
    "change cipher spec": record(CHANGE_CIPHER_SPEC, b"\1"),
    "application data": record(APPLICATION_DATA, noise(50, seed=11)),
}


def protected(kind, count, number, epoch=1):
    """A record that claims to be under the call's keys, with `count` bytes after its header."""
    header = struct.pack("!BHH", kind, 0xFEFD, epoch) + number.to_bytes(6, "big")
    return header + struct.pack("!H", count) + noise(count, seed=count)


# What ended a running call once, with some releases of OpenSSL.
FATAL_RECORD = bytes.fromhex("15fefd000102000000000000020228")

# Too short for their cipher, and just long enough; each kind that a call has, and each number that
# the client will use.
PROTECTED_FORGERIES = [FATAL_RECORD] + [
    protected(kind, count, number)
    for kind in (ALERT, HANDSHAKE, APPLICATION_DATA)
    for count in (*range(1, 33), 100)
    for number in (*range(0, 8), 64, 2**47)
]
