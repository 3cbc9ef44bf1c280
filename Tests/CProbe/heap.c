// malloc and its relatives, counted per thread and passed on to glibc.
#define _GNU_SOURCE
#include "heap.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <string.h>

// In the program's own thread block, so that counting never allocates.
static __thread struct probe_counts counts __attribute__((tls_model("initial-exec")));

struct probe_counts *probe_thread_counts(void)
{
    return &counts;
}

static __thread struct {
    const void *bytes;  // NULL: nobody watches
    size_t length;
    uint64_t seen;
} watch __attribute__((tls_model("initial-exec")));

bool probe_watch_frees(const void *bytes, size_t length)
{
    watch.bytes = bytes;
    watch.length = length;
    watch.seen = 0;
    return PROBE_OWNS_MALLOC;
}

uint64_t probe_watched_frees(void)
{
    return watch.seen;
}

#if PROBE_OWNS_MALLOC

// How many calls may succeed yet; -1 for all.
static __thread int64_t successes_left __attribute__((tls_model("initial-exec"))) = -1;

bool probe_fail_mallocs_after(int64_t count)
{
    successes_left = count;
    return true;
}

// Counts a call. True when it has to fail.
static bool refuses(void)
{
    counts.mallocs++;
    if (successes_left <= 0)
        return successes_left == 0;
    successes_left--;
    return false;
}

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

void *malloc(size_t size)
{
    return refuses() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return refuses() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return refuses() ? NULL : __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
    return refuses() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}

void free(void *memory)
{
    if (memory)
        counts.frees++;
    if (memory && watch.bytes &&
        memmem(memory, malloc_usable_size(memory), watch.bytes, watch.length))
        watch.seen++;
    __libc_free(memory);
}

#else

bool probe_fail_mallocs_after(int64_t count)
{
    (void)count;
    return false;
}

#endif
