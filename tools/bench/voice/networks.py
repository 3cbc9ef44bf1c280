"""The networks: what happens to each packet, drawn from a seed, so that every call of every run
meets the same.

A plan is a text file for `way` (way.c says what its lines mean)."""

import dataclasses
import random

PACKETS_PER_SECOND = 50
MILLISECOND = 1000
LOST = -1
UP, DOWN = 0, 1


@dataclasses.dataclass(frozen=True)
class Network:
    """Jitter and lateness in milliseconds; loss as a share of packets."""

    name: str
    words: str
    loss: float = 0.0
    burst_lengths: tuple = ()
    jitter: float = 0.0
    reordered: float = 0.0
    holds: tuple = ()  # (seconds from one to the next, shortest ms, longest ms)
    kbit_per_second: int = 0
    queue: int = 600


ALL = {
    network.name: network
    for network in [
        Network("clean", "20 ms each way, as all of them have"),
        Network("jitter20", "each packet up to 20 ms later, in order", jitter=20),
        Network("jitter100", "each packet up to 100 ms later, in order", jitter=100),
        Network("spikes300", "each 5 s nothing arrives for 300 ms", holds=(5.0, 300, 300)),
        Network("reorder3", "3 % of the packets 30 to 60 ms late, behind others", reordered=0.03),
        Network("loss1", "1 % lost, each by itself", loss=0.01),
        Network("loss5", "5 % lost, each by itself", loss=0.05),
        Network("loss10", "10 % lost, each by itself", loss=0.10),
        Network("loss20", "20 % lost, each by itself", loss=0.20),
        Network("bursts5", "5 % lost, 3 to 8 in a row", loss=0.05, burst_lengths=(3, 8)),
        Network("cap40", "40 kbit/s with headers, a queue of 600 ms", kbit_per_second=40),
        Network(
            "wifi", "2 % lost, 1 to 4 in a row; 10 ms jitter; each 0.8 s nothing for up to 150 ms",
            loss=0.02, burst_lengths=(1, 4), jitter=10, holds=(0.8, 20, 150)),
    ]
}


def losses(network, random, count):
    """Whether each of `count` packets is lost."""
    if not network.burst_lengths:
        return [random.random() < network.loss for _ in range(count)]
    shortest, longest = network.burst_lengths
    # A burst begins so often that, in all, the wanted share is lost.
    mean = (shortest + longest) / 2
    chance = network.loss / (mean * (1 - network.loss))
    lost = []
    while len(lost) < count:
        if random.random() < chance:
            lost += [True] * random.randint(shortest, longest)
        # Two bursts never touch.
        lost.append(False)
    return lost[:count]


def fates(network, random, count):
    """Of each packet: LOST, or microseconds of delay."""
    found = []
    for is_lost in losses(network, random, count):
        late = random.random() * network.jitter
        if random.random() < network.reordered:
            late += 30 + 30 * random.random()
        found.append(LOST if is_lost else round(late * MILLISECOND))
    return found


def holds(network, random, seconds):
    """(start, end) in microseconds; nothing is held in the first second."""
    if not network.holds:
        return []
    step, shortest, longest = network.holds
    found, at = [], 1.0 + random.random() * step
    while at < seconds:
        length = random.uniform(shortest, longest) / 1000
        found.append((round(at * 1e6), round((at + length) * 1e6)))
        at += max(length, step * random.uniform(0.8, 1.2))
    return found


def plan(network, seed, seconds):
    """The text for `way`, for a run of so many seconds."""
    lines = []
    count = int(seconds * PACKETS_PER_SECOND * 1.2) + 100
    for direction in (UP, DOWN):
        # A name as seed: Python's own generator promises the same numbers in every version.
        def source(what):
            return random.Random(f"{network.name} {seed} {direction} {what}")

        first = fates(network, source("rtp"), count)
        # What is sent again in a burst falls into the same burst; else it has luck of its own.
        again = first if network.burst_lengths else fates(network, source("again"), count)
        keeps_order = int(not network.reordered)
        bits = network.kbit_per_second * 1000
        lines.append(f"direction {direction} {bits} {network.queue * MILLISECOND} {keeps_order}")
        lines += [f"hold {start} {end}" for start, end in holds(network, source("hold"), seconds)]
        for word, values in [
            ("rtp", first), ("again", again), ("rtcp", fates(network, source("rtcp"), count)),
        ]:
            lines.append(" ".join([word, *map(str, values)]))
    return "\n".join(lines) + "\n"
