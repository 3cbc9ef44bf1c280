"""A person talks to the agent and interrupts it: Chromium with a spoken microphone, which does what
the official JavaScript SDK does.

What is measured, by the page alone:
- when the interruption leaves: the first encoded frame with a voice on its way to the network,
- when it is silent: the last sample of the answer that comes out of the jitter buffer into Web
  Audio, whose own delay counts too,
- how much was heard: from the first to the last sample of the answer, on the sound card's clock.
Sound is what is louder than DIGITAL_SILENCE: the synthesiser's voice has a noise floor above it
even between words, so that only what is not played at all counts as silence.
"""

import json
import pathlib
import urllib.parse
import wave

from agent import Agent, spoken, words
from browsers import Browser
from martlet import MartletUp
from reports import ReportServer
from scenes import in_some_scene

PAGE = pathlib.Path(__file__).with_name("agent_page.html")
HTTP_PORT, MEDIA_PORT = 8097, 3497
RATE = 48_000
# Each interrupts the answer to the one before it.
QUESTIONS = [f"{word}, count from one to fifty" for word in ("No", "Hey", "Okay", "Wait", "Now")]
BEFORE_SECONDS, PERIOD_SECONDS = 2.0, 7.0
# Chromium's frames of digital silence are about 35 bytes long, those of a voice from 70 on.
VOICE_BYTES_MIN = 50
SDK_MILLISECONDS = 5_000
SESSION = {
    "type": "realtime",
    "instructions": "Be brief.",
    "audio": {
        "input": {
            "transcription": {"model": "gpt-4o-mini-transcribe"},
            "turn_detection": {"type": "semantic_vad"},
        }
    },
}

DIGITAL_SILENCE = 10 / 32768
# What is aimed at on a machine that keeps time; how many tries keep it is printed.
STOP_MILLISECONDS = 200
TRUNCATION_MILLISECONDS = 40
# What any machine keeps: the answer would go on for 20 s, and a truncation that is made up would be
# wrong by whole seconds.
STOP_MILLISECONDS_MAX = 1000
TRUNCATION_MILLISECONDS_MAX = 200
# A try counts only if the machine kept time: the sound card's clock and the wall's went together,
# and no packet of the answer came so late that the jitter buffer had to stretch the sound.
# Web Audio works in batches, so some 30 ms of slip are always there.
SLIP_MILLISECONDS_MAX = 45
ARRIVAL_MILLISECONDS_MAX = 50


class Report:
    """What the page saw and heard. Times are milliseconds since 1970, unless said otherwise."""

    def __init__(self, report):
        self.events = report["events"]
        self.sent = report["sent"]
        self.received = report["received"]
        # (the sound card's milliseconds, the wall's, the peak of what was received)
        self.levels = [
            (1000 * level[0] / RATE, level[1], level[-1]) for level in report["levels"]
        ]

    def of(self, kind):
        return [event for _, event in self.events if event["type"] == kind]

    def after(self, kind, moment):
        """When the first event of that kind came after a moment, and the event, if one did."""
        those = ((at, event) for at, event in self.events if event["type"] == kind)
        return next(((at, event) for at, event in those if at > moment), None)

    def interruptions(self):
        """When the first voice leaves after at least a second without; the first is a question."""
        voice = [at for at, _, length in self.sent if length >= VOICE_BYTES_MIN]
        return [at for before, at in zip(voice, voice[1:]) if at - before > 1000]

    def answers(self):
        """The levels of each answer: what stands between silences of at least a second."""
        answers = []
        for level in self.levels:
            if level[2] > DIGITAL_SILENCE:
                if not answers or level[0] - answers[-1][-1][0] > 1000:
                    answers.append([])
                answers[-1].append(level)
        return answers


