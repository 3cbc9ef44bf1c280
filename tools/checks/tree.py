"""The tree that is checked: its files, their lines, and the targets of Package.swift."""

import functools
import json
import pathlib
import re
import subprocess

TEXT_SUFFIXES = {".swift", ".c", ".h", ".py", ".sh", ".md", ".js", ".css", ".html", ".json", ""}


class Tree:
    """A clone, or a copy of one; `names` are its files' names from `root` on."""

    def __init__(self, root, names):
        self.root = pathlib.Path(root)
        self.names = list(names)

    @functools.cached_property
    def files(self):
        """Every text of the tree."""
        paths = (self.root / name for name in self.names)
        return [path for path in paths if path.is_file() and path.suffix in TEXT_SUFFIXES]

    @property
    def kept(self):
        """A folder for what is worth keeping from one check to the next. SwiftPM does not know it,
        so nobody who builds has it locked."""
        folder = self.root / ".build" / "check"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def name(self, path):
        return str(path.relative_to(self.root))

    def place(self, path, number=None):
        return f"{self.name(path)}:{number}" if number else self.name(path)

    def with_suffix(self, *suffixes):
        return [path for path in self.files if path.suffix in suffixes]

    def swift_sources(self, module=None):
        for path in self.with_suffix(".swift"):
            parts = path.relative_to(self.root).parts
            if parts[0] == "Sources" and module in (None, parts[2]):
                yield path

    def room_and_module(self, path):
        return path.relative_to(self.root).parts[1:3]

    def run(self, *command):
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True)

    @functools.cached_property
    def targets(self):
        """The targets of Package.swift: name -> (room or None, names it may import). Read with a
        scratch folder of its own, for SwiftPM locks the one that a build is using until its end."""
        scratch = self.kept / "package"
        done = self.run("swift", "package", "--scratch-path", str(scratch), "dump-package")
        if done.returncode != 0:
            raise SystemExit(f"check: Package.swift cannot be read: {done.stderr.strip()}")
        targets = {}
        for target in json.loads(done.stdout)["targets"]:
            path = target.get("path", "").split("/")
            room = path[1] if path[0] == "Sources" else None
            uses = [entry["byName"][0] for entry in target["dependencies"]]
            targets[target["name"]] = (room, uses)
        return targets

    def below(self, root):
        """The modules that `root` reaches by any way, itself among them."""
        seen, waiting = set(), [root]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += self.targets[name][1]
        return seen


def clone(root):
    """Every file that git knows or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.check_output(command, cwd=root, text=True)
    return Tree(root, listed.splitlines())


def lines_of(path):
    return path.read_text(errors="replace").splitlines()


def imports(path):
    for number, line in enumerate(lines_of(path), 1):
        match = re.match(r"\s*(?:@\w+ )?(?:(?:package|internal|private) )?import (\w+)", line)
        if match:
            yield number, match.group(1)
