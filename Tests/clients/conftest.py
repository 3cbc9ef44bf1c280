"""What the tests share: one run of `martlet up` for those that do not kill it, one sound card."""

import pytest

import scenes
from browsers import SoundServer
from martlet import MartletUp


@pytest.fixture(scope="session")
def up():
    """Two workers and two shards, so that every test crosses from one to another."""
    with MartletUp("--workers", "2", "--shards", "2", "--media", "[::1]:3478") as running:
        yield running


@pytest.fixture(scope="session")
def sound():
    with SoundServer() as server:
        yield server


class CallLog:
    """The log lines of `martlet up` that are written during the test, or its last scene."""

    def __init__(self, up):
        self.up = up
        self.begin_scene()

    def begin_scene(self):
        self.start = len(self.up.log())

    def __call__(self):
        return self.up.log()[self.start :]


@pytest.fixture
def call_log(up):
    return CallLog(up)


@pytest.fixture(scope="session", autouse=True)
def scenes_in_the_results(record_testsuite_property):
    """For tools/count-results."""
    yield
    for line in scenes.summary():
        record_testsuite_property("summary", line)


def pytest_terminal_summary(terminalreporter):
    for line in scenes.summary():
        terminalreporter.write_line(line)
