"""Texts of WAV files (16 kHz, one channel), as JSON: run with the packages of tools/agent.

usage: recognise.py FOLDER-OF-THE-AGENT < LIST-OF-FILES"""

import asyncio
import json
import sys
import wave

import numpy

sys.path.insert(0, sys.argv[1])
from martlet_agent.recogniser import RecognitionFailed, Recogniser  # noqa: E402


async def main():
    recogniser, texts = Recogniser(threads=2), {}

    async def recognise(path):
        with wave.open(path) as file:
            samples = numpy.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        try:
            found = await recogniser.hypotheses(samples.astype(numpy.float32))
            texts[path] = found[0].text if found else ""
        except RecognitionFailed:
            texts[path] = ""

    await asyncio.gather(*map(recognise, sys.stdin.read().split("\n")))
    json.dump(texts, sys.stdout)


asyncio.run(main())
