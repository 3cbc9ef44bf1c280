"""How soon `session.updated` follows `session.update`, as a client sees it.

A machine that stands still for a moment delays any answer, so one late answer proves nothing; but
what delays each of them is ours. Five answers are timed, and more while none of them was in time.
"""

UPDATED_MS_MAX = 100
COUNT = 5
COUNT_MAX = 30


def are_enough(milliseconds):
    """Whether no more answers need to be timed."""
    is_settled = len(milliseconds) >= COUNT and min(milliseconds) <= UPDATED_MS_MAX
    return is_settled or len(milliseconds) >= COUNT_MAX


def check(who, milliseconds):
    """The verdict on all answers that were timed."""
    print(f"{who}: session.updated after " + ", ".join(f"{ms:.1f}" for ms in milliseconds) + " ms")
    assert len(milliseconds) >= COUNT
    assert min(milliseconds) <= UPDATED_MS_MAX, (who, milliseconds)
