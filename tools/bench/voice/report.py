"""The rows as a table for people and as JSON."""

import json

HEADS = [
    "call", "", "PESQ", "STOI", "WER %", "p50 ms", "p95 ms", "cut", "made up", "inserted", "kbit/s",
    "us/frame", "target",
]


def text(rows, machine):
    """One table for each network; times in milliseconds."""
    parts = [machine]
    for network in dict.fromkeys(row["network"] for row in rows):
        cells = [line(row) for row in rows if row["network"] == network]
        parts += ["", network, table([HEADS, *cells])]
    thrown = sum(row["thrown_away_ms"] for row in rows)
    lost = sum(row["utterances_thrown_away"] for row in rows)
    parts += [
        "",
        f"thrown away, because the machine was late: {thrown / 1000:.1f} s of sound, and the PESQ"
        f" of {lost} sentences of {lost + sum(row['utterances'] for row in rows)}",
        verdict(rows),
    ]
    return "\n".join(parts) + "\n"


def line(row):
    name = row["server"] if row["client"] == "plain" else f"{row['server']} ({row['client']})"
    return [
        name, row["direction"], with_error(row["pesq"], row["pesq_error"]),
        number(row["stoi"], 3), number(row["wer_percent"], 1), number(row["delay_p50"]),
        number(row["delay_p95"]), number(row["cut"]), number(row["made_up"]),
        number(row["inserted"]), number(row["kbit_per_second"], 1), number(row["us_per_frame"]),
        "; ".join(map(target, row["targets"])),
    ]


def target(one):
    names = {
        "pesq": "PESQ", "delay_p50": "p50", "delay_p50_from_10_s": "p50 from 10 s",
        "wer_percent": "WER", "inserted": "inserted"}
    result = {True: "met", False: "MISSED", None: "not known"}[one["met"]]
    return f"{names[one['figure']]} {one['wanted']}: {result}"


def number(value, digits=0):
    return "-" if value is None else f"{value:.{digits}f}"


def with_error(value, error):
    if value is None:
        return "-"
    return f"{value:.2f}" + ("" if error is None else f" +-{error:.2f}")


def table(lines):
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    last = len(widths) - 1
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place in (0, 1, last) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))).rstrip()
        for cells in lines)


def verdict(rows):
    results = [one["met"] for row in rows for one in row["targets"]]
    if not results:
        return "no target of these rows"
    return f"targets: {results.count(True)} met, {results.count(False)} missed" + (
        f", {results.count(None)} not known" if None in results else "")


def as_json(rows, machine, options, failures):
    whole = {"machine": machine, "options": options, "rows": rows, "failures": failures}
    # The measures give numbers of numpy's own kinds.
    return json.dumps(whole, default=lambda value: value.item()) + "\n"
