"""The law between the rooms: who may use whom, who is sans-IO, who knows no dialect."""

import re

from .tree import imports, lines_of

# Which rooms a room may look into. An arrow goes up this list or stays in its room.
ROOMS = {
    "Protocol": [],
    "Host": ["Protocol"],
    "Voice": ["Protocol"],
    "Calls": ["Protocol", "Voice"],
    "Relay": ["Protocol", "Host"],
    "Transceiver": ["Protocol", "Voice", "Calls", "Host"],
    "Programs": ["Protocol", "Voice", "Calls", "Relay", "Transceiver", "Host"],
}
# What the relay must not reach by any way: it decrypts nothing and knows no codec.
RELAY_ROOTS = ["RelayCore", "RelayRuntime", "martlet-relay"]
RELAY_NEVER = ["Srtp", "Dtls", "Voice", "Session", "CSrtp", "CDtls", "COpus", "CWeb"]
# Rooms and modules that hold no clock, socket, thread or random source.
PURE_ROOMS = ["Protocol", "Voice", "Calls"]
PURE_MODULES = ["RelayCore", "Signalling", "TransceiverCore", "Complaints"]
# What gives those away. `Crypto` alone hands out randomness, to runtimes only.
IMPURE_IMPORTS = ["Glibc", "Foundation", "Dispatch", "Synchronization"]
# The C modules that know sockets, threads or clocks: for runtimes and programs.
IMPURE_C = ["CPacketLoop", "CSteering", "CWeb", "CProcess"]
# What would be a clock or a source of randomness of a pure module's own, imports or not.
IMPURE_WORDS = re.compile(
    r"ContinuousClock|SuspendingClock|SystemRandomNumberGenerator|Task\.sleep"
    r"|\.(?:random|shuffled|randomElement|shuffle)\((?!.*using:)"
)

# What serves every dialect of events alike: the session, the voice, their clocks, and all of C.
DIALECT_FREE_ROOMS = ["Protocol", "Calls"]
DIALECT_FREE_MODULES = ["Voice", "Backends", "ServiceClient"]
# Who reads JSON has begun to know a dialect.
DIALECT_MODULES = ["Realtime", "Json"]
# What operators call the choices that they have; the kernel's clock is not meant.
DIALECT_NAMES_FILE = "Sources/Voice/Backends/BackendKind.swift"
DIALECT_WORDS = re.compile(
    r"(?i)(?<!CLOCK_)realtime|openai|\boai\b|\bgpt\b|(?:in|out)put_audio"
    r"|[\"`](?:session|response|conversation|transcription_session)\.[a-z_]+"
)
# Lines of C that may name a dialect: (file, what the line holds). Each goes when its reason does.
DIALECT_IN_C = [
    # The WebSocket subprotocol that is answered; it is to come from Swift with the web layer.
    ("CSources/CWeb/server.h", '#define UPGRADE_PROTOCOL "realtime"'),
    ("CSources/CWeb/include/ws_server.h", '// "realtime". False: the reply is sent'),
]


def rooms_follow_the_law(tree):
    for name, (room, uses) in tree.targets.items():
        if room is None:
            continue
        if room not in ROOMS:
            yield f"Package.swift: {name} is in a room that the law does not know: {room}"
            continue
        for used in uses:
            other = tree.targets[used][0]
            if other is not None and other != room and other not in ROOMS[room]:
                yield f"Package.swift: {name} ({room}) must not use {used} ({other})"


def the_relay_reaches_no_media(tree):
    for root in RELAY_ROOTS:
        for name in sorted(tree.below(root) & set(RELAY_NEVER)):
            yield f"Package.swift: {root} must not reach {name}"


def imports_are_declared(tree):
    for path in tree.swift_sources():
        module = tree.room_and_module(path)[1]
        for number, imported in imports(path):
            if imported in tree.targets and imported not in tree.targets[module][1]:
                place = tree.place(path, number)
                yield f"{place}: {module} does not declare its use of {imported}"


def arrows_are_used(tree):
    for name, (room, uses) in tree.targets.items():
        if room is None:
            continue
        used = {imported for path in tree.swift_sources(name) for _, imported in imports(path)}
        for missing in sorted(set(uses) - used):
            yield f"Package.swift: {name} declares {missing} and never imports it"


def wire_imports_nothing(tree):
    for path in tree.swift_sources("Wire"):
        for number, imported in imports(path):
            yield f"{tree.place(path, number)}: Wire imports {imported}"


def protocol_code_is_pure(tree):
    for path in tree.swift_sources():
        room, module = tree.room_and_module(path)
        if room not in PURE_ROOMS and module not in PURE_MODULES:
            continue
        for number, imported in imports(path):
            if imported in IMPURE_IMPORTS or imported in IMPURE_C:
                place = tree.place(path, number)
                yield f"{place}: {module} is sans-IO and imports {imported}"
        for number, line in enumerate(lines_of(path), 1):
            if IMPURE_WORDS.search(line.split("//")[0]):
                place = tree.place(path, number)
                yield f"{place}: {module} is sans-IO and has a clock or a die"


def calls_know_no_dialect(tree):
    for name, (room, _) in tree.targets.items():
        if name not in DIALECT_FREE_MODULES and room != "Calls":
            continue
        for reached in sorted(tree.below(name) & set(DIALECT_MODULES)):
            yield f"Package.swift: {name} serves every dialect and must not reach {reached}"
    for path in tree.swift_sources():
        room, module = tree.room_and_module(path)
        if room not in DIALECT_FREE_ROOMS and module not in DIALECT_FREE_MODULES:
            continue
        if tree.name(path) != DIALECT_NAMES_FILE:
            for number, line in dialect_lines(path):
                place = tree.place(path, number)
                yield f"{place}: {module} speaks of a dialect: {line.strip()!r}"


def c_knows_no_dialect(tree):
    unused = set(DIALECT_IN_C)
    for path in tree.with_suffix(".c", ".h"):
        for number, line in dialect_lines(path):
            allowed = {it for it in DIALECT_IN_C if it[0] == tree.name(path) and it[1] in line}
            unused -= allowed
            if not allowed:
                yield f"{tree.place(path, number)}: C speaks of a dialect: {line.strip()!r}"
    for name, text in sorted(unused):
        yield f"{name}: no longer says {text!r}: take the exception out of tools/checks/law.py"


def dialect_lines(path):
    for number, line in enumerate(lines_of(path), 1):
        if DIALECT_WORDS.search(line):
            yield number, line


RULES = [
    rooms_follow_the_law,
    the_relay_reaches_no_media,
    imports_are_declared,
    arrows_are_used,
    wire_imports_nothing,
    protocol_code_is_pure,
    calls_know_no_dialect,
    c_knows_no_dialect,
]
