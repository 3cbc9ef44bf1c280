"""A session's settings: what `session.update` changes and `session.updated` tells.

What the agent cannot do (tools, noise reduction, a voice it has not) it does not claim: the
settings that it sends back are the ones in force.
"""

from dataclasses import dataclass, replace
from typing import Any

from .audio import PCM_RATES, AudioFormat
from .events import Problem
from .speaker import VOICES
from .voice_activity import TurnRules

MODEL = "martlet-agent"
TRANSCRIPTION = "moonshine-base-en"
INSTRUCTIONS_CHARACTERS_MAX = 65_536
EAGERNESS_SILENCE_MILLISECONDS = {"low": 1000, "medium": 500, "auto": 500, "high": 300}
OLDER_FORMATS = {
    "pcm16": AudioFormat(),
    "g711_ulaw": AudioFormat("audio/pcmu", 8000),
    "g711_alaw": AudioFormat("audio/pcma", 8000),
}


@dataclass(frozen=True)
class TurnDetection:
    """Whether the agent finds the turns by itself, and what it does when it has found one."""

    kind: str = "server_vad"
    rules: TurnRules = TurnRules()
    eagerness: str = "auto"
    creates_response: bool = True
    interrupts_response: bool = True

    def as_json(self) -> dict[str, object]:
        own: dict[str, object] = (
            {"eagerness": self.eagerness}
            if self.kind == "semantic_vad"
            else {
                "threshold": self.rules.threshold,
                "prefix_padding_ms": self.rules.prefix_milliseconds,
                "silence_duration_ms": self.rules.silence_milliseconds,
                "idle_timeout_ms": None,
            }
        )
        return {
            "type": self.kind,
            **own,
            "create_response": self.creates_response,
            "interrupt_response": self.interrupts_response,
        }


@dataclass(frozen=True)
class Settings:
    """One session's settings. A change makes a new value."""

    input: AudioFormat = AudioFormat()
    output: AudioFormat = AudioFormat()
    turns: TurnDetection | None = TurnDetection()
    transcribes: bool = True
    voice: str = VOICES[0]
    speaks: bool = True
    instructions: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "type": "realtime",
            "object": "realtime.session",
            "model": MODEL,
            "output_modalities": ["audio" if self.speaks else "text"],
            "instructions": self.instructions,
            "audio": {
                "input": {
                    "format": self.input.as_json(),
                    "transcription": {"model": TRANSCRIPTION} if self.transcribes else None,
                    "noise_reduction": None,
                    "turn_detection": self.turns.as_json() if self.turns else None,
                },
                "output": {"format": self.output.as_json(), "voice": self.voice, "speed": 1.0},
            },
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
        }


def changed(settings: Settings, update: object) -> Settings:
    """The settings after a `session.update`, of today's shape or of the older flat one."""
    session = _object(update, "session")
    if session.get("type", "realtime") != "realtime":
        raise _wrong("session.type", 'only sessions of the type "realtime" are served')
    audio = _object(session.get("audio", {}), "session.audio")
    heard = _object(audio.get("input", {}), "session.audio.input")
    said = _object(audio.get("output", {}), "session.audio.output")
    for source, flat in ((heard, "input_audio_format"), (said, "output_audio_format")):
        if flat in session:
            source.setdefault("format", session[flat])
    for name, older in (
        ("turn_detection", "turn_detection"),
        ("transcription", "input_audio_transcription"),
    ):
        if older in session:
            heard.setdefault(name, session[older])
    if "voice" in session:
        said.setdefault("voice", session["voice"])
    return _with_output(_with_input(_with_words(settings, session), heard), said)


def _with_words(settings: Settings, session: dict[str, Any]) -> Settings:
    modalities = session.get("output_modalities", session.get("modalities"))
    if modalities is not None:
        settings = replace(settings, speaks=speaks(modalities, "session.output_modalities"))
    instructions = session.get("instructions", settings.instructions)
    if not isinstance(instructions, str) or len(instructions) > INSTRUCTIONS_CHARACTERS_MAX:
        raise _wrong("session.instructions", "instructions are a text of bounded length")
    return replace(settings, instructions=instructions)


