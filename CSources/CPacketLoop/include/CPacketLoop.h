// The packet loop: sockets, batches, CPU and NUMA placement. It knows datagrams and file
// descriptors; it knows no protocol. One loop is one thread. Relay workers, transceiver shards and
// the load client all run on it.
//
// A turn: wait (epoll), read each ready socket in batches (recvmmsg) and hand every batch to
// `on_batch`; then call `on_turn` once; then send what was queued (sendmmsg). Nothing is allocated
// after pl_loop_create.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// An address as the kernel and Swift exchange it: IPv6, or IPv4 in mapped form (::ffff:a.b.c.d).
struct pl_address {
    uint8_t ip[16];  // network order
    uint16_t port;   // host order
};

// A received datagram. `bytes` belongs to the loop and stays valid and writable until the handler
// that was given it returns and what it queued has been flushed.
struct pl_datagram {
    uint8_t *bytes;
    uint32_t length;     // bytes; never more than the socket's buffer size
    uint16_t socket;     // index that pl_loop_add_socket returned
    uint16_t truncated;  // not 0: the datagram was longer than the buffer
    struct pl_address peer;
};

struct pl_loop;

struct pl_handlers {
    void *context;
    // One receive batch of one socket. `now` is CLOCK_MONOTONIC in nanoseconds.
    void (*on_batch)(void *context, struct pl_loop *loop, const struct pl_datagram *batch,
                     uint32_t count, uint64_t now);
    // Once per turn after all batches, and when a deadline or pl_loop_wake is due. Returns the next
    // deadline (CLOCK_MONOTONIC, nanoseconds; UINT64_MAX for none).
    uint64_t (*on_turn)(void *context, struct pl_loop *loop, uint64_t now);
};

// Queues one datagram for `peer` on `socket`. `bytes` must stay valid until the flush that follows
// the handler (or pl_loop_flush). Flushes by itself when the queue is full. Called only from the
// loop's own thread, inside a handler.
void pl_loop_send(struct pl_loop *loop, uint16_t socket, const uint8_t *bytes, uint32_t length,
                  const struct pl_address *peer) __attribute__((swift_attr("@_noLocks")));

// Sends everything queued now (for memory that is about to be reused).
void pl_loop_flush(struct pl_loop *loop) __attribute__((swift_attr("@_noLocks")));

#ifdef __cplusplus
}
#endif
