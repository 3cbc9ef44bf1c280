"""All runs, one after another, and their scores."""

import asyncio
import concurrent.futures
import contextlib
import os
import shutil
import time
import types

import figures
import material
import networks
import recording
import scoring
import servers
import way
from options import ROOT, say
from run import Call, Run


def scored(said, folder, direction, start, late):
    """In a process of its own. Leaves the sound of the whole and of each sentence in `folder`."""
    if direction == "up":
        found = recording.up(folder)
    else:
        found = recording.down(folder, start)
    found.late += late
    material.write_wav(folder / f"{direction}.wav", heard_since(found))
    score = scoring.score(said, found)
    for number, place in enumerate(score.places):
        if place:
            cut = found.samples[max(0, place[0]) : max(1, place[1])]
            material.write_wav(sentence_file(folder, direction, number), cut)
    return score


def sentence_file(folder, direction, number):
    return folder / f"{direction}-{number}.wav"


def heard_since(found):
    """From the moment at which the material began."""
    return found.samples[found.place_at(found.start) :]


class Bench:
    def __init__(self, wanted, folder):
        self.wanted, self.folder = wanted, folder
        self.samples, self.failures = [], []

    async def run(self):
        """(rows, failures)"""
        sources = ROOT / ".build" / "voice-material"
        said = material.make(sources, self.wanted.seconds)
        self.said = said
        page_sound = material.resampled(said.samples, material.RATE, recording.PAGE_RATE)
        material.write_wav(self.folder / "material.wav", page_sound, recording.PAGE_RATE)
        self.options = types.SimpleNamespace(
            folder=self.folder, material=said, programs=self.wanted.programs,
            martlet_options=self.wanted.martlet_option, way=way.build(self.folder))
        if self.wanted.listen:
            shutil.copyfile(self.folder / "material.wav", self.wanted.listen_folder / "said.wav")
        batches = self.batches()
        total = len(batches) * len(self.wanted.networks) * self.wanted.seeds
        number = 0
        async with contextlib.AsyncExitStack() as stack:
            running = {
                name: await stack.enter_async_context(servers.named(name, self.options))
                for name in self.wanted.servers
            }
            self.pool = stack.enter_context(
                concurrent.futures.ProcessPoolExecutor(min(2, len(os.sched_getaffinity(0)))))
            for seed in range(self.wanted.first_seed, self.wanted.first_seed + self.wanted.seeds):
                for name in self.wanted.networks:
                    for batch in batches:
                        number += 1
                        words = await self.one_run(networks.ALL[name], seed, batch, running)
                        say(f"{number} of {total}: {name}, seed {seed}: {words}")
        self.add_words()
        return figures.rows(self.samples), self.failures

    def batches(self):
        """Which calls are made at once: (server, client)."""
        calls = [
            (server, client) for client in self.wanted.clients for server in self.wanted.servers
            # The manners are for Martlet; the baselines are called as by anybody.
            if client == "plain" or server.startswith("martlet") or "plain" not in
            self.wanted.clients
        ]
        size = self.wanted.calls_at_once
        return [calls[place : place + size] for place in range(0, len(calls), size)]

    async def one_run(self, network, seed, batch, running):
        began = time.monotonic()
        folder = self.folder / f"{network.name}-{seed}"
        calls = []
        for number, (server, client) in enumerate(batch):
            own = folder / f"{server}-{client}"
            own.mkdir(parents=True, exist_ok=True)
            calls.append(Call(number, server, client, own))
        run = Run(network, seed, calls, running, self.options)
        await run.do()
        words = await self.score(run, calls)
        return f"{words}; {time.monotonic() - began:.0f} s"

    async def score(self, run, calls):
        start = run.start.result()
        late = recording.way_lateness(run.passed)
        tasks = []
        for call in calls:
            if call.failure:
                self.failures.append(
                    f"{run.network.name}, seed {run.seed}, {call.name}: {call.failure}")
                continue
            for direction in self.wanted.directions:
                tasks.append((call, direction, asyncio.get_running_loop().run_in_executor(
                    self.pool, scored, self.said, call.folder, direction, start, late)))
        words = []
        for call, direction, task in tasks:
            try:
                self.note(run, call, direction, await task)
            except recording.NothingHeard:
                self.failures.append(
                    f"{run.network.name}, seed {run.seed}, {call.name} {direction}: nothing heard")
                continue
            words.append(self.words_of(self.samples[-1]))
        if self.failures:
            words.append(f"{len(self.failures)} calls failed so far: {self.failures[-1]}")
        return ", ".join(words)

    def words_of(self, sample):
        pesq = figures.mean(sample.score.pesq)
        found = "-" if pesq is None else f"{pesq:.2f}"
        return f"{sample.server} ({sample.client}) {sample.direction} {found}"

    def note(self, run, call, direction, score):
        number = networks.UP if direction == "up" else networks.DOWN
        seconds = self.said.seconds + 1
        counts = figures.client_counts(call.folder / "page.json")
        self.samples.append(figures.Sample(
            run.network.name, run.seed, call.server, call.client, direction, score,
            kbit_per_second=figures.rate(run.passed, call.number, number, seconds),
            us_per_frame=run.us_per_frame.get(call.server), client_counts=counts[number],
            sounds=[
                sentence_file(call.folder, direction, i) if place else None
                for i, place in enumerate(score.places)
            ]))
        if self.wanted.listen:
            self.hand_out(run, call, direction)

    def hand_out(self, run, call, direction):
        folder = self.wanted.listen_folder
        name = f"{run.network.name}-{run.seed}-{call.server}-{call.client}-{direction}.wav"
        shutil.copyfile(call.folder / f"{direction}.wav", folder / name)

    def add_words(self):
        """The word error rates; behind all runs, because the recogniser takes all of the CPU."""
        if not self.wanted.wer:
            return
        import words

        words.rate(self.samples, self.said)
