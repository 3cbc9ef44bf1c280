"""What is changed in an SDP on its way: the addresses, so that every packet goes through `way`."""

import re


def server_address(answer):
    """(host, port) of the first UDP candidate over IPv4 of component 1."""
    pattern = re.compile(
        r"^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", re.IGNORECASE | re.MULTILINE)
    for host, port in pattern.findall(answer):
        if ":" not in host and not host.endswith(".local"):
            return host, int(port)
    raise RuntimeError(f"no UDP candidate in the answer:\n{answer}")


def with_only_candidate(sdp, host, port):
    """The same with one address for each media section."""
    lines = [
        line for line in sdp.splitlines()
        if not line.startswith(("a=candidate:", "a=end-of-candidates"))
    ]
    candidate = f"a=candidate:1 1 udp 2130706431 {host} {port} typ host"
    found = []
    for line in lines:
        if line.startswith("m=") and found and any(old.startswith("m=") for old in found):
            found += [candidate, "a=end-of-candidates"]
        found.append(line)
    found += [candidate, "a=end-of-candidates"]
    return "\r\n".join(found) + "\r\n"
