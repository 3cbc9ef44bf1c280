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

// What failed, for an operator: an errno and a sentence that names the thing.
struct pl_error {
    int number;
    char text[200];
};

struct pl_socket_options {
    struct pl_address local;  // port 0: any free port. IPv4 in mapped form opens an IPv4 socket
    int reuse_port;           // not 0: one of several sockets on this address (SO_REUSEPORT)
    int buffer_bytes;         // wanted kernel buffers each way; 0: 4 MiB
};

// Opens and binds a UDP socket, non-blocking; an IPv6 socket takes no IPv4. Fills `bound` with the
// real address. Returns the descriptor, or -1 and `error`.
int pl_socket_open(const struct pl_socket_options *options, struct pl_address *bound,
                   struct pl_error *error);

struct pl_loop_options {
    uint32_t batch;   // datagrams read at once; 0: 64
    uint32_t queue;   // datagrams queued before a flush; 0: 256
    int numa_node;    // where the memory shall be; -1: wherever
    struct pl_handlers handlers;
};

// Makes a loop; NULL and `error` when something is missing.
struct pl_loop *pl_loop_create(const struct pl_loop_options *options, struct pl_error *error);

// Gives the loop a socket (it closes it at pl_loop_destroy), with receive buffers of
// `buffer_bytes`. Returns its index, or -1 and `error`. Before pl_loop_run only.
int pl_loop_add_socket(struct pl_loop *loop, int descriptor, uint32_t buffer_bytes,
                       struct pl_error *error);

// Runs until pl_loop_stop. The calling thread is the loop's thread.
void pl_loop_run(struct pl_loop *loop);

// Makes the loop take a turn soon, or end. Any thread, and signal handlers.
void pl_loop_wake(struct pl_loop *loop);
void pl_loop_stop(struct pl_loop *loop);

// Closes and frees everything. The loop must not be running.
void pl_loop_destroy(struct pl_loop *loop);

// What the loop's sockets did. Each datagram received is in `received`; each datagram that was
// queued ends in `sent` or in one of the failures.
struct pl_counters {
    uint64_t received, received_bytes, receive_calls, truncated;
    uint64_t sent, sent_bytes, send_calls;
    uint64_t failed_full;     // the socket's buffer was full (EAGAIN, ENOBUFS)
    uint64_t failed_refused;  // an ICMP error came back (ECONNREFUSED, EHOSTUNREACH, ...)
    uint64_t failed_too_big;  // larger than the path takes (EMSGSIZE)
    uint64_t failed_not_permitted;  // a firewall (EPERM)
    uint64_t failed_other;
    uint64_t turns;
};

// A snapshot; any thread.
void pl_loop_counters(const struct pl_loop *loop, struct pl_counters *counters);

// Keeps the calling thread on one CPU; 0, or an errno.
int pl_pin_to_cpu(int cpu);
// The NUMA node of a CPU; -1 when the machine does not say.
int pl_node_of_cpu(int cpu);

#ifdef __cplusplus
}
#endif
