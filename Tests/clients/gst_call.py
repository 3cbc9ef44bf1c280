"""A call by GStreamer's webrtcbin over the HTTP API, for as long as its standard input is open.

usage: /usr/bin/python3 gst_call.py URL HERTZ

Says a tone; prints the call's path, then, of each second in which it heard something, one line of
JSON: how many packets came, the frequency, and the level in dB below a full-scale sine. A program
of its own, because GStreamer's Python bindings are Debian's and not on PyPI.
"""

import array
import json
import math
import sys
import threading
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

RATE = 48000
PAYLOAD_TYPE = 111
SPEAKER = f"""
    webrtcbin name=web bundle-policy=max-bundle
    audiotestsrc is-live=true wave=sine freq={{hertz}} volume=0.25
    ! audio/x-raw,rate={RATE},channels=1 ! opusenc ! rtpopuspay pt={PAYLOAD_TYPE}
    ! application/x-rtp,media=audio,encoding-name=OPUS,payload={PAYLOAD_TYPE} ! web.
"""
LISTENER = f"""
    rtpopusdepay name=first ! opusdec ! audioconvert
    ! audio/x-raw,format=S16LE,rate={RATE},channels=1
    ! fakesink name=ear signal-handoffs=true sync=false async=false
"""


class Call:
    def __init__(self, url, hertz):
        self.url = url
        self.pipeline = Gst.parse_launch(SPEAKER.format(hertz=hertz))
        self.web = self.pipeline.get_by_name("web")
        self.web.connect("on-negotiation-needed", self.offer)
        self.web.connect("notify::ice-gathering-state", self.post)
        self.web.connect("pad-added", self.listen)
        self.packets = 0
        self.samples = array.array("h")
        self.pipeline.set_state(Gst.State.PLAYING)

    def offer(self, web):
        web.emit("create-offer", None, Gst.Promise.new_with_change_func(self.take_offer))

    def take_offer(self, promise):
        reply = promise.get_reply()  # the offer lives in it
        offer = reply.get_value("offer")
        self.web.emit("set-local-description", offer, Gst.Promise.new())

    def post(self, web, _):
        if web.get_property("ice-gathering-state") != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            return
        offer = web.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(
            self.url, data=offer.encode(), headers={"Content-Type": "application/sdp"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            print(response.headers["Location"], flush=True)
            text = response.read()
        _, message = GstSdp.SDPMessage.new_from_text(text.decode())
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        web.emit("set-remote-description", answer, Gst.Promise.new())

    def listen(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        listener = Gst.parse_bin_from_description(LISTENER, False)
        listener.get_by_name("ear").connect("handoff", self.hear)
        entry = listener.get_by_name("first").get_static_pad("sink")
        entry.add_probe(Gst.PadProbeType.BUFFER, self.count)
        listener.add_pad(Gst.GhostPad.new("sink", entry))
        self.pipeline.add(listener)
        pad.link(listener.get_static_pad("sink"))
        listener.sync_state_with_parent()

    def count(self, *_):
        self.packets += 1
        return Gst.PadProbeReturn.OK

    def hear(self, _, buffer, __):
        self.samples.frombytes(buffer.extract_dup(0, buffer.get_size()))
        if len(self.samples) >= RATE:
            second = {"packets": self.packets, **described(self.samples[:RATE])}
            print(json.dumps(second), flush=True)
            del self.samples[:RATE]


def described(samples):
    """The frequency, by its upward crossings of zero, and the level."""
    crossings = sum(a < 0 <= b for a, b in zip(samples, samples[1:]))
    power = sum(sample * sample for sample in samples) / len(samples)
    level = 10 * math.log10(max(power, 1e-9) / (32767**2 / 2))
    return {"hertz": crossings * RATE / len(samples), "level_dbfs": round(level, 1)}


def main():
    Gst.init(None)
    call = Call(sys.argv[1], sys.argv[2])
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    loop.run()
    call.pipeline.set_state(Gst.State.NULL)


main()
