// The receiving side: one thread reads sockets in turn and counts.
#include "internal.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

// Bytes of a datagram that are read when latencies are measured; a jumbo bundle fits.
#define BYTES_MAX 9216
// Enough for all counting: the length comes without the bytes.
#define BYTES_MIN 64

struct group {
    _Atomic uint64_t datagrams, packets, bytes;
};

struct ct_sink {
    struct ct_sink_options options;
    struct ct_inlet *inlets;
    pthread_t thread;
    atomic_bool stops;
    struct group groups[CT_GROUPS];
    _Atomic uint64_t buckets[CT_BUCKETS];
    struct mmsghdr messages[CT_BATCH];
    struct iovec pieces[CT_BATCH];
    char control[CT_BATCH][CMSG_SPACE(sizeof(struct timespec))];
    uint8_t bytes[CT_BATCH][BYTES_MAX];
};

uint32_t ct_bucket(uint64_t nanoseconds)
{
    if (nanoseconds < 16)
        return (uint32_t)nanoseconds;
    uint32_t exponent = 63 - (uint32_t)__builtin_clzll(nanoseconds);
    uint32_t bucket = (exponent - 3) * 16 + (uint32_t)((nanoseconds >> (exponent - 4)) & 15);
    return bucket < CT_BUCKETS ? bucket : CT_BUCKETS - 1;
}

static bool measures(const struct ct_sink *sink)
{
    return sink->options.stamp_tail != 0;
}

static void prepare(struct ct_sink *sink)
{
    for (int i = 0; i < CT_BATCH; i++) {
        struct msghdr *message = &sink->messages[i].msg_hdr;
        sink->pieces[i].iov_base = sink->bytes[i];
        sink->pieces[i].iov_len = measures(sink) ? BYTES_MAX : BYTES_MIN;
        message->msg_iov = &sink->pieces[i];
        message->msg_iovlen = 1;
        message->msg_control = measures(sink) ? sink->control[i] : NULL;
        message->msg_controllen = measures(sink) ? sizeof sink->control[i] : 0;
    }
}

// When the kernel got the datagram, in nanoseconds of CLOCK_REALTIME; 0 when it does not say.
static uint64_t arrival(struct msghdr *message)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SO_TIMESTAMPNS)
        return 0;
    struct timespec time;
    memcpy(&time, CMSG_DATA(header), sizeof time);
    return (uint64_t)time.tv_sec * CT_NANOSECONDS + (uint64_t)time.tv_nsec;
}

static void note_latencies(struct ct_sink *sink, const struct ct_inlet *inlet, int index,
                           uint32_t length)
{
    uint64_t came = arrival(&sink->messages[index].msg_hdr);
    uint32_t offset = inlet->head;
    for (; offset + inlet->stride <= length && length <= BYTES_MAX; offset += inlet->stride) {
        uint64_t left;
        memcpy(&left, sink->bytes[index] + offset + inlet->stride - sink->options.stamp_tail,
               sizeof left);
        if (left == 0 || came < left)
            continue;  // not one of the stamped packets
        atomic_fetch_add_explicit(&sink->buckets[ct_bucket(came - left)], 1, memory_order_relaxed);
    }
}

// Reads one batch and returns how many came.
static int read_batch(struct ct_sink *sink, const struct ct_inlet *inlet)
{
    int count =
        recvmmsg(inlet->descriptor, sink->messages, CT_BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
    if (count <= 0)
        return 0;
    uint64_t packets = 0, bytes = 0;
    for (int i = 0; i < count; i++) {
        uint32_t length = sink->messages[i].msg_len;
        bytes += length;
        if (length > inlet->head)
            packets += (length - inlet->head) / inlet->stride;
        if (measures(sink)) {
            if (inlet->group == 0)
                note_latencies(sink, inlet, i, length);
            sink->messages[i].msg_hdr.msg_controllen = sizeof sink->control[i];
        }
    }
    struct group *group = &sink->groups[inlet->group];
    atomic_fetch_add_explicit(&group->datagrams, (uint64_t)count, memory_order_relaxed);
    atomic_fetch_add_explicit(&group->packets, packets, memory_order_relaxed);
    atomic_fetch_add_explicit(&group->bytes, bytes, memory_order_relaxed);
    return count;
}

static void *run(void *argument)
{
    struct ct_sink *sink = argument;
    ct_prepare_thread(sink->options.cpu);
    struct sched_param first = {.sched_priority = 1};
    if (sink->options.is_urgent)
        pthread_setschedparam(pthread_self(), SCHED_FIFO, &first);
    while (!atomic_load_explicit(&sink->stops, memory_order_relaxed)) {
        bool found = false;
        for (uint32_t i = 0; i < sink->options.inlet_count; i++)
            found |= read_batch(sink, &sink->inlets[i]) == CT_BATCH;
        if (!found)
            ct_wait_until(ct_clock(CLOCK_MONOTONIC) + sink->options.period);
    }
    return NULL;
}

struct ct_sink *ct_sink_start(const struct ct_sink_options *options)
{
    struct ct_sink *sink = calloc(1, sizeof *sink);
    struct ct_inlet *inlets = calloc(options->inlet_count, sizeof *inlets);
    int failure = ENOMEM;
    if (sink != NULL && inlets != NULL) {
        memcpy(inlets, options->inlets, options->inlet_count * sizeof *inlets);
        sink->options = *options;
        sink->inlets = inlets;
        prepare(sink);
        failure = pthread_create(&sink->thread, NULL, run, sink);
    }
    if (failure != 0) {
        free(inlets);
        free(sink);
        errno = failure;
        return NULL;
    }
    return sink;
}

struct ct_count ct_sink_count(const struct ct_sink *sink, uint32_t number)
{
    const struct group *group = &sink->groups[number];
    struct ct_count count = {
        .datagrams = atomic_load_explicit(&group->datagrams, memory_order_relaxed),
        .packets = atomic_load_explicit(&group->packets, memory_order_relaxed),
        .bytes = atomic_load_explicit(&group->bytes, memory_order_relaxed),
    };
    return count;
}

void ct_sink_histogram(const struct ct_sink *sink, uint64_t buckets[CT_BUCKETS])
{
    for (int i = 0; i < CT_BUCKETS; i++)
        buckets[i] = atomic_load_explicit(&sink->buckets[i], memory_order_relaxed);
}

void ct_sink_stop(struct ct_sink *sink)
{
    atomic_store(&sink->stops, true);
    pthread_join(sink->thread, NULL);
    free(sink->inlets);
    free(sink);
}
