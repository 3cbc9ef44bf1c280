"""The options of the command line, the same as those of `martlet bench voice`."""

import argparse
import pathlib
import sys

import networks

ROOT = pathlib.Path(__file__).resolve().parents[3]
SERVERS = ("martlet", "martlet-audiosocket", "aiortc", "gstreamer")
CLIENTS = ("plain", "nack", "red", "red+nack", "follow")
QUICK_NETWORKS = ("clean", "loss5", "spikes300")
QUICK_SERVERS = ("martlet", "aiortc", "gstreamer")
DIRECTIONS = ("up", "down")


def some_of(known):
    """Names with commas between them."""
    def names(text):
        found = text.split(",")
        for name in found:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no {name!r} among {', '.join(known)}")
        if len(set(found)) != len(found):
            raise argparse.ArgumentTypeError("a name stands there twice")
        return found
    return names


def within(kind, least, most):
    def value(text):
        try:
            found = kind(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
        if not least <= found <= most:
            raise argparse.ArgumentTypeError(f"{text} is not within {least} and {most}")
        return found
    return value


def parser():
    made = argparse.ArgumentParser(
        prog="martlet bench voice", allow_abbrev=False,
        description="Measures how calls sound on bad networks, beside other servers.")
    add = made.add_argument
    add("--networks", type=some_of(tuple(networks.ALL)), help=f"of {', '.join(networks.ALL)}")
    add("--servers", type=some_of(SERVERS), help=f"of {', '.join(SERVERS)}")
    add("--clients", type=some_of(CLIENTS), default=["plain"], help=f"of {', '.join(CLIENTS)}")
    add("--directions", type=some_of(DIRECTIONS), default=list(DIRECTIONS))
    add("--seeds", type=within(int, 1, 100), help="runs of each network, each with other losses")
    add("--first-seed", type=within(int, 1, 1000000), default=1)
    add("--seconds", type=within(float, 5, 600), help="how long is spoken; default all, 67")
    add("--calls-at-once", type=within(int, 1, 16), default=4)
    add("--quick", action="store_true", help="3 networks, 20 s, 1 seed")
    add("--wer", action="store_true", help="also the word error rate, by tools/agent's recogniser")
    add("--json", action="store_true", help="one line of JSON in place of the tables")
    add("--plot", metavar="FILE.svg", help="draw PESQ and the delays with gnuplot")
    add("--listen", metavar="DIR", help="write what was heard as WAV files")
    add("--keep", metavar="DIR", help="leave all files of the runs there")
    add("--programs", type=pathlib.Path, default=ROOT / ".build" / "release",
        help="folder of martlet, martlet-relay and martlet-transceiver")
    add("--martlet-option", action="append", default=[], metavar="WORD",
        help="a word more for martlet up (may be repeated)")
    return made


def read(words):
    """Exits with status 2 on what it does not know."""
    found = parser().parse_args(words)
    quick = found.quick
    found.networks = found.networks or list(QUICK_NETWORKS if quick else networks.ALL)
    found.servers = found.servers or list(QUICK_SERVERS if quick else SERVERS)
    found.seeds = found.seeds or (1 if quick else 3)
    found.seconds = found.seconds or (20.0 if quick else None)
    return found


def recogniser_python():
    """Of the environment of tools/agent."""
    return ROOT / ".build" / "agent-venv" / "bin" / "python"


def say(words):
    """Progress."""
    print(f"martlet bench: {words}", file=sys.stderr, flush=True)
