// Counts what a piece of code on one thread asks of the heap and of Swift's reference counts, so
// that a test can say "none". For the test program only: it takes malloc's place there, and while
// a window is open it takes the place of the Swift runtime's retain and release.
//
// A window is one pair of probe_begin and probe_end around a tight loop. While it is open nothing
// else may run in the process (the runtime's hooks are global, and a hooked runtime cannot retain
// a small String), so tests that open one are run alone:
//
//     swift test --disable-xctest --no-parallel --filter Budget
//
// and are enabled only then: `@Suite("Budget ...", .enabled(if: probe_is_alone()))`.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct probe_counts {
    uint64_t mallocs;   // malloc, calloc, realloc, aligned_alloc, posix_memalign, memalign
    uint64_t frees;     // of anything but NULL
    uint64_t retains;   // swift_retain, swift_retain_n
    uint64_t releases;  // swift_release, swift_release_n
    uint64_t objects;   // swift_allocObject
};

// Whether this test program was started for budget tests only, one at a time, and can count
// (a sanitizer has malloc to itself).
bool probe_is_alone(void);

// Opens a window on the calling thread. Windows do not nest.
void probe_begin(void);

// Closes the window; what the calling thread did since probe_begin.
struct probe_counts probe_end(void);

// Looks, from now on, for `length` bytes in each block that the calling thread frees: a secret that
// was not erased. `bytes` must outlive it; NULL and 0 end it. Returns false where nobody can look,
// with a sanitizer.
bool probe_watch_frees(const void *bytes, size_t length);

// How many blocks held them, since probe_watch_frees.
uint64_t probe_watched_frees(void);

// Lets `count` more calls of malloc and its relatives on the calling thread succeed, and each after
// them fail, until called with -1. Swift does not survive that: only C may run between the two
// calls. False, and without effect, where a sanitizer has malloc to itself.
bool probe_fail_mallocs_after(int64_t count);

// Moves the calling thread into a new network namespace, in which there is only a loopback
// interface that is down. Returns a descriptor for it; -1 and errno when it is refused.
int probe_new_network(void);

// Moves the calling thread into a network namespace. Returns 0, or -1 and errno.
int probe_enter_network(int network);
