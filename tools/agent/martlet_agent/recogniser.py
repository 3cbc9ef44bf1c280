"""Speech to text: the Moonshine model (base, English) that the wheel `moonshine_cpp` carries.

The wheel's own library decodes greedily, ends some utterances before their first word and aborts
the process on very short ones. So ONNX Runtime runs the model's two halves here, with a small beam
search: it never ends an utterance without a word, and it keeps the runners-up, for an agent that
knows what it is likely to be asked.
"""

import asyncio
import importlib.util
import pathlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy
import onnxruntime

from .audio import RATE, Samples

BEAM_WIDTH = 3
TOKENS_PER_SECOND = 6.5
"""The model says at most this many; more is a loop."""
TOKENS_MIN = 2
MARGIN_SECONDS = 0.15
"""Silence around what is recognised; the model has seen few words cut at their edges."""
SECONDS_MIN = 0.5
SECONDS_MAX = 30.0
START, END = 1, 2
LAYERS_SHAPE = (1, 8, 0, 52)


@dataclass(frozen=True)
class Hypothesis:
    """What may have been said, and the logarithm of how likely the model finds it."""

    text: str
    score: float


class RecognitionFailed(Exception):
    """The model made no text, or nobody wants it any more; says why."""


class Recogniser:
    """One model, shared by all calls, on a few threads of its own."""

    def __init__(self, threads: int) -> None:
        folder = _model_folder()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._encoder = onnxruntime.InferenceSession(folder / "encoder_model.ort", options)
        self._decoder = onnxruntime.InferenceSession(folder / "decoder_model_merged.ort", options)
        self._past = [name for name in _input_names(self._decoder) if name.startswith("past_")]
        self._words = _vocabulary((folder / "tokenizer.bin").read_bytes())
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="recogniser")
        self._decode(numpy.zeros(RATE, numpy.float32), threading.Event())  # the first is slow

    async def hypotheses(
        self, samples: Samples, abandoned: threading.Event | None = None
    ) -> list[Hypothesis]:
        """The likeliest texts, best first, without blocking the event loop."""
        loop = asyncio.get_running_loop()
        wanted = abandoned or threading.Event()
        try:
            return await loop.run_in_executor(self._threads, self._decode, samples, wanted)
        except RecognitionFailed:
            raise
        except Exception as error:  # ONNX Runtime has no common class of its own
            raise RecognitionFailed(f"the model failed: {error}") from error

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _decode(self, samples: Samples, abandoned: threading.Event) -> list[Hypothesis]:
        """Blocks for about a fifth of the audio's own time."""
        samples = _with_margins(samples)
        (encoded,) = self._encoder.run(None, {"input_values": samples[None]})
        beams = _Beams(self._past, encoded)
        for _ in range(int(len(samples) / RATE * TOKENS_PER_SECOND) + TOKENS_MIN):
            if abandoned.is_set():
                raise RecognitionFailed("nobody wants the text any more")
            logits, *present = self._decoder.run(None, beams.inputs())
            if beams.advance(logits[:, -1], present):
                break
        return [Hypothesis(self._text(tokens), score) for tokens, score in beams.results()]

    def _text(self, tokens: list[int]) -> str:
        text = b"".join(self._words[token] for token in tokens if token > END)
        return text.decode(errors="replace").replace("\N{LOWER ONE EIGHTH BLOCK}", " ").strip()


class _Beams:
    """The open and the ended hypotheses of one beam search, and the decoder's memory of them."""

    def __init__(self, past: list[str], encoded: numpy.ndarray) -> None:
        self._names = past
        self._encoded = encoded
        self._past = {name: numpy.zeros(LAYERS_SHAPE, numpy.float32) for name in past}
        self._open: list[tuple[list[int], float]] = [([START], 0.0)]
        self._ended: list[tuple[list[int], float]] = []
        self._steps = 0

    def inputs(self) -> dict[str, numpy.ndarray]:
        return {
            "input_ids": numpy.array([[tokens[-1]] for tokens, _ in self._open]),
            "encoder_hidden_states": self._encoded.repeat(len(self._open), 0),
            "use_cache_branch": numpy.array([self._steps > 0]),
            **self._past,
        }

    def advance(self, logits: numpy.ndarray, present: list[numpy.ndarray]) -> bool:
        """Takes the decoder's answer; true when no open hypothesis can win any more."""
        scores = logits - numpy.logaddexp.reduce(logits, axis=1, keepdims=True)
        if self._steps < TOKENS_MIN:
            scores[:, END] = -numpy.inf
        parents = self._choose(scores)
        self._remember(present, parents)
        self._steps += 1
        if not self._ended:
            return False
        best_ended = max(score for _, score in self._ended)
        return best_ended >= max(score for _, score in self._open)

    def results(self) -> list[tuple[list[int], float]]:
        return sorted(self._ended or self._open, key=lambda entry: -entry[1])

    def _choose(self, scores: numpy.ndarray) -> list[int]:
        """Replaces the open hypotheses by their best continuations; returns whose they are."""
        candidates = []
        for beam, (_, score) in enumerate(self._open):
            for token in numpy.argpartition(-scores[beam], BEAM_WIDTH + 1)[: BEAM_WIDTH + 1]:
                candidates.append((score + float(scores[beam, token]), beam, int(token)))
        chosen, parents = [], []
        for score, beam, token in sorted(candidates, reverse=True):
            if token == END:
                self._ended.append((self._open[beam][0], score))
                continue
            chosen.append(([*self._open[beam][0], token], score))
            parents.append(beam)
            if len(chosen) == BEAM_WIDTH:
                break
        self._open = chosen
        return parents

    def _remember(self, present: list[numpy.ndarray], parents: list[int]) -> None:
        """The encoder's keys come out of the first step only and are the same for every beam."""
        for name, value in zip(self._names, present, strict=True):
            if self._steps > 0 and ".encoder." in name:
                self._past[name] = self._past[name][:1].repeat(len(parents), 0)
            else:
                self._past[name] = value[parents]


def _model_folder() -> pathlib.Path:
    """Found without an import, which would load the wheel's own libraries."""
    found = importlib.util.find_spec("moonshine_cpp")
    if found is None or found.origin is None:
        raise RuntimeError("the Python package moonshine_cpp, which carries the model, is missing")
    return pathlib.Path(found.origin).parent / "models" / "base-en"


def _input_names(session: onnxruntime.InferenceSession) -> list[str]:
    return [entry.name for entry in session.get_inputs()]


def _with_margins(samples: Samples) -> Samples:
    samples = samples[: int(SECONDS_MAX * RATE)]
    missing = max(0, int(SECONDS_MIN * RATE) - len(samples))
    margin = int(MARGIN_SECONDS * RATE)
    return numpy.pad(samples, (margin, margin + missing)).astype(numpy.float32)


def _vocabulary(data: bytes) -> list[bytes]:
    """Each entry is its length (one byte, or two from 128 on, low seven bits first), then text."""
    words, place = [], 0
    while place < len(data):
        length = data[place]
        place += 1
        if length >= 128:
            length += (data[place] - 1) * 128
            place += 1
        words.append(data[place : place + length])
        place += length
    return words
