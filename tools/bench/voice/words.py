"""The word error rate: what tools/agent's offline recogniser understands of what was heard.

The recogniser has Python packages of its own (tools/agent/requirements.txt), so it runs as another
process, recognise.py."""

import json
import re
import subprocess

from options import ROOT, recogniser_python, say

# The recogniser writes some numbers as digits.
NUMBERS = {"17": "seventeen", "42": "forty two", "4": "four"}
CONTRACTIONS = {"mr": "mister"}


def words_of(text):
    found = []
    for word in re.findall(r"[a-z0-9']+", text.lower().replace("-", " ")):
        found += CONTRACTIONS.get(word, NUMBERS.get(word, word)).split()
    return found


def distance(said, heard):
    """How many words have to be put in, taken out or changed (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def error_rate(pairs):
    """Percent, of (said, heard) texts."""
    errors = sum(distance(words_of(said), words_of(heard)) for said, heard in pairs)
    count = sum(len(words_of(said)) for said, _ in pairs)
    return 100 * errors / count if count else None


def rate(samples, material):
    """Fills in the rates. Each sample has `sounds`: a WAV file for each sentence, or None where it
    was thrown away."""
    files = [str(file) for sample in samples for file in sample.sounds if file]
    say(f"recognising {len(files)} sentences")
    process = subprocess.run(
        [str(recogniser_python()), str(ROOT / "tools/bench/voice/recognise.py"),
         str(ROOT / "tools/agent")],
        input="\n".join(files), stdout=subprocess.PIPE, text=True, check=True)
    texts = json.loads(process.stdout)
    for sample in samples:
        sample.wer = error_rate([
            (utterance.text, texts[str(file)])
            for utterance, file in zip(material.utterances, sample.sounds, strict=True) if file])
