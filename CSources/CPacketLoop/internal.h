// What the files of the packet loop share, and nobody else sees.
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "include/CPacketLoop.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PL_BATCH_DEFAULT 64
#define PL_BATCH_MAX 1024
#define PL_QUEUE_DEFAULT 256
#define PL_QUEUE_MAX 1024
#define PL_SOCKETS_DEFAULT 32
#define PL_SOCKETS_MAX 65535
#define PL_GATHER_MAX 10000000
#define PL_REST_MAX 10000000
// Descriptors that a loop asks about one by one; with more it leaves a standing order (wait.c).
#define PL_POLLED_MAX 16
// Ready sockets taken from one wait; more wait their turn, which the kernel gives out in a round.
#define PL_READY_MAX 64
// What is not a socket's index among the marks of what is ready.
#define PL_WAKEUP_MARK UINT32_MAX
#define PL_NEWS_MARK (UINT32_MAX - 1)

// The most datagrams that the kernel takes in, or shows as, one message (UDP_SEGMENT, UDP_GRO).
#define PL_SEGMENTS_MAX 64

// Room for one control message that holds a segment size.
union pl_control {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

// One socket's messages for one direction. The arrays are parallel, but for `vectors` on the way
// out, where a message that the kernel splits has one for each datagram. sockaddr_in6 has room for
// either family.
struct pl_messages {
    struct mmsghdr *headers;
    struct iovec *vectors;
    struct sockaddr_in6 *names;
    union pl_control *controls;
};

struct pl_socket {
    int fd;
    sa_family_t family;
    bool takes_ipv4;  // an IPv6 socket that reaches IPv4 peers too, in mapped form
    uint16_t index;
    uint32_t batch;         // datagrams shown at once
    uint32_t messages;      // read at once: `batch`, or fewer when each may hold many datagrams
    uint32_t queue;         // datagrams that may wait for sending
    uint32_t buffer_bytes;  // the longest datagram taken whole
    uint32_t room_bytes;    // of one message's buffer
    bool is_coalesced;      // UDP_GRO: a message may hold several datagrams
    bool can_segment;       // UDP_SEGMENT works: a message may become several datagrams
    uint32_t received;      // messages of the last read
    uint32_t shown;         // of these, shown whole
    uint32_t shown_bytes;   // of the next, shown already
    uint32_t queued;        // datagrams in `out`
    uint32_t queued_messages;
    uint32_t last_bytes;           // of the last message in `out`
    bool last_is_closed;           // it takes no further datagram
    bool sends_frames;             // what it can, it sends past the kernel's UDP (frames.h)
    struct pl_address local;       // then the address that it is bound to
    struct pl_refusals *refusals;  // NULL: what is too long is lost (refused.c)
    struct pl_messages in;
    struct pl_messages out;
    struct pl_datagram *datagrams;  // what on_batch is shown
    struct pl_counters counters;    // written by the loop's thread only
    size_t memory_size;             // this struct and all the arrays, one mapping
};

struct pl_frames;

// More than a loop sends between two flushes by one socket, as a rule.
#define PL_REFUSED_MAX 1024

// What was refused as too long and waits to be taken.
struct pl_refusals {
    uint32_t count, taken;
    struct pl_refused list[PL_REFUSED_MAX];
};

struct pl_loop {
    struct pl_loop_options options;
    struct pl_socket *keeper;  // the socket that has refusals, if any
    struct pl_frames *frames;  // NULL: everything goes by the sockets
    int wakeup;                // eventfd
    int epoll;                 // -1 while pl_wait asks about all sockets each time
    bool has_precise_wait;     // epoll_pwait2 exists
    uint32_t polled_count;
    struct pollfd polled[PL_POLLED_MAX];
    uint32_t polled_marks[PL_POLLED_MAX];
    uint32_t ready[PL_READY_MAX];  // marks of what is ready after a wait
    atomic_bool stopping;
    _Atomic uint32_t socket_count;  // released after the socket is complete
    struct pl_socket **sockets;     // sockets_max entries
    uint16_t *unsent;               // indices of sockets with a filled queue
    uint32_t unsent_count;
    bool is_behind;          // a socket had more than this turn took
    bool rests;              // datagrams come so often that they are read now and then
    bool has_read;           // this turn has read something
    uint64_t read_at;        // when the last datagrams were read
    uint64_t waiting_since;  // see pl_loop_waiting_since
    uint64_t turns;
    size_t memory_size;
};

// Stops the program on a mistake of our own. Input from outside never leads here.
#define PL_REQUIRE(condition)                                                         \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: violated: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                  \
        }                                                                             \
    } while (0)

