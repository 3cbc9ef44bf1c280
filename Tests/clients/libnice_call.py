"""Calls by GStreamer's webrtcbin, whose ICE is libnice: `libnice_call.py URL SECONDS`. Run by the
system's Python, which has the bindings. Prints the answer's candidates, and ends with status 0 when
voice has come back."""

import sys
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

PIPELINE = """
webrtcbin name=peer bundle-policy=max-bundle
audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay
    ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer.
"""
PACKETS_WANTED = 10
Type = GstWebRTC.WebRTCSDPType
# The bindings free what Python forgets, although a description still has it.
kept = []


def description(kind, text):
    _, message = GstSdp.SDPMessage.new_from_text(text)
    kept.append(message)
    return GstWebRTC.WebRTCSessionDescription.new(kind, message)


class Call:
    def __init__(self, url, seconds):
        self.url = url
        self.packets = 0
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(PIPELINE)
        self.peer = self.pipeline.get_by_name("peer")
        self.peer.connect("pad-added", self.take_pad)
        self.peer.connect("on-negotiation-needed", self.make_offer)
        GLib.timeout_add_seconds(seconds, self.loop.quit)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        self.state = self.peer.get_property("ice-connection-state").value_nick
        self.pipeline.set_state(Gst.State.NULL)

    def make_offer(self, peer):
        promise = Gst.Promise.new_with_change_func(self.take_offer, None)
        peer.emit("create-offer", None, promise)

    def take_offer(self, promise, _):
        # Each part belongs to the one before it, which therefore has to have a name.
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        text = offer.sdp.as_text()
        self.offer = description(Type.OFFER, text)
        self.peer.emit("set-local-description", self.offer, Gst.Promise.new())
        GLib.timeout_add(500, self.post, text)

    def post(self, text):
        headers = {"Content-Type": "application/sdp"}
        request = urllib.request.Request(self.url, data=text.encode(), headers=headers)
        answer = urllib.request.urlopen(request, timeout=60).read().decode()
        self.answer = description(Type.ANSWER, answer)
        self.peer.emit("set-remote-description", self.answer, Gst.Promise.new())
        for line in answer.splitlines():
            if line.startswith("a=candidate:"):
                print(line)
                self.peer.emit("add-ice-candidate", 0, line.removeprefix("a="))

    def take_pad(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        sink = Gst.ElementFactory.make("fakesink")
        sink.set_property("signal-handoffs", True)
        sink.set_property("sync", False)
        sink.connect("handoff", self.take_packet)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def take_packet(self, *_):
        self.packets += 1
        if self.packets >= PACKETS_WANTED:
            self.loop.quit()


Gst.init(None)
call = Call(sys.argv[1], int(sys.argv[2]))
print(f"ICE {call.state}, {call.packets} packets")
sys.exit(0 if call.packets >= PACKETS_WANTED else 1)
