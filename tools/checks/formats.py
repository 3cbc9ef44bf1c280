"""What other programs judge: formatters, shellcheck, and the compiler of the steering program."""

import hashlib
import json
import os
import shutil

from .tree import lines_of

CLANG_FORMAT_VERSION = 14


def swift_is_formatted(tree):
    """swift-format takes 10 s for the whole tree, so only files are asked about whose bytes it has
    not yet found right."""
    swift = shutil.which("swift")
    paths = tree.with_suffix(".swift")
    rules = [str(os.stat(os.path.realpath(swift)).st_mtime), rules_of(tree, ".swift-format")]
    known_file = tree.kept / "formatted.json"
    known = set(json.loads(known_file.read_text())) if known_file.exists() else set()
    marks = {path: digest(*rules, path.read_text(errors="replace")) for path in paths}
    unknown = [path for path in paths if marks[path] not in known]
    wrong = set()
    if unknown:
        names = [tree.name(path) for path in unknown]
        done = tree.run("swift", "format", "lint", "--strict", "--parallel", *names)
        for line in done.stderr.splitlines():
            if "error:" in line or "warning:" in line:
                complaint = line.replace(f"{tree.root}/", "")
                wrong.add(complaint.split(":")[0])
                yield complaint
        if done.returncode != 0 and not wrong:
            yield f"swift format failed: {done.stderr.strip()}"
            return
    right = [mark for path, mark in marks.items() if tree.name(path) not in wrong]
    replacement = known_file.with_suffix(f".{os.getpid()}")
    replacement.write_text(json.dumps(right))
    replacement.replace(known_file)


def c_is_formatted(tree):
    program = clang_format(tree)
    if program is None:
        package = f"clang-format-{CLANG_FORMAT_VERSION}"
        yield f"{package} is not installed: apt-get install {package}"
        return
    names = [tree.name(path) for path in tree.with_suffix(".c", ".h")]
    done = tree.run(program, "--dry-run", "--Werror", *names)
    for line in done.stderr.splitlines():
        if "error:" in line or "warning:" in line:
            yield f"{line} (write it with {program} -i)"
    if done.returncode != 0 and "error:" not in done.stderr:
        yield f"{program} failed: {done.stderr.strip()}"


def clang_format(tree):
    """Another version would write other lines."""
    for program in (f"clang-format-{CLANG_FORMAT_VERSION}", "clang-format"):
        if shutil.which(program):
            said = tree.run(program, "--version").stdout
            if f"version {CLANG_FORMAT_VERSION}." in said:
                return program
    return None


def scripts_pass_shellcheck(tree):
    if shutil.which("shellcheck") is None:
        yield "shellcheck is not installed: apt-get install shellcheck"
        return
    scripts = [tree.name(path) for path in tree.files if is_shell_script(path)]
    done = tree.run("shellcheck", "--external-sources", "--format=gcc", *scripts)
    yield from done.stdout.splitlines()
    if done.returncode != 0 and not done.stdout:
        yield f"shellcheck failed: {done.stderr.strip()}"


def is_shell_script(path):
    lines = lines_of(path)
    return bool(lines) and lines[0].startswith("#!") and lines[0].endswith(("/bash", "/sh"))


def the_steering_object_is_fresh(tree):
    done = tree.run(str(tree.root / "tools" / "build-bpf"), "--check")
    if "bpf_helpers.h' file not found" in done.stderr:
        yield "libbpf-dev is not installed: apt-get install libbpf-dev"
    elif done.returncode != 0:
        yield (done.stderr or done.stdout).strip()


def rules_of(tree, name):
    return (tree.root / name).read_text()


def digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


RULES = [
    swift_is_formatted,
    c_is_formatted,
    scripts_pass_shellcheck,
    the_steering_object_is_fresh,
]