class Try:
    """One interruption of an answer that was being heard."""

    def __init__(self, report, interrupted, answer):
        begin, end = answer[0], answer[-1]
        offsets = [level[1] - level[0] for level in answer]
        self.slip = max(offsets) - min(offsets)
        arrivals = [at for at, *_ in report.received if begin[1] - 100 < at < end[1]]
        self.late = max((later - at for at, later in zip(arrivals, arrivals[1:])), default=0)
        self.stopped_after = end[1] - interrupted
        self.heard = end[0] - begin[0]
        self.loudest = max(level[2] for level in answer)
        noticed = report.after("input_audio_buffer.speech_started", interrupted)
        truncated = report.after("conversation.item.truncated", interrupted)
        assert noticed and truncated, (interrupted, report.events)
        self.noticed_after = noticed[0] - interrupted
        self.truncated = truncated[1]["audio_end_ms"]

    @property
    def kept_time(self):
        return self.slip <= SLIP_MILLISECONDS_MAX and self.late <= ARRIVAL_MILLISECONDS_MAX

    @property
    def difference(self):
        return abs(self.truncated - self.heard)

    def __repr__(self):
        return (
            f"agent noticed after {self.noticed_after:.0f} ms, silent after"
            f" {self.stopped_after:.0f} ms; truncated at {self.truncated} ms, heard"
            f" {self.heard:.0f} ms; clocks slipped by {self.slip:.0f} ms, packets came"
            f" {self.late:.0f} ms apart at most"
        )


def tries(report):
    """All interruptions during which an answer was heard."""
    for interrupted in report.interruptions():
        for answer in report.answers():
            if answer[0][1] < interrupted < answer[-1][1] < interrupted + 2000:
                yield Try(report, interrupted, answer)


def microphone(path):
    """Writes what the person says: the question, and again and again while it is answered."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(bytes(2 * int(BEFORE_SECONDS * RATE)))
        for question in QUESTIONS:
            said = spoken(question, RATE, before=0, after=0)
            file.writeframes(said + bytes(2 * int(PERIOD_SECONDS * RATE) - len(said)))
    return BEFORE_SECONDS + PERIOD_SECONDS * (len(QUESTIONS) - 1) + 3


def call(url, path, sound):
    """One call from its offer to its hang-up, as the page reports it."""
    seconds = microphone(path)
    wanted = {"url": f"{url}/v1/realtime/calls", "key": "ek", "seconds": seconds,
              "session": SESSION}
    with ReportServer({"/": PAGE.read_text()}) as server:
        page = f"{server.url}/#{urllib.parse.quote(json.dumps(wanted))}"
        with Browser("chromium", page, sound, microphone=path) as browser:
            try:
                report = server.next_report(seconds + 60)
            except Exception as error:
                raise AssertionError(f"no report; the browser says:\n{browser.log()}") from error
    assert report["error"] is None, report["error"]
    assert (report["status"], report["hangup"]) == (201, 200)
    assert report["callId"].startswith("rtc_")
    assert report["updatedMs"] < SDK_MILLISECONDS
    return Report(report)


def check_words(report):
    """The agent heard the words, and said what was asked for."""
    name = "conversation.item.input_audio_transcription.completed"
    understood = [words(event["transcript"]) for event in report.of(name)]
    print(f"the agent heard {understood}")
    assert any(
        {"count", "from"} <= set(said) and {"fifty", "50"} & set(said) for said in understood)
    answers = [event["delta"] for event in report.of("response.output_audio_transcript.delta")]
    assert ["one", "two", "three", "four", "five"] in [words(text)[:5] for text in answers]


@in_some_scene
def check_a_call(path, sound):
    report = call(f"http://localhost:{HTTP_PORT}", path, sound)
    check_words(report)
    tried = list(tries(report))
    print(*tried, sep="\n")
    assert tried, "no answer was interrupted"
    timely = [one for one in tried if one.kept_time]
    prompt = sum(one.stopped_after <= STOP_MILLISECONDS for one in timely)
    right = sum(one.difference <= TRUNCATION_MILLISECONDS for one in timely)
    print(f"of {len(timely)} tries in which the machine kept time {prompt} fell silent within "
          f"{STOP_MILLISECONDS} ms and {right} were truncated within {TRUNCATION_MILLISECONDS} ms")
    assert any(one.loudest > 0.1 for one in tried), tried
    assert any(one.stopped_after <= STOP_MILLISECONDS_MAX for one in tried), tried
    assert any(one.difference <= TRUNCATION_MILLISECONDS_MAX for one in tried), tried


def test_chromium_asks_and_interrupts(tmp_path, sound):
    with Agent() as agent:
        service = ("--backend", "realtime", "--backend-url", agent.url)
        with MartletUp(*service, http_port=HTTP_PORT, media_port=MEDIA_PORT):
            check_a_call(tmp_path / "said.wav", sound)
