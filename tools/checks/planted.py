"""Violations, one or more for each rule, that are planted in a copy of the tree to see them found:
a rule that finds nothing may be a rule that looks at nothing."""

import pathlib
import shutil
import tempfile

from .documents import UNDOCUMENTED_MAX
from .tree import Tree

PACKAGE = "Package.swift"
CORE = "Sources/Relay/RelayCore/Planted.swift"
TRANSCEIVER = "Sources/Transceiver/TransceiverCore/Planted.swift"
SESSION = "Sources/Calls/Session/Planted.swift"
WIRE = "Sources/Protocol/Wire/Planted.swift"
C = "CSources/CWeb/planted.c"
HEADER = "CSources/CWeb/planted.h"


class Copy:
    """A copy of the tree, in which a file is written, or a text of it replaced, and put back."""

    def __init__(self, tree, root):
        self.root = pathlib.Path(root)
        self.names = tree.names
        for name in tree.names:
            if (tree.root / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(tree.root / name, self.root / name)
        # What is known of the files' formatting holds for their copies.
        if (tree.kept / "formatted.json").exists():
            folder = self.root / ".build" / "check"
            folder.mkdir(parents=True)
            shutil.copy(tree.kept / "formatted.json", folder)

    def complaints(self, rule, name, old, new):
        """What the rule says when `new` stands in the file: for `old`, or alone."""
        path = self.root / name
        before = path.read_bytes() if path.exists() else None
        text = new
        if old is not None:
            text = before.decode()
            if old not in text:
                return [f"{name} does not hold {old!r}: plant it elsewhere"]
            text = text.replace(old, new, 1)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            return list(rule(Tree(self.root, {*self.names, name})))
        finally:
            if before is None:
                path.unlink()
            else:
                path.write_bytes(before)


def outcomes(tree, rules):
    """For each planted violation what is wrong with its rule: nothing, if all is well."""
    by_name = {rule.__name__: rule for rule in rules}
    untried = by_name.keys() - {plant[0] for plant in PLANTS}
    found = {name: ["has no planted violation"] for name in untried}
    with tempfile.TemporaryDirectory() as root:
        copy = Copy(tree, root)
        for rule, subject, name, old, new, expected in PLANTS:
            said = copy.complaints(by_name[rule], name, old, new)
            hits = [text for text in said if expected in text]
            found[f"{rule}, {subject}"] = [] if hits else [f"not found; the rule says {said}"]
        for subject, name, text in ALLOWED:
            said = copy.complaints(by_name["functions_are_not_long"], name, None, text)
            found[f"functions_are_not_long, {subject}"] = said
    return found


def c_function(head, lines):
    """A C function of so many lines, those of the head among them."""
    body = "    planted();\n" * (lines - head.count("\n") - 1)
    return f"// Planted.\n\n{head}{body}}}\n"


def swift_function(head, lines):
    return head + "    planted()\n" * (lines - 2) + "  }\n"


ATTACHED = "static int planted(int a) {\n"
OWN_LINE = "int planted(int a)\n{\n"
TYPE_APART = "static struct planted *\nplanted(int a,\n        int b)\n{\n"
TYPE_APART_ATTACHED = "static struct planted *\nplanted(int a) {\n"
INLINE = "static inline __attribute__((always_inline)) int planted(void (*done)(int))\n{\n"
BRANCHES = "#if PLANTED\nint planted(int a) {\n#else\nint planted(int b) {\n#endif\n"
SWIFT = "  package static func planted() {\n"

# (rule, subject, file, the text that goes or None for a file of its own, the text that comes, what
# the rule must say)
PLANTS = [
    ("rooms_follow_the_law", "a protocol that logs", PACKAGE, 'module("Sdp", in: "Protocol")',
     'module("Sdp", in: "Protocol", uses: ["Log"])', "Sdp (Protocol) must not use Log"),
    ("rooms_follow_the_law", "a room of no law", PACKAGE, 'module("Sdp", in: "Protocol")',
     'module("Sdp", in: "Attic")', "Attic"),
    ("the_relay_reaches_no_media", "SRTP", PACKAGE, 'module("Trunk", in: "Protocol", uses: [',
     'module("Trunk", in: "Protocol", uses: ["Srtp", ', "RelayCore must not reach CSrtp"),
    ("imports_are_declared", "one that is not", CORE, None, "import Sdp\n", f"{CORE}:1"),
    ("arrows_are_used", "one that is not", PACKAGE, 'module("Sdp", in: "Protocol")',
     'module("Sdp", in: "Protocol", uses: ["Wire"])', "Sdp declares Wire"),
    ("wire_imports_nothing", "Crypto", WIRE, None, "import Crypto\n", f"{WIRE}:1"),
    ("protocol_code_is_pure", "a clock in RelayCore", CORE, None,
     "let clock = ContinuousClock()\n", f"{CORE}:1"),
    ("protocol_code_is_pure", "a clock in TransceiverCore", TRANSCEIVER, None,
     "let clock = ContinuousClock()\n", f"{TRANSCEIVER}:1"),
    ("protocol_code_is_pure", "a die in Session", SESSION, None,
     "let number = Int.random(in: 0..<6)\n", f"{SESSION}:1"),
    ("protocol_code_is_pure", "threads in Wire", WIRE, None, "import Dispatch\n", f"{WIRE}:1"),
    ("protocol_code_is_pure", "sockets in RelayCore", CORE, None, "import CPacketLoop\n",
     f"{CORE}:1"),
    ("calls_know_no_dialect", "an event's name in Session", SESSION, None,
     'let type = "response.cancel"\n', f"{SESSION}:1"),
    ("calls_know_no_dialect", "an arrow", PACKAGE, 'module("Backends", in: "Voice", uses: [',
     'module("Backends", in: "Voice", uses: ["Json", ', "Session serves every dialect"),
    ("c_knows_no_dialect", "a header field", C, None, '#define FIELD "openai-project"\n', f"{C}:1"),
    ("c_knows_no_dialect", "an event's name", HEADER, None, '#define E "session.update"\n',
     f"{HEADER}:1"),
    ("files_are_not_long", "501 lines", WIRE, None, "//\n" * 501, f"{WIRE}: 501"),
    ("functions_are_not_long", "71 lines of Swift", WIRE, None, swift_function(SWIFT, 71),
     f"{WIRE}:1: 71"),
    ("functions_are_not_long", "71 lines, brace attached", C, None, c_function(ATTACHED, 71),
     f"{C}:3: 71"),
    ("functions_are_not_long", "71 lines, brace on its own line", C, None,
     c_function(OWN_LINE, 71), f"{C}:3: 71"),
    ("functions_are_not_long", "71 lines, type on its own line", C, None,
     c_function(TYPE_APART, 71), f"{C}:3: 71"),
    ("functions_are_not_long", "71 lines, type on its own line, brace attached", C, None,
     c_function(TYPE_APART_ATTACHED, 71), f"{C}:3: 71"),
    ("functions_are_not_long", "71 lines, inline in a header", HEADER, None,
     c_function(INLINE, 71), f"{HEADER}:3: 71"),
    ("functions_are_not_long", "one behind branches of #if", C, None,
     c_function(BRANCHES, 20) + c_function(OWN_LINE, 71), f"{C}:25: 71"),
    ("lines_are_not_long", "101 columns", C, None, f"//{'-' * 99}\n", f"{C}:1: 101"),
    ("lines_end_clean", "a blank", C, None, "// Planted. \n", f"{C}:1"),
    ("lines_end_clean", "a tab", C, None, "//\tPlanted.\n", f"{C}:1"),
    ("lines_end_clean", "no line end", C, None, "// Planted.", f"{C}: no line end"),
    ("nothing_is_banned", "unfinished work", C, None, "// TODO: plant\n", f"{C}:1"),
    ("nothing_is_banned", "Foundation", WIRE, None, "import Foundation\n", f"{WIRE}:1"),
    ("nothing_is_banned", "try!", WIRE, None, "let planted = try! plant()\n", f"{WIRE}:1"),
    ("nothing_is_banned", "-Ounchecked", PACKAGE, '"-std=gnu2x"', '"-Ounchecked"', "Ounchecked"),
    ("nothing_is_banned", "sleep", WIRE, None, "usleep(1)\n", f"{WIRE}:1"),
    ("names_say_something", "utilities", "Sources/Protocol/Wire/Utils.swift", None, "//\n",
     "Utils.swift"),
    ("swift_is_formatted", "four spaces", WIRE, None, "struct Planted {\n    let a = 1\n}\n",
     f"{WIRE}:2"),
    ("c_is_formatted", "a brace attached", C, None, "int planted(void) {\n    return 0;\n}\n",
     f"{C}:1"),
    ("c_is_formatted", "in a header", HEADER, None, "int  planted(void);\n", f"{HEADER}:1"),
    ("scripts_pass_shellcheck", "no quotes", "tools/planted", None, "#!/bin/bash\nrm $1\n",
     "tools/planted:2"),
    ("the_steering_object_is_fresh", "another header's length", "bpf/steer.bpf.c",
     "#define UDP_HEADER_LENGTH 8", "#define UDP_HEADER_LENGTH 9", "run tools/build-bpf"),
    ("the_readme_maps_every_module", "a new module", PACKAGE, 'module("Sdp", in: "Protocol"),',
     'module("Sdp", in: "Protocol"),\n    module("Planted", in: "Protocol"),',
     "what Planted is"),
    ("package_items_are_documented", "none", WIRE, None, "package struct Planted {}\n",
     f"{WIRE}:1"),
    ("package_items_are_documented", "none above an attribute", WIRE, None,
     "// Planted.\n@inline(__always)\npackage func planted() {}\n", f"{WIRE}:3"),
    # Of what follows, the protocol documents `description` alone.
    ("package_items_are_documented", "beside what a protocol wants", WIRE, None,
     "/// Planted.\npackage struct P: CustomStringConvertible {\n"
     '  package var description: String { "" }\n  package var planted: Int { 0 }\n}\n',
     f"Wire: {UNDOCUMENTED_MAX.get('Wire', 0) + 1} "),
]

# (subject, file, text): functions that are as long as may be, and what is no function.
ALLOWED = [
    ("70 lines of Swift", WIRE, swift_function(SWIFT, 70)),
    ("70 lines, brace attached", C, c_function(ATTACHED, 70)),
    ("70 lines, brace on its own line", C, c_function(OWN_LINE, 70)),
    ("an array of 80 lines", C, "int planted[] = {\n" + "    1,\n" * 78 + "};\n"),
    ("a struct of 80 lines", C,
     "struct __attribute__((packed)) planted {\n" + "    int a;\n" * 78 + "};\n"),
]
