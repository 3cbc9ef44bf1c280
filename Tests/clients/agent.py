"""The voice agent under test, and a person who talks to it over a WebSocket."""

import array
import base64
import contextlib
import json
import re
import subprocess
import threading
import time
from subprocess import PIPE

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from martlet import ROOT

AGENT = ROOT / "tools" / "agent" / "agent"
PIECE_SECONDS = 0.02
WAIT_SECONDS = 60
# The recogniser mishears some times of the day in the synthesiser's voice (`It is freaked well in
# the afternoon`); this is the one that it is surest of.
CLEAR_CLOCK, CLEAR_TIME = "12:00", "It is twelve o'clock in the afternoon."


class Agent:
    """One run of the agent on a free port; a context manager that stops it."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [str(AGENT), "--port", "0", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=PIPE,
            text=True,
        )
        self.url = None

    def __enter__(self):
        for line in self.process.stdout:
            match = re.match(r"martlet agent is ready: (ws://127\.0\.0\.1:\d+/v1/realtime)$", line)
            if match:
                self.url = match.group(1)
                return self
        raise AssertionError(f"the agent ended with status {self.process.wait()}")

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait(timeout=WAIT_SECONDS)
        self.process.stdout.close()
        assert status == 0, f"the agent ended with status {status}"


class Person:
    """One client: sends events, keeps every event that comes, in its order."""

    def __init__(self, agent, query="?model=any", **headers):
        self._connection = connect(
            agent.url + query, additional_headers=headers, max_size=None, compression=None,
            # An agent that finds words on a busy machine answers late.
            open_timeout=WAIT_SECONDS, ping_timeout=WAIT_SECONDS,
        )
        self._socket = self._connection.__enter__()
        self.events = []
        self.is_open = True
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        self.wait_for("session.created")
        return self

    def __exit__(self, *_):
        self._connection.__exit__(None, None, None)
        self._reader.join(timeout=WAIT_SECONDS)

    def _read(self):
        with contextlib.suppress(ConnectionClosed):
            for message in self._socket:
                with self._news:
                    self.events.append(json.loads(message))
                    self._news.notify_all()
        with self._news:
            self.is_open = False
            self._news.notify_all()

    def send(self, name, **fields):
        self._socket.send(json.dumps({"type": name, **fields}))

    def send_raw(self, message):
        self._socket.send(message)

    def wait_for(self, name, since=0, seconds=WAIT_SECONDS, **wanted):
        """The first event of that type, from the given place in the list on."""

        def found():
            for event in self.events[since:]:
                if event["type"] == name and wanted.items() <= event.items():
                    return event
            return None if self.is_open else {"type": "closed"}

        with self._news:
            event = self._news.wait_for(found, timeout=seconds)
        types = [event["type"] for event in self.events[since:]]
        assert event and event["type"] == name, f"no {name}, but {types}"
        return event

    def update(self, **session):
        since = len(self.events)
        self.send("session.update", session={"type": "realtime", **session})
        return self.wait_for("session.updated", since)["session"]

    def append(self, data):
        self.send("input_audio_buffer.append", audio=base64.b64encode(data).decode())

    def talk(self, data, rate, sample_bytes=2):
        """Speaks as a person does: a piece every 20 ms, never faster than real time."""
        step = int(rate * PIECE_SECONDS) * sample_bytes
        started = time.monotonic()
        for number, start in enumerate(range(0, len(data), step)):
            self.append(data[start : start + step])
            time.sleep(max(0, started + (number + 1) * PIECE_SECONDS - time.monotonic()))

    def ask(self, text):
        """Types a question and returns the typed answer."""
        since = len(self.events)
        part = {"type": "input_text", "text": text}
        item = {"type": "message", "role": "user", "content": [part]}
        self.send("conversation.item.create", item=item)
        self.send("response.create", response={"output_modalities": ["text"]})
        self.wait_for("response.done", since)
        return self.wait_for("response.output_text.done", since)["text"]

    def types(self, since=0):
        return [event["type"] for event in self.events[since:]]

    def answer_audio(self, response_id):
        return b"".join(
            base64.b64decode(event["delta"])
            for event in self.events
            if event["type"] == "response.output_audio.delta"
            and event["response_id"] == response_id
        )

    def answer_text(self, response_id):
        return "".join(
            event["delta"]
            for event in self.events
            if event["type"] == "response.output_audio_transcript.delta"
            and event["response_id"] == response_id
        )


def spoken(text, rate, before=0.3, after=1.0, encoding="signed-integer", bits=16):
    """espeak-ng's voice as raw samples at a rate, between two silences (in seconds)."""
    said = subprocess.run(["espeak-ng", "-s", "150", "--stdout", text], stdout=PIPE, check=True)
    form = ["-t", "raw", "-e", encoding, "-b", str(bits), "-r", str(rate), "-c", "1"]
    command = ["sox", "--ignore-length", "-t", "wav", "-", "-D", *form, "-"]
    command += ["pad", str(before), str(after)]
    return subprocess.run(command, input=said.stdout, stdout=PIPE, check=True).stdout


def silence(seconds, rate):
    return bytes(int(seconds * rate) * 2)


def loudness(data):
    """Root mean square of 16-bit samples."""
    samples = array.array("h", data)
    return (sum(sample * sample for sample in samples) / max(1, len(samples))) ** 0.5


def words(text):
    return re.sub(r"[^a-z0-9 ]", "", text.lower().replace("-", " ")).split()


def word_errors(said, heard):
    """The words to change, add or leave out (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        above, row[0] = row[0], number
        for place, other in enumerate(heard, 1):
            above, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, above + (word != other)),
            )
    return row[-1]


def came_through(said, heard):
    """Whether more than half of the words did. Which single ones a recogniser gets wrong hangs on
    the channel, the processor and the model; of noise or of other words it gets all wrong."""
    return word_errors(words(said), words(heard)) < len(words(said)) / 2


def listened(agent, audio):
    """What somebody else understands of 24 kHz sound: one more caller of the agent."""
    with Person(agent) as listener:
        listener.update(audio={"input": {"turn_detection": None}})
        listener.append(audio)
        listener.send("input_audio_buffer.commit")
        name = "conversation.item.input_audio_transcription.completed"
        return listener.wait_for(name)["transcript"]
