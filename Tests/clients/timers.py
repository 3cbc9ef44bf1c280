"""Gives aiortc the retransmission timers that browsers have.

What one lost datagram costs depends on both ends: what we lose is repaired by our timers, what the
client loses by the client's. Browsers repeat an unanswered check after about 50 ms and a DTLS
flight after about 60; aiortc waits 500 ms and, by OpenSSL's default that its binding cannot change,
a whole second. The tests ask for our side, so the client's side is made as quick as a browser's.
"""

import asyncio

import aioice.stun
from aiortc.rtcdtlstransport import RTCDtlsTransport

CHECK_SECONDS = 0.05
FLIGHT_SECONDS = 0.06


def use_browser_timers():
    aioice.stun.RETRY_RTO = CHECK_SECONDS
    RTCDtlsTransport.start = start_promptly


async def start_promptly(self, parameters, start=RTCDtlsTransport.start):
    """Runs the handshake, and sends the last flight again while nothing new is sent.

    The same bytes again are what OpenSSL's own retransmission comes to for the other end: records
    that were lost are taken, records that had arrived are dropped as replays.
    """
    flight = Flight(self.transport._send)
    self.transport._send = flight.send
    repeating = asyncio.ensure_future(flight.repeat())
    try:
        await start(self, parameters)
    finally:
        repeating.cancel()


class Flight:
    def __init__(self, send):
        self.send_on = send
        self.last = None
        self.renewed = asyncio.Event()

    async def send(self, data):
        if 20 <= data[0] <= 63:
            self.last = data
            self.renewed.set()
        await self.send_on(data)

    async def repeat(self):
        seconds = FLIGHT_SECONDS
        while True:
            try:
                await asyncio.wait_for(self.renewed.wait(), seconds)
                self.renewed.clear()
                seconds = FLIGHT_SECONDS
            except asyncio.TimeoutError:
                if self.last is not None:
                    await self.send_on(self.last)
                    seconds *= 2
