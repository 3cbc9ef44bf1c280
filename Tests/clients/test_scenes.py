"""What is done again is counted, named and bounded: tests that fail by chance, played here."""

import pytest

import scenes


@pytest.fixture
def repetitions(monkeypatch):
    """Counted beside this run's own."""
    made = scenes.Repetitions("scenes", 3)
    monkeypatch.setattr(scenes, "scenes", made)
    return made


def failing(times):
    """A test that fails so often, and the list of its scenes."""
    played = []

    @scenes.in_some_scene
    def test():
        played.append(len(played))
        assert len(played) > times, f"chance {len(played)}"

    return test, played


def test_a_scene_that_failed_once_is_played_again_and_named(repetitions):
    test, played = failing(1)
    test()
    assert len(played) == 2
    first, second = repetitions.summary()
    assert first == "scenes again: 1 of at most 3, in 1 tests"
    assert second.startswith("  test: AssertionError('chance 1")


def test_a_fault_fails_each_scene_and_the_test(repetitions):
    test, played = failing(100)
    with pytest.raises(AssertionError, match="chance 3"):
        test()
    assert len(played) == scenes.SCENES_MAX == 3
    assert len(repetitions.done) == 2


def test_when_the_run_has_used_its_bound_the_next_failure_fails_it(repetitions):
    for _ in range(3):
        failing(1)[0]()
    test, played = failing(1)
    with pytest.raises(AssertionError, match="chance 1"):
        test()
    assert len(played) == 1
    assert repetitions.summary()[0] == "scenes again: 3 of at most 3, in 1 tests"
