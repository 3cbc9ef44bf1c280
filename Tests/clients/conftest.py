"""What the tests share: one run of `martlet up` for those that do not kill it, one sound card."""

import pytest

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


@pytest.fixture
def call_log(up):
    """The log lines of `martlet up` that are written during the test."""
    start = len(up.log())
    return lambda: up.log()[start:]
