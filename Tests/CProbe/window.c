// The Swift runtime's hooks, swapped for the length of a window.
#include "CProbe.h"
#include "heap.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Exported by libswiftCore for instruments. The runtime looks at the five pointers only while the
// byte is 1, and sets the byte by itself only at the first object allocation after a swap.
extern unsigned char _swift_enableSwizzlingOfAllocationAndRefCountingFunctions_forInstrumentsOnly;
extern void *(*_swift_retain)(void *object);
extern void *(*_swift_retain_n)(void *object, uint32_t n);
extern void (*_swift_release)(void *object);
extern void (*_swift_release_n)(void *object, uint32_t n);
extern void *(*_swift_allocObject)(const void *metadata, size_t size, size_t alignment_mask);

static void *(*real_retain)(void *object);
static void *(*real_retain_n)(void *object, uint32_t n);
static void (*real_release)(void *object);
static void (*real_release_n)(void *object, uint32_t n);
static void *(*real_alloc_object)(const void *metadata, size_t size, size_t alignment_mask);

static unsigned char byte_before;
static struct probe_counts at_begin;
static bool open_window;

static void *count_retain(void *object)
{
    probe_thread_counts()->retains++;
    return real_retain(object);
}

static void *count_retain_n(void *object, uint32_t n)
{
    probe_thread_counts()->retains += n;
    return real_retain_n(object, n);
}

static void count_release(void *object)
{
    probe_thread_counts()->releases++;
    real_release(object);
}

static void count_release_n(void *object, uint32_t n)
{
    probe_thread_counts()->releases += n;
    real_release_n(object, n);
}

static void *count_alloc_object(const void *metadata, size_t size, size_t alignment_mask)
{
    probe_thread_counts()->objects++;
    return real_alloc_object(metadata, size, alignment_mask);
}

void probe_begin(void)
{
    if (open_window)
        abort();
    open_window = true;
    real_retain = _swift_retain;
    real_retain_n = _swift_retain_n;
    real_release = _swift_release;
    real_release_n = _swift_release_n;
    real_alloc_object = _swift_allocObject;
    byte_before = _swift_enableSwizzlingOfAllocationAndRefCountingFunctions_forInstrumentsOnly;
    at_begin = *probe_thread_counts();
    _swift_retain = count_retain;
    _swift_retain_n = count_retain_n;
    _swift_release = count_release;
    _swift_release_n = count_release_n;
    _swift_allocObject = count_alloc_object;
    _swift_enableSwizzlingOfAllocationAndRefCountingFunctions_forInstrumentsOnly = 1;
}

struct probe_counts probe_end(void)
{
    if (!open_window)
        abort();
    _swift_enableSwizzlingOfAllocationAndRefCountingFunctions_forInstrumentsOnly = byte_before;
    _swift_retain = real_retain;
    _swift_retain_n = real_retain_n;
    _swift_release = real_release;
    _swift_release_n = real_release_n;
    _swift_allocObject = real_alloc_object;
    open_window = false;
    const struct probe_counts now = *probe_thread_counts();
    return (struct probe_counts){
        .mallocs = now.mallocs - at_begin.mallocs,
        .frees = now.frees - at_begin.frees,
        .retains = now.retains - at_begin.retains,
        .releases = now.releases - at_begin.releases,
        .objects = now.objects - at_begin.objects,
    };
}

// The program's arguments tell: `swift test` hands its own options on.
bool probe_is_alone(void)
{
    char arguments[16384];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !PROBE_OWNS_MALLOC)
        return false;
    ssize_t length = read(fd, arguments, sizeof arguments - 1);
    close(fd);
    if (length <= 0)
        return false;
    arguments[length] = 0;
    bool alone = false;
    bool budget = false;
    for (char *at = arguments; at < arguments + length; at += strlen(at) + 1) {
        alone = alone || strcmp(at, "--no-parallel") == 0;
        budget = budget || strstr(at, "Budget") != NULL;
    }
    return alone && budget;
}
