"""tools/run and tools/test for somebody who mistypes, asks for help, or has moved the clone."""

import os
import re
import shutil
import subprocess

import pytest

from martlet import PROGRAMS, ROOT


@pytest.fixture
def tree(tmp_path):
    """A clone in which installing or building anything fails, and is written down."""
    shutil.copytree(ROOT / "tools", tmp_path / "clone" / "tools")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("swift", "apt-get", "dpkg-query", "pip"):
        (programs / name).write_text(f'#!/bin/bash\necho "{name} $*" >>"{tmp_path}/used"\nexit 1\n')
        (programs / name).chmod(0o755)
    return tmp_path


def run(tree, script, *arguments):
    """The status and what was said; that nothing was used to get there, is checked."""
    done = subprocess.run(
        [str(tree / "clone" / "tools" / script), *arguments], capture_output=True, text=True,
        timeout=60, env=dict(os.environ, PATH=f"{tree}/programs:{os.environ['PATH']}"))
    assert not (tree / "used").exists(), (tree / "used").read_text()
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "script, arguments, sentence",
    [
        ("run", ["--htpp", "8080"], 'there is no option "--htpp"; did you mean "--http"?'),
        ("run", ["--agent", "--htpp=8080"], 'there is no option "--htpp"; did you mean "--http"?'),
        ("run", ["--zzzzzz"], 'there is no option "--zzzzzz"'),
        ("run", ["-a"], 'there is no option "-a"'),
        ("run", ["--http"], "--http needs a value (ADDR)"),
        ("run", ["--http", "--agent"], "--http needs a value (ADDR)"),
        ("run", ["up"], '"up" is not expected here'),
        ("test", ["nosuchstage"], 'there is no stage "nosuchstage"'),
        ("test", ["check", "clents"], 'there is no stage "clents"; did you mean "clients"?'),
        ("test", ["--all"], 'there is no option "--all": tools/test takes names of stages'),
    ],
)
def test_a_mistake_is_named_before_anything_is_done(tree, script, arguments, sentence):
    status, out, text = run(tree, script, *arguments)
    assert (status, out) == (2, "")
    assert text == f'martlet: {sentence}\nTry "tools/{script} --help".\n'


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_does_nothing_else(tree, word):
    status, text, _ = run(tree, "test", word)
    stages = re.findall(r"^ {9}(\w+) ", text, re.MULTILINE)
    assert status == 0 and stages == ["check", "unit", "budget", "instructions", "clients"]
    status, text, _ = run(tree, "run", "--http", "1", word)
    assert status == 0 and "--agent" in text
    program = subprocess.check_output([PROGRAMS / "martlet", "up", "--help"], text=True)
    assert text.endswith(program)


def test_every_option_of_the_program_goes_through():
    program = subprocess.check_output([PROGRAMS / "martlet", "up", "--help"], text=True)
    options = re.findall(r"^  (--\S+)(?: (\S+))?", program, re.MULTILINE)
    assert len(options) > 10
    words = [word for name, value in options for word in ([name, "x"] if value else [name])]
    words += [f"{name}=x" for name, _ in options]
    for arguments in ([], ["--agent"], words):
        subprocess.run(
            ["bash", "-c", 'source tools/setup.sh; source tools/options.sh; check_up_options "$@"',
             "run", *arguments],
            cwd=ROOT, check=True)


PACKAGE = """// swift-tools-version: 6.0
import PackageDescription
let package = Package(
  name: "small",
  targets: [.target(name: "CSmall"), .executableTarget(name: "small", dependencies: ["CSmall"])])
"""


def build(clone, script=""):
    return subprocess.run(
        ["bash", "-c", f"set -euo pipefail; source tools/setup.sh; {script}"],
        cwd=clone, capture_output=True, text=True)


def test_a_clone_that_was_moved_builds(tmp_path):
    first = tmp_path / "first"
    for folder in ("tools", "Sources/CSmall/include", "Sources/small"):
        (first / folder).mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "setup.sh", first / "tools")
    (first / "Package.swift").write_text(PACKAGE)
    (first / "Sources/CSmall/include/CSmall.h").write_text("int small(void);\n")
    (first / "Sources/CSmall/small.c").write_text("int small(void) { return 7; }\n")
    (first / "Sources/small/main.swift").write_text("import CSmall\nprint(small())\n")
    done = build(first, "need_own_build; swift build; need_own_build")
    assert done.returncode == 0 and "dropping" not in done.stdout, done.stdout + done.stderr
    moved = tmp_path / "moved"
    first.rename(moved)
    # What this is about: SwiftPM itself does not get over it.
    assert "module cache path" in build(moved, "swift build 2>&1 || true").stdout
    done = build(moved, "need_own_build; swift build")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "was not built here so far: dropping" in done.stdout
    # Nothing is dropped of a build that belongs here; one without a mark may be from anywhere.
    assert build(moved, "need_own_build").stdout == ""
    (moved / ".build" / "martlet-path").unlink()
    assert "dropping" in build(moved, "need_own_build").stdout
