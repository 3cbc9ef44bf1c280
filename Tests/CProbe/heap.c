// malloc and its relatives, counted per thread and passed on to glibc.
#include "heap.h"

#include <errno.h>
#include <stddef.h>

// In the program's own thread block, so that counting never allocates.
static __thread struct probe_counts counts __attribute__((tls_model("initial-exec")));

struct probe_counts *probe_thread_counts(void)
{
    return &counts;
}

#if PROBE_OWNS_MALLOC

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

void *malloc(size_t size)
{
    counts.mallocs++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    counts.mallocs++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    counts.mallocs++;
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
    counts.mallocs++;
    return __libc_memalign(alignment, size);
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
    __libc_free(memory);
}

#endif
