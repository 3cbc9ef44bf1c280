"""A plain voice bot on GStreamer's webrtcbin, as most are written: it says the material, and notes
what it hears. Runs with Debian's Python: GStreamer's bindings are not on PyPI.

usage: /usr/bin/python3 bot_gstreamer.py ADDRESS FOLDER MATERIAL.s16

As bot_aiortc.py."""

import http.server
import pathlib
import sys
import threading
import time

import gi

from sound import PIECE_SECONDS, Heard, Pace

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

RATE = 16000
PIECE_NANOSECONDS = round(1e9 * PIECE_SECONDS)
PIECE_BYTES = 2 * round(RATE * PIECE_SECONDS)
CAPS = f"audio/x-raw,format=S16LE,layout=interleaved,rate={RATE},channels=1"
SPEAKER = f"""
    webrtcbin name=web bundle-policy=max-bundle
    appsrc name=mouth is-live=true format=time caps={CAPS}
    ! opusenc bitrate=32000 ! rtpopuspay pt={{payload_type}}
    ! application/x-rtp,media=audio,encoding-name=OPUS,payload={{payload_type}} ! web.
"""
LISTENER = f"""
    rtpopusdepay name=first ! opusdec ! audioconvert ! audioresample ! {CAPS}
    ! appsink name=ear emit-signals=true sync=false
"""


class Bot:
    def __init__(self, folder, data):
        self.folder, self.data = folder, data
        self.heard = Heard(RATE)
        self.told = None
        self.lateness = []

    def offer(self, text):
        """The answer, when all candidates are gathered."""
        self.gathered = threading.Event()
        payload_type = opus_payload_type(text)
        self.pipeline = Gst.parse_launch(SPEAKER.format(payload_type=payload_type))
        self.web = self.pipeline.get_by_name("web")
        self.web.connect("pad-added", self.listen)
        self.web.connect("notify::ice-gathering-state", self.note_gathering)
        self.pipeline.set_state(Gst.State.PLAYING)
        threading.Thread(target=self.speak, daemon=True).start()
        _, message = GstSdp.SDPMessage.new_from_text(text)
        offer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, message)
        self.wait_for("set-remote-description", offer)
        reply = self.wait_for("create-answer", None)
        self.wait_for("set-local-description", reply.get_value("answer"))
        if not self.gathered.wait(20):
            raise RuntimeError("no candidates")
        return self.web.get_property("local-description").sdp.as_text()

    def wait_for(self, signal, argument):
        promise = Gst.Promise.new()
        self.web.emit(signal, argument, promise)
        promise.wait()
        # What the reply holds lives in the promise.
        self.promise = promise
        return promise.get_reply()

    def note_gathering(self, web, _):
        state = web.get_property("ice-gathering-state")
        if state == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            self.gathered.set()

    def speak(self):
        """Silence, then the material, in real time."""
        mouth = self.pipeline.get_by_name("mouth")
        pace, place, first = Pace(time.time()), None, None
        while True:
            if self.told and self.told <= time.time() + PIECE_SECONDS:
                pace, self.told, place = Pace(self.told), None, 0
                self.lateness = pace.lateness
            time.sleep(pace.wait)
            piece = b""
            if place is not None:
                piece = self.data[place : place + PIECE_BYTES]
                place += PIECE_BYTES
            piece = piece.ljust(PIECE_BYTES, b"\0")
            buffer = Gst.Buffer.new_wrapped(piece)
            # Stamped by number: stamps by the moment of pushing would shake, and opusenc with them.
            if first is None:
                first, number = self.running_time(), 0
            buffer.pts = first + number * PIECE_NANOSECONDS
            buffer.duration = PIECE_NANOSECONDS
            number += 1
            mouth.emit("push-buffer", buffer)
            pace.given()

    def running_time(self):
        return self.pipeline.get_clock().get_time() - self.pipeline.get_base_time()

    def listen(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        listener = Gst.parse_bin_from_description(LISTENER, False)
        listener.get_by_name("ear").connect("new-sample", self.hear)
        entry = listener.get_by_name("first").get_static_pad("sink")
        listener.add_pad(Gst.GhostPad.new("sink", entry))
        self.pipeline.add(listener)
        pad.link(listener.get_static_pad("sink"))
        listener.sync_state_with_parent()

    def hear(self, ear):
        buffer = ear.emit("pull-sample").get_buffer()
        self.heard.take(buffer.extract_dup(0, buffer.get_size()))
        return Gst.FlowReturn.OK

    def go(self, text):
        self.told = float(text)
        return ""

    def finish(self, _):
        self.heard.write(self.folder, "heard", lateness=self.lateness)
        return ""


def opus_payload_type(offer):
    for line in offer.splitlines():
        if line.startswith("a=rtpmap:") and "opus/48000" in line.lower():
            return int(line.split(":")[1].split()[0])
    raise RuntimeError("the offer has no Opus")


def serve(bot):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            body = getattr(bot, self.path[1:])(text).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)


def main(address, folder, material):
    Gst.init(None)
    serve(Bot(folder, pathlib.Path(material).read_bytes()))
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    loop.run()


main(*sys.argv[1:])
