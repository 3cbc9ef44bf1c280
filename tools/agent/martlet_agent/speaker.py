"""Text to speech: flite, which carries its voices, one process for each clause.

A process can be killed in the middle of a clause, and one that crashes takes no call with it.
"""

import asyncio
import re

import numpy

from .audio import RATE, Samples

VOICES = ("slt", "rms", "awb")
"""The voices of flite that speak at 16 kHz."""
CLAUSE_CHARACTERS_MIN = 24
CLAUSE_CHARACTERS_MAX = 160
SYNTHESIS_SECONDS_MAX = 30
WAVE_HEADER_BYTES = 44


class SpeechFailed(Exception):
    """The synthesiser made no sound; says why."""


def clauses(text: str) -> list[str]:
    """The text in pieces that can be spoken one after the other, the first ones short."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    pieces: list[str] = []
    for piece in re.findall(r"[^.,;:!?]+[.,;:!?]*\s*", text):
        if pieces and len(pieces[-1]) < CLAUSE_CHARACTERS_MIN:
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return [part for piece in pieces for part in _bounded(piece.strip()) if part]


def _bounded(piece: str) -> list[str]:
    """A piece without a comma is cut between words."""
    parts = []
    while len(piece) > CLAUSE_CHARACTERS_MAX:
        cut = piece.rfind(" ", 1, CLAUSE_CHARACTERS_MAX)
        cut = CLAUSE_CHARACTERS_MAX if cut < 0 else cut
        parts.append(piece[:cut])
        piece = piece[cut:].strip()
    return [*parts, piece]


async def speech(clause: str, voice: str) -> Samples:
    """The clause's sound at 16 kHz. Cancelling the call kills the process."""
    flite = await asyncio.create_subprocess_exec(
        *("flite", "-voice", voice if voice in VOICES else VOICES[0]),
        *("-t", clause, "-o", "/dev/stdout"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(SYNTHESIS_SECONDS_MAX):
            wave, _ = await flite.communicate()
    except TimeoutError as error:
        raise SpeechFailed("the speech synthesiser took too long") from error
    finally:
        if flite.returncode is None:
            flite.kill()
            await flite.wait()
    if flite.returncode != 0 or len(wave) <= WAVE_HEADER_BYTES:
        raise SpeechFailed(f"the speech synthesiser failed with status {flite.returncode}")
    rate = int.from_bytes(wave[24:28], "little")
    if rate != RATE:
        raise SpeechFailed(f"the speech synthesiser speaks at {rate} Hz, not at {RATE} Hz")
    return numpy.frombuffer(wave[WAVE_HEADER_BYTES:], "<i2").astype(numpy.float32) / 32768
