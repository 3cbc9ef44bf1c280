"""What issue 8 wants of Martlet, and whether a figure is there."""

import dataclasses

REALTIME, AUDIOSOCKET = "martlet", "martlet-audiosocket"
BOTH = (REALTIME, AUDIOSOCKET)


@dataclasses.dataclass(frozen=True)
class Target:
    """`figure` of the aggregated row: at least (or at most) `limit`, for calls of these `clients`
    (of several that fit the last holds). `today` is what was measured on 30 November 2026."""

    network: str
    direction: str
    figure: str
    limit: float
    servers: tuple = BOTH
    clients: tuple = ("plain", "nack", "red", "red+nack", "follow")
    is_least: bool = True
    today: str = ""

    @property
    def words(self):
        return f"{'>=' if self.is_least else '<='} {self.limit:g}"


def pesq(network, direction, limit, clients=None, **more):
    found = Target(network, direction, "pesq", limit, **more)
    return dataclasses.replace(found, clients=clients) if clients else found


RED = ("red", "red+nack")
# Chromium takes RED as it is; that it sends RED wants a page's help.
TAKES_RED = ("plain", *RED, "follow")
# The page that follows its network asks for resends, too.
NACK = ("nack", "red+nack", "follow")
ANY = ("red", *NACK)
# What takes a page: to have Chromium's jitter buffer wait for what it has asked for.
WAITS = ("follow",)

ALL = [
    pesq("clean", "down", 4.10, today="3.20"),
    Target("clean", "up", "delay_p50", 42, (REALTIME,), is_least=False, today="42"),
    pesq("spikes300", "up", 4.05, servers=(REALTIME,), today="3.29"),
    pesq("jitter100", "up", 4.05, servers=(REALTIME,), today="3.70"),
    pesq("reorder3", "up", 4.05, servers=(REALTIME,), today="3.50"),
    # Nothing: 20 ms is what the alignment can be wrong by.
    Target("spikes300", "up", "inserted", 20, (REALTIME,), is_least=False, today="3160"),
    Target("jitter100", "up", "inserted", 20, (REALTIME,), is_least=False, today="1100"),
    Target("reorder3", "up", "inserted", 20, (REALTIME,), is_least=False, today="0"),
    pesq("loss1", "down", 3.6, today="2.99"),
    pesq("loss1", "down", 3.9, TAKES_RED, today="2.99"),
    pesq("loss5", "down", 3.3, today="2.62"),
    pesq("loss5", "down", 3.6, TAKES_RED, today="2.62"),
    pesq("loss10", "up", 3.6, ANY, servers=(REALTIME,), today="3.45"),
    # With both, where Opus's own redundancy is left out: the page does that while it sends RED.
    pesq("loss10", "up", 3.9, WAITS, servers=(REALTIME,), today="3.45"),
    pesq("loss20", "up", 2.6, RED, servers=(REALTIME,), today="2.43"),
    pesq("loss20", "up", 3.2, NACK, servers=(REALTIME,), today="2.43"),
    pesq("bursts5", "up", 3.6, NACK, servers=(REALTIME,), today="2.98"),
    pesq("bursts5", "down", 3.0, today="2.54"),
    pesq("bursts5", "down", 3.4, WAITS, today="2.54"),
    # RED by itself makes a page send twice what such a path carries, and its feedback is lost.
    pesq("cap40", "down", 3.3, ("plain", "follow"), today="2.18"),
    Target(
        "cap40", "down", "delay_p50_from_10_s", 150, clients=("plain", "follow"), is_least=False,
        today="750"),
    pesq("cap40", "up", 3.3, ("follow",), servers=(REALTIME,), today="3.32"),
    Target(
        "cap40", "up", "delay_p50_from_10_s", 250, (REALTIME,), ("follow",), is_least=False,
        today="490"),
    Target("spikes300", "up", "delay_p50", 80, (AUDIOSOCKET,), is_least=False, today="203"),
]
# The word error rate at these losses: so many points above that of the clean network, at most.
WER_NETWORKS, WER_POINTS = ("loss10", "loss20"), 2.0
# Down, clean: good enough is also so much below aiortc.
BELOW_AIORTC = 0.15


def of(network, direction, server, client):
    """The target of each figure of one row; the last that fits is the strictest."""
    found = {}
    for target in ALL:
        if (target.network, target.direction) == (network, direction):
            if server in target.servers and client in target.clients:
                found[target.figure] = target
    return list(found.values())


def is_met(target, value, error=0.0):
    """`error` is one standard error of the mean over the seeds, which speaks for the row. None when
    there is no value."""
    if value is None:
        return None
    if target.is_least:
        return value + (error or 0.0) >= target.limit
    return value - (error or 0.0) <= target.limit
