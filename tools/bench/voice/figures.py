"""From the scores of all runs to rows: one for each network, call and direction."""

import dataclasses
import json
import math
import statistics

import networks
import targets

HEADER_BYTES = 28
WINDOW_STEP_MS = 100


@dataclasses.dataclass
class Sample:
    """One direction of one call of one run."""

    network: str
    seed: int
    server: str
    client: str
    direction: str
    score: object
    wer: float | None = None
    kbit_per_second: float | None = None
    us_per_frame: float | None = None
    client_counts: dict = dataclasses.field(default_factory=dict)
    sounds: list = dataclasses.field(default_factory=list)


def percentile(values, share):
    """None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def mean(values):
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def error(values):
    """One standard error of the mean; None of fewer than two."""
    known = [value for value in values if value is not None]
    return statistics.stdev(known) / math.sqrt(len(known)) if len(known) > 1 else None


def each_ten_seconds(scores):
    """The delay's p50 from 0 to 10 s, from 10 to 20 s and so on, over all seeds."""
    found = {}
    for score in scores:
        for at, delay in score.delays:
            found.setdefault(int(at // 10), []).append(delay)
    return [percentile(found.get(step, []), 0.5) for step in range(max(found, default=-1) + 1)]


def rows(samples):
    """In the order in which they were measured."""
    groups = {}
    for sample in samples:
        key = (sample.network, sample.server, sample.client, sample.direction)
        groups.setdefault(key, []).append(sample)
    found = [row(key, group) for key, group in groups.items()]
    for each in found:
        judge(each, found)
    return found


def row(key, group):
    network, server, client, direction = key
    scores = [sample.score for sample in group]
    utterances = [value for score in scores for value in score.pesq]
    by_seed = [mean(score.pesq) for score in scores]
    delays = [[delay for _, delay in score.delays] for score in scores]
    later = [[delay for at, delay in score.delays if at >= 10] for score in scores]
    return {
        "network": network, "server": server, "client": client, "direction": direction,
        "seeds": len(group),
        "pesq": mean(by_seed), "pesq_error": error(by_seed),
        "pesq_error_of_utterances": error(utterances),
        "stoi": mean(score.stoi for score in scores),
        "stoi_error": error(score.stoi for score in scores),
        "wer_percent": mean(sample.wer for sample in group),
        "wer_error": error(sample.wer for sample in group),
        "delay_p50": mean(percentile(values, 0.5) for values in delays),
        "delay_p50_error": error(percentile(values, 0.5) for values in delays),
        "delay_p95": mean(percentile(values, 0.95) for values in delays),
        "delay_p50_each_10_s": each_ten_seconds(scores),
        "delay_p50_from_10_s": mean(percentile(values, 0.5) for values in later),
        "cut": mean(score.cut for score in scores),
        "made_up": mean(score.made_up for score in scores),
        "inserted": mean(score.inserted for score in scores),
        "unrecognised_percent": mean(
            100 * score.unrecognised / score.windows if score.windows else None
            for score in scores),
        "thrown_away_ms": WINDOW_STEP_MS * sum(score.thrown_away for score in scores),
        "utterances": sum(value is not None for value in utterances),
        "utterances_thrown_away": sum(value is None for value in utterances),
        "kbit_per_second": mean(sample.kbit_per_second for sample in group),
        "us_per_frame": mean(sample.us_per_frame for sample in group),
        "client_counts": [sample.client_counts for sample in group],
    }


def judge(row, all_rows):
    """Adds the targets and whether they are met."""
    row["targets"] = []
    for target in targets.of(row["network"], row["direction"], row["server"], row["client"]):
        value = row[target.figure]
        met = targets.is_met(target, value, row.get(target.figure + "_error"))
        if target.figure == "pesq" and (row["network"], row["direction"]) == ("clean", "down"):
            met = met or is_near_aiortc(row, all_rows)
        row["targets"].append({
            "figure": target.figure, "wanted": target.words, "today": target.today, "met": met})
    is_ours = row["server"] in targets.BOTH
    if is_ours and row["network"] in targets.WER_NETWORKS and row["wer_percent"] is not None:
        judge_words(row, all_rows)


def judge_words(row, all_rows):
    clean = beside(row, all_rows, network="clean")
    if clean and clean["wer_percent"] is not None:
        limit = clean["wer_percent"] + targets.WER_POINTS
        row["targets"].append({
            "figure": "wer_percent", "wanted": f"<= {limit:.1f}", "today": "",
            "met": row["wer_percent"] <= limit})


def is_near_aiortc(row, all_rows):
    other = beside(row, all_rows, server="aiortc", client="plain")
    if row["pesq"] is None or not other or other["pesq"] is None:
        return None if row["pesq"] is None else False
    return row["pesq"] + (row["pesq_error"] or 0) >= other["pesq"] - targets.BELOW_AIORTC


def beside(row, all_rows, **changes):
    """The row that differs in these fields alone."""
    wanted = {
        key: changes.get(key, row[key]) for key in ("network", "server", "client", "direction")}
    for other in all_rows:
        if all(other[key] == value for key, value in wanted.items()):
            return other
    return None


def rate(passed, call, direction, seconds):
    """kbit/s of a call's voice on the wire, with IP and UDP."""
    size = sum(
        one.bytes + HEADER_BYTES for one in passed
        if (one.call, one.direction, one.kind) == (call, direction, 1))
    return size * 8 / 1000 / seconds


def client_counts(page_file):
    """What the page's own statistics said at the end."""
    report = json.loads(page_file.read_text())
    counts = {networks.UP: {}, networks.DOWN: {}}
    kept = {
        "inbound-rtp": (networks.DOWN, (
            "packetsReceived", "packetsLost", "nackCount", "fecPacketsReceived",
            "concealedSamples", "silentConcealedSamples", "totalSamplesReceived",
            "insertedSamplesForDeceleration", "removedSamplesForAcceleration",
            "jitterBufferDelay", "jitterBufferEmittedCount", "packetsDiscarded")),
        "outbound-rtp": (networks.UP, (
            "packetsSent", "bytesSent", "retransmittedPacketsSent", "nackCount", "targetBitrate")),
        "remote-inbound-rtp": (networks.UP, ("fractionLost", "roundTripTime")),
    }
    for entry in report["last"]:
        direction, names = kept.get(entry["type"], (None, ()))
        for name in names:
            if name in entry:
                counts[direction][name] = entry[name]
    return counts
