// What the files of the packet loop share. Nothing here is for callers.
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "CPacketLoop.h"

#define PL_SOCKETS_MAX 32
// What epoll calls the two descriptors that are not sockets.
#define PL_WAKE_TAG PL_SOCKETS_MAX
#define PL_TIMER_TAG (PL_SOCKETS_MAX + 1)

union pl_sockaddr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

// One socket and its receive vectors. All arrays have `batch` entries.
struct pl_socket {
    int descriptor;
    bool is_v4;
    uint32_t buffer_bytes;
    uint8_t *buffers;
    struct mmsghdr *messages;
    struct iovec *vectors;
    union pl_sockaddr *peers;
};

// The send queue: one message, vector, address and socket per datagram.
struct pl_queue {
    uint32_t count, capacity;
    struct mmsghdr *messages;
    struct iovec *vectors;
    union pl_sockaddr *peers;
    uint16_t *sockets;
};

// Written by the loop's thread alone, read by any.
struct pl_live_counters {
    _Atomic uint64_t received, received_bytes, receive_calls, truncated;
    _Atomic uint64_t sent, sent_bytes, send_calls;
    _Atomic uint64_t failed_full, failed_refused, failed_too_big, failed_not_permitted, failed_other;
    _Atomic uint64_t turns;
};

struct pl_loop {
    struct pl_handlers handlers;
    uint32_t batch;
    int numa_node;
    int epoll, wake_event, timer;
    uint32_t socket_count;
    struct pl_socket sockets[PL_SOCKETS_MAX];
    struct pl_datagram *datagrams;
    struct pl_queue queue;
    uint64_t armed_deadline;
    atomic_bool stopping;
    struct pl_live_counters counters;
};

// One writer: a plain load and store, not a locked instruction.
static inline void pl_count(_Atomic uint64_t *counter, uint64_t amount) {
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, before + amount, memory_order_relaxed);
}

void *pl_memory(size_t bytes, int numa_node);
void pl_memory_free(void *memory, size_t bytes, int numa_node);
int pl_fail(struct pl_error *error, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void pl_to_sockaddr(const struct pl_address *address, bool is_v4, union pl_sockaddr *out,
                    socklen_t *length);
void pl_from_sockaddr(const union pl_sockaddr *address, struct pl_address *out);
bool pl_is_v4(const struct pl_address *address);
