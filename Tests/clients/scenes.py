"""Scenes in which the medium has chance: voices that a recogniser hears, times that a machine keeps
which does something else besides.

A fault fails every scene of a test. What chance does to one of them, it does not do to three. How
often a scene was played again is counted: the run says so at its end, and beyond a bound no more is
played again, because that would be no chance.
"""

import functools

SCENES_MAX = 3
# Of one whole run.
AGAIN_MAX = 20

# What was played again: the name of the test and why, once for each time.
again = []


def play_again(name, why):
    """Notes that a scene failed; whether it may be played again."""
    if len(again) >= AGAIN_MAX:
        print(f"{name}: {AGAIN_MAX} scenes of this run were played again, and that is enough")
        return False
    again.append((name, str(why)))
    return True


def summary():
    """One line about the whole run, and one for each scene that was played again."""
    names = sorted({name for name, _ in again})
    lines = [f"scenes played again: {len(again)} of at most {AGAIN_MAX}, in {len(names)} tests"]
    return lines + [f"  {name}: {(why.splitlines() or [''])[0][:160]}" for name, why in again]


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
                if not play_again(test.__name__, repr(failure)):
                    raise
                for fixture in fixtures.values():
                    getattr(fixture, "begin_scene", lambda: None)()
        return test(*arguments, **fixtures)

    return played
