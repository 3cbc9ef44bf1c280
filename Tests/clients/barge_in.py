"""What the page heard and said, and what a tap saw of it, put together: one interruption after the
other, with the time that each stage of its way took.

All times are milliseconds since 1970, as every process of the machine has them.
"""

import array
import base64
import bisect
import dataclasses
import math
import statistics

# What counts as sound, in the page, above some 100 Hz. The synthesiser's voice has a noise floor
# above it even between words, so that only what is not played at all is silent.
DIGITAL_SILENCE = 10 / 32768
# What counts as sound when it has been through Opus, as a 16-bit sample.
AUDIBLE_PEAK = 60
SAMPLES_PER_MILLISECOND = 48
FRAME_MILLISECONDS = 20
FRAME_UNITS = FRAME_MILLISECONDS * SAMPLES_PER_MILLISECOND
# Chromium's frames of digital silence are about 35 bytes long, those of a voice from 50 on.
VOICE_BYTES_MIN = 50
# A frame of one byte says that a pause begins, or goes on (`AudioSender`).
PAUSE_BYTES = 1
# A pause between two questions, or two answers.
PAUSE_MILLISECONDS = 1000
# Who neither captures nor plays for so long does not keep time.
STALL_MILLISECONDS = 60
# The pieces among which the most punctual is looked for, to know when each was due.
NEIGHBOURS = 60
# Threads that wake one after the other: Chromium's for capture, for encoding and for the network,
# the relay, the shard, the line to the service, the agent, and the same back to the jitter buffer.
HAND_OVERS = 12
STAGES = ("to a packet", "to the service", "noticed", "to a silent packet", "to silence", "in all")


@dataclasses.dataclass
class Sound:
    """What is between two long silences of a track."""

    begins: float
    ends: float
    # The same by the track's own count of samples, without any clock.
    length: float


class Track:
    """A track's pieces as the page read them, and the sounds in them."""

    def __init__(self, pieces, is_captured):
        self.read = [piece[0] for piece in pieces]
        places, place = [], 0.0
        for _, count, *_ in pieces:
            places.append(place)
            place += count / SAMPLES_PER_MILLISECOND
        # A piece that is captured is read when its last sample is there, one that is played when
        # its first one is.
        late = [read - place for read, place in zip(self.read, places)]
        self.sounds, last = [], None
        for index, (_, count, first, final) in enumerate(pieces):
            if first < 0:
                continue
            clock = min(late[max(0, index - NEIGHBOURS) : index + NEIGHBOURS])
            clock -= count / SAMPLES_PER_MILLISECOND if is_captured else 0
            begin = places[index] + first / SAMPLES_PER_MILLISECOND
            end = places[index] + (final + 1) / SAMPLES_PER_MILLISECOND
            if last is None or begin - last > PAUSE_MILLISECONDS:
                self.sounds.append(Sound(clock + begin, clock + end, end - begin))
                start = begin
            self.sounds[-1].ends, self.sounds[-1].length = clock + end, end - start
            last = end

    def stall(self, begin, end):
        """The longest time without a piece between two moments."""
        reads = [read for read in self.read if begin <= read <= end]
        return max((later - read for read, later in zip(reads, reads[1:])), default=end - begin)


def spurts(received):
    """The RTP timestamps of each talk spurt's frames, of the [RTP timestamp, bytes] that came."""
    found = [[]]
    for timestamp, size in received:
        if size > PAUSE_BYTES:
            found[-1].append(timestamp)
        elif found[-1]:
            found.append([])
    return found


def peak(event):
    """The loudest sample of an `input_audio_buffer.append`."""
    return max(map(abs, array.array("h", base64.b64decode(event["audio"]))))


