"""HTTP answers, log lines, help, errors and the names in JSON are what they were when somebody last
ran `tools/golden --write`. It compares the same without these tests' packages and rights."""

import os
import pathlib
import sys

import pytest

from martlet import PROGRAMS, ROOT

os.environ.setdefault("MARTLET_BIN", str(PROGRAMS))
sys.path.insert(0, str(pathlib.Path(ROOT) / "Tests" / "golden"))

import golden_file  # noqa: E402
import http_capture  # noqa: E402
import program_capture  # noqa: E402


@pytest.mark.parametrize("capture", [http_capture.capture, program_capture.capture])
def test_nothing_has_changed(capture):
    texts = capture()
    assert len(texts) >= 9
    differences = [golden_file.compare(name, text) for name, text in texts.items()]
    assert not any(differences), "\n".join(filter(None, differences))