// Fills `error` (may be NULL) from a format and the errno `number`. Returns -1 for the caller to
// return.
int pl_fail(struct pl_error *error, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Adds to a counter that other threads may be reading. There is one writer, so a relaxed store is
// enough and costs what a plain add costs.
static inline void pl_count(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, *counter + amount, __ATOMIC_RELAXED);
}

// Zeroed, touched memory on a NUMA node (-1: anywhere); NULL when there is none.
void *pl_memory_map(size_t size, int numa_node);
void pl_memory_unmap(void *memory, size_t size);

// Writes `address` in the form that a socket of `family` takes. Returns its length, or 0 when an
// address of this kind cannot be reached from such a socket: one of IPv4 from an IPv6 socket that
// does not take it.
socklen_t pl_address_to_kernel(const struct pl_address *address, sa_family_t family,
                               bool takes_ipv4, struct sockaddr_in6 *out);
void pl_address_from_kernel(const struct sockaddr_in6 *name, struct pl_address *out);
bool pl_address_is_ipv4(const struct pl_address *address);

// Waiting. `mark` names a descriptor in loop->ready. Return 0 or -1 and errno; pl_wait returns how
// many are ready.
int pl_wait_open(struct pl_loop *loop);
int pl_wait_add(struct pl_loop *loop, int fd, uint32_t mark);
int pl_wait(struct pl_loop *loop, uint64_t deadline);
// Waits for pl_loop_wake only.
void pl_wait_deaf(struct pl_loop *loop, uint64_t deadline);
void pl_wait_close(struct pl_loop *loop);
// Has the loop leave a standing order with the kernel, however few its sockets are.
int pl_wait_use_epoll(struct pl_loop *loop);

// Makes a loop's view of `fd`, with all its memory.
struct pl_socket *pl_socket_create(int fd, const struct pl_loop_options *options,
                                   uint32_t buffer_bytes, struct pl_error *error);
void pl_socket_destroy(struct pl_socket *socket);

// Reads a batch of messages and returns how many; 0 when nothing came.
uint32_t pl_socket_receive(struct pl_socket *socket);

// Shows the next datagrams of that batch in socket->datagrams and returns how many; 0 after the
// last.
uint32_t pl_socket_show(struct pl_socket *socket);

// Queues a datagram that lasts until the queue is sent; the queue has room.
void pl_socket_enqueue(struct pl_socket *socket, const uint8_t *bytes, uint32_t length,
                       const struct sockaddr_in6 *name, socklen_t name_length);

// Sends the queue of one socket.
void pl_socket_flush(struct pl_socket *socket);

// The counter of datagrams that were not sent for the reason `code`, an errno.
uint64_t *pl_failure_counter(struct pl_counters *counters, int code);

// Keeps a datagram that was refused as too long; false when nobody wants it or there is no room.
bool pl_refused_keep(struct pl_socket *socket, const struct iovec *bytes,
                     const struct sockaddr_in6 *name);
// Counts what nobody has taken as lost.
void pl_refused_forget(struct pl_loop *loop);
void pl_refused_close(struct pl_loop *loop);

// Frames (frames.h); only for loops that have them. Takes a datagram, copying it, unless it has to
// go by the socket.
bool pl_frames_take(struct pl_loop *loop, struct pl_socket *socket, const uint8_t *bytes,
                    uint32_t length, const struct pl_address *peer);
// Hands over what was taken.
void pl_frames_flush(struct pl_loop *loop);
// After each wait: looks at the clock and, when there are any, at the kernel's news.
void pl_frames_wake(struct pl_loop *loop, bool has_news);
// After each turn: looks up where frames have to go. Returns when it wants to be called again.
uint64_t pl_frames_turn(struct pl_loop *loop);
void pl_frames_close(struct pl_loop *loop);
