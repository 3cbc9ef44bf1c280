"""Draws the rows with gnuplot (plot.gp)."""

import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


def name_of(row):
    return row["server"] if row["client"] == "plain" else f"{row['server']} ({row['client']})"


def data(rows, direction, figure):
    """A title line, then a line for each network with a column for each call; ? for nothing."""
    rows = [row for row in rows if row["direction"] == direction]
    calls = list(dict.fromkeys(map(name_of, rows)))
    values = {(row["network"], name_of(row)): row[figure] for row in rows}
    lines = ["\t".join(["network", *calls])]
    for network in dict.fromkeys(row["network"] for row in rows):
        cells = [values.get((network, call)) for call in calls]
        lines.append("\t".join([network, *("?" if v is None else f"{v:.3f}" for v in cells)]))
    return "\n".join(lines) + "\n", len(calls) + 1


def draw(rows, machine, out, folder):
    gnuplot = shutil.which("gnuplot")
    if not gnuplot:
        raise RuntimeError("there is no gnuplot on the PATH; tools/bench/setup voice gets it")
    words = []
    for direction in ("up", "down"):
        for figure in ("pesq", "delay_p50"):
            text, columns = data(rows, direction, figure)
            name = f"{direction}_{figure}"
            (folder / name).write_text(text)
            words += ["-e", f'{name} = "{folder / name}"', "-e", f"{direction}_columns = {columns}"]
    out = pathlib.Path(out).absolute()
    subprocess.run(
        [gnuplot, *words, "-e", f'out = "{out}"', "-e", f'machine = "{machine}"',
         str(HERE / "plot.gp")], check=True)
