"""Scenes in which the medium has chance: voices that a recogniser hears, times that a machine keeps
which does something else besides.

A fault fails every scene of a test. What chance does to one of them, it does not do to three.
"""

import functools

SCENES_MAX = 3


def in_some_scene(test):
    """Plays a test's whole scene again where it failed, at most SCENES_MAX times. Why it failed is
    printed each time, and the last failure is the test's."""

    @functools.wraps(test)
    def played(*arguments, **fixtures):
        for number in range(1, SCENES_MAX):
            try:
                return test(*arguments, **fixtures)
            except (AssertionError, TimeoutError) as failure:
                print(f"scene {number} of at most {SCENES_MAX} failed: {failure!r}")
                for fixture in fixtures.values():
                    getattr(fixture, "begin_scene", lambda: None)()
        return test(*arguments, **fixtures)

    return played