class Call:
    """One call: the page's report, and what the tap saw of the media port and of the service's."""

    def __init__(self, report, tap, metronome, media_port, service_port):
        self.metronome = metronome
        self.spoken = Track(report["spoken"], is_captured=True)
        self.heard = Track(report["heard"], is_captured=False)
        self.buffer = report["buffer"]
        self.spurts = spurts(report["received"])
        voices = {timestamp for timestamp, size in report["sent"] if size >= VOICE_BYTES_MIN}
        self.up = tap.rtp(target=media_port)
        self.voices = [packet for packet in self.up if packet.timestamp in voices]
        self.down = tap.rtp(source=media_port)
        self.said = tap.events(target=service_port)
        self.news = tap.events(source=service_port)
        self.appends = [
            at for at, event in self.said
            if event["type"] == "input_audio_buffer.append" and peak(event) > AUDIBLE_PEAK
        ]

    def interruptions(self):
        """Those of an answer that was being heard; the first sound is a question."""
        for spoken in self.spoken.sounds[1:]:
            for answer in self.heard.sounds:
                if answer.begins < spoken.begins < answer.ends:
                    yield Interruption(self, spoken, answer)

    def received(self, begin, end):
        """Milliseconds of an answer that came to the client: its talk spurts began after `begin`,
        and what was sent after `end` is the silence that follows it.

        What is next to silent within an answer is not sent, but is a part of it; and a packet may
        have several frames, as many as the one before it.
        """
        sent = {packet.timestamp: packet.at for packet in self.down}
        times = [
            time for spurt in self.spurts if spurt and begin < sent.get(spurt[0], 0) < end
            for time in spurt if sent.get(time, math.inf) < end
        ]
        if not times:
            return 0
        final = times[-1] - times[-2] if len(times) > 1 else FRAME_UNITS
        return (times[-1] - times[0] + final) // SAMPLES_PER_MILLISECOND

    def buffer_at(self, moment):
        """The jitter buffer's figures, as they were noted next to a moment."""
        return min(self.buffer, key=lambda note: abs(note[0] - moment))


def first(events, kind, moment):
    """When the first event of a kind came after a moment, and the event; never, and none."""
    those = ((at, event) for at, event in events if event["type"] == kind and at > moment)
    return next(those, (math.inf, {}))


def after(moments, moment):
    """The first that is later."""
    place = bisect.bisect(moments, moment)
    return moments[place] if place < len(moments) else math.inf


class Interruption:
    """How long it took until the person was left in peace, and what the agent was told."""

    def __init__(self, call, spoken, answer):
        moment = spoken.begins
        appended = after(call.appends, moment)
        packet = after([packet.at for packet in call.voices], moment)
        noticed, _ = first(call.news, "input_audio_buffer.speech_started", moment)
        silent = after([packet.at for packet in call.down], noticed)
        told, event = first(call.said, "conversation.item.truncate", moment)
        moments = [moment, min(packet, appended), appended, noticed, silent, answer.ends]
        self.stages = [later - at for at, later in zip(moments, moments[1:])]
        self.stages.append(answer.ends - moment)
        self.truncated = event.get("audio_end_ms", math.inf)
        self.heard = answer.length
        # The jitter buffer is never so deep.
        self.received = call.received(answer.begins - PAUSE_MILLISECONDS, told)
        before, later = call.buffer_at(answer.begins - 200), call.buffer_at(answer.ends + 200)
        self.changes = [end - begin for begin, end in zip(before[1:4], later[1:4])]
        waits = [later[place] - before[place] for place in (4, 5)]
        self.depth = waits[0] / max(1, waits[1])
        self.stall = max(
            track.stall(moment - 1000, answer.ends) for track in (call.spoken, call.heard))
        self.late = call.metronome.late(answer.begins, answer.ends)

    @property
    def stopped_after(self):
        return self.stages[-1]

    @property
    def allowance(self):
        """What the machine itself added, by waking everybody late; next to nothing on an idle one.

        The jitter buffer is deeper then, too.
        """
        return HAND_OVERS * self.late

    @property
    def sounded(self):
        """How long the sound was before the jitter buffer shortened and stretched it."""
        taken, put, made = self.changes
        return self.heard + taken - put - made

    @property
    def kept_time(self):
        """The browser did; else what it measures is its own troubles."""
        return self.stall <= STALL_MILLISECONDS

    def __str__(self):
        taken, put, made = self.changes
        return (
            f"{row(self.stages)}  truncated {self.truncated:5}, received {self.received:5}, heard"
            f" {self.heard:6.0f} ms; buffer {self.depth:3.0f} ms deep, took away {taken:.0f},"
            f" put in {put:.0f}, made up {made:.0f} ms; longest stall {self.stall:.0f}"
            f" ms; everybody woken {self.late:.1f} ms late"
        )


def row(values):
    return "".join(f"{value:{len(name) + 3}.0f}" for name, value in zip(STAGES, values))


def table(made):
    """A line for each interruption, and the medians and the worst of the stages."""
    columns = list(zip(*(one.stages for one in made)))
    return "\n".join([
        "milliseconds from the person's first sound:",
        "".join(f"{name:>{len(name) + 3}}" for name in STAGES),
        *(str(one) for one in made),
        f"{row(map(statistics.median, columns))}  medians",
        f"{row(map(max, columns))}  worst",
    ])