def _with_input(settings: Settings, heard: dict[str, Any]) -> Settings:
    if "format" in heard:
        wanted = _format(heard["format"], settings.input, "session.audio.input.format")
        settings = replace(settings, input=wanted)
    if "transcription" in heard:
        settings = replace(settings, transcribes=heard["transcription"] is not None)
    if "turn_detection" in heard:
        settings = replace(settings, turns=_turns(heard["turn_detection"]))
    return settings


def _with_output(settings: Settings, said: dict[str, Any]) -> Settings:
    if "format" in said:
        wanted = _format(said["format"], settings.output, "session.audio.output.format")
        settings = replace(settings, output=wanted)
    if said.get("voice") in VOICES:
        settings = replace(settings, voice=said["voice"])
    return settings


def speaks(modalities: object, param: str) -> bool:
    """Whether the answers are to be heard; with `["text"]` they are to be read."""
    if not isinstance(modalities, list) or not set(map(str, modalities)) <= {"audio", "text"}:
        raise _wrong(param, 'modalities are a list of "audio" or "text"')
    return "audio" in modalities or not modalities


def _format(value: object, before: AudioFormat, param: str) -> AudioFormat:
    if isinstance(value, str) and value in OLDER_FORMATS:
        return OLDER_FORMATS[value]
    form = _object(value, param)
    kind = form.get("type", before.kind)
    if kind in ("audio/pcmu", "audio/pcma"):
        return AudioFormat(kind, 8000)
    rate = form.get("rate", before.rate if before.kind == "audio/pcm" else 24_000)
    if kind != "audio/pcm" or rate not in PCM_RATES:
        raise _wrong(param, "audio is audio/pcm at 24000, 16000 or 8000, audio/pcmu or audio/pcma")
    return AudioFormat(kind, int(rate))


def _turns(value: object) -> TurnDetection | None:
    if value is None:
        return None
    place = "session.audio.input.turn_detection"
    wanted = _object(value, place)
    kind = wanted.get("type", "server_vad")
    turns = TurnDetection(
        kind=kind,
        creates_response=_truth(wanted, "create_response", place),
        interrupts_response=_truth(wanted, "interrupt_response", place),
    )
    if kind == "semantic_vad":
        eagerness = wanted.get("eagerness", "auto")
        if eagerness not in EAGERNESS_SILENCE_MILLISECONDS:
            raise _wrong(f"{place}.eagerness", "eagerness is low, medium, high or auto")
        silence = EAGERNESS_SILENCE_MILLISECONDS[eagerness]
        rules = TurnRules(silence_milliseconds=silence)
        return replace(turns, eagerness=eagerness, rules=rules)
    if kind != "server_vad":
        raise _wrong(f"{place}.type", "turn_detection is server_vad, semantic_vad or null")
    standard = TurnRules()
    return replace(
        turns,
        rules=TurnRules(
            threshold=_number(wanted, "threshold", standard.threshold, (0, 1), place),
            prefix_milliseconds=int(
                _number(wanted, "prefix_padding_ms", standard.prefix_milliseconds, (0, 5000), place)
            ),
            silence_milliseconds=int(
                _number(
                    wanted, "silence_duration_ms", standard.silence_milliseconds, (100, 6000), place
                )
            ),
        ),
    )


def _number(
    source: dict[str, Any], name: str, standard: float, limits: tuple[float, float], place: str
) -> float:
    value = source.get(name, standard)
    least, most = limits
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise _wrong(f"{place}.{name}", f"{name} is a number from {least:g} to {most:g}")
    return value


def _truth(source: dict[str, Any], name: str, place: str) -> bool:
    value = source.get(name, True)
    if not isinstance(value, bool):
        raise _wrong(f"{place}.{name}", f"{name} is true or false")
    return value


def _object(value: object, param: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(param, f"{param} must be an object")
    return dict(value)


def _wrong(param: str, message: str) -> Problem:
    return Problem("invalid_value", message, param)
