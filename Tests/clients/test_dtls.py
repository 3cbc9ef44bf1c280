"""Handshakes that must not become calls: each ends at once, for a reason that the log names."""

import asyncio
import re

import aiortc.rtcdtlstransport
import OpenSSL
import pytest

import peer
from test_calls import wait_for

# OpenSSL's SSL_OP_NO_EXTENDED_MASTER_SECRET.
NO_EXTENDED_MASTER_SECRET = 1
# What the handshake may take altogether before the library gives up.
GIVES_UP_MILLISECONDS = 10_000


def refused(up, call_log, role, reason, change=lambda offer: offer):
    """Makes a call that fails; how long it lasted, milliseconds."""

    async def call():
        offer = lambda text: change(text.replace("a=setup:actpass", f"a=setup:{role}"))
        async with peer.Call(up.url, offer_filter=offer) as call:
            await call.start()
            ended = rf"call-ended .*reason={reason} detail=- after_ms=(\d+) rtp_received=0 "
            seen = await asyncio.to_thread(
                wait_for, lambda: re.search(ended, call_log()), call_log
            )
            assert not call.heard
            return int(seen[1])

    return asyncio.run(call())


@pytest.mark.parametrize("role", ["actpass", "active"])
def test_a_wrong_fingerprint_ends_the_call_before_the_handshakes_time_is_over(role, up, call_log):
    def change(offer):
        fields = re.findall(r"a=fingerprint:(\S+) (\S+)\r\n", offer)
        assert fields
        for _, digits in fields:
            offer = offer.replace(digits, ("00" if digits[:2] != "00" else "01") + digits[2:])
        return offer

    lasted = refused(up, call_log, role, "fingerprint-mismatch", change)
    print(f"{role}: {lasted} ms")
    assert lasted < GIVES_UP_MILLISECONDS


@pytest.mark.parametrize("role", ["actpass", "active"])
def test_a_client_without_the_extended_master_secret_is_refused(role, up, call_log, monkeypatch):
    make = aiortc.rtcdtlstransport.RTCCertificate._create_ssl_context

    def make_old(*arguments, **named):
        context = make(*arguments, **named)
        context.set_options(NO_EXTENDED_MASTER_SECRET)
        return context

    monkeypatch.setattr(aiortc.rtcdtlstransport.RTCCertificate, "_create_ssl_context", make_old)
    lasted = refused(up, call_log, role, "no-extended-master-secret")
    print(f"{role}: {lasted} ms")
    assert lasted < GIVES_UP_MILLISECONDS


def test_a_server_that_asks_for_no_certificate_is_heard(up, monkeypatch):
    """CertificateRequest is optional (RFC 5246, section 7.4.4)."""
    transport = aiortc.rtcdtlstransport.RTCDtlsTransport
    make = aiortc.rtcdtlstransport.RTCCertificate._create_ssl_context

    def make_incurious(*arguments, **named):
        context = make(*arguments, **named)
        context.set_verify(OpenSSL.SSL.VERIFY_NONE, lambda *_: True)
        return context

    monkeypatch.setattr(
        aiortc.rtcdtlstransport.RTCCertificate, "_create_ssl_context", make_incurious
    )
    # Ours is shown to nobody who does not ask.
    monkeypatch.setattr(transport, "_validate_peer_identity", lambda *_: None)

    async def call():
        async with peer.Call(up.url) as call:
            await call.start()
            await call.wait_connected()
            await call.hears(440)
            assert await call.hang_up() == 200

    asyncio.run(call())
