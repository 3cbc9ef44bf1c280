"""Scenes in which the medium has chance: voices that a recogniser hears, times that a machine keeps
which does something else besides.

A fault fails every scene of a test. What chance does to one of them, it does not do to three. How
often a scene was played again, or a time was measured again, is counted: the run says so at its
end, and beyond a bound nothing is done again, because that would be no chance: the run fails.
"""

import functools

# Of one test.
SCENES_MAX = 3
# Of one whole run: scenes that are played again, and times that are measured again.
SCENES_AGAIN_MAX = 10
MEASURES_AGAIN_MAX = 20


class Repetitions:
    """What was done again in this run."""

    def __init__(self, kind, most):
        self.kind = kind
        self.most = most
        # The name and why, once for each time.
        self.done = []

    def may_repeat(self, name, why):
        """Notes that something failed; whether it may be done again."""
        if len(self.done) >= self.most:
            print(f"{name}: {self.most} {self.kind} of this run were repeated, and that is enough")
            return False
        self.done.append((name, str(why)))
        return True

    def summary(self):
        """One line about the whole run, and one for each time."""
        names = sorted({name for name, _ in self.done})
        used = f"{len(self.done)} of at most {self.most}, in {len(names)} tests"
        reasons = [f"  {name}: {(why.splitlines() or [''])[0][:160]}" for name, why in self.done]
        return [f"{self.kind} again: {used}", *reasons]


scenes = Repetitions("scenes", SCENES_AGAIN_MAX)
measures = Repetitions("measures", MEASURES_AGAIN_MAX)


def summary():
    return scenes.summary() + measures.summary()


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
                if not scenes.may_repeat(test.__name__, repr(failure)):
                    raise
                for fixture in fixtures.values():
                    getattr(fixture, "begin_scene", lambda: None)()
        return test(*arguments, **fixtures)

    return played
