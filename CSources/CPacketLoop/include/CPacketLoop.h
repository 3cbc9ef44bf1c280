// The packet loop: sockets, batches, CPU and NUMA placement. It knows datagrams and file
// descriptors; it knows no protocol. One loop is one thread. Relay workers, transceiver shards and
// the load client all run on it.
//
// A turn: wait (epoll), read each ready socket in batches (recvmmsg) and hand every batch to
// `on_batch`; then call `on_turn` once. What a handler queued is sent when it returns (sendmmsg). A
// few batches of each ready socket bound a turn's work and keep a busy socket from starving the
// others. Nothing is allocated after pl_loop_add_socket.
//
// Functions that can fail return NULL or -1 and fill `struct pl_error`; its pointer may be NULL.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// --- Errors ------------------------------------------------------------------------------------

// Why something failed.
struct pl_error {
    int number;      // errno; 0 when no system call failed
    char text[320];  // "cannot bind 127.0.0.1:3478/udp: Address already in use", with no full stop
};

// The sentence, as a C string that lives as long as `error`.
const char *pl_error_text(const struct pl_error *error);

// --- Addresses ---------------------------------------------------------------------------------

// An address as the kernel and Swift exchange it: IPv6, or IPv4 in mapped form (::ffff:a.b.c.d).
struct pl_address {
    uint8_t ip[16];  // network order
    uint16_t port;   // host order
};

// Room for the longest text form, "[ffff:...:255.255.255.255]:65535", and its closing NUL.
#define PL_ADDRESS_TEXT_SIZE 64

// Writes "192.0.2.1:3478" or "[2001:db8::1]:3478" and returns `text`.
const char *pl_address_text(const struct pl_address *address, char text[PL_ADDRESS_TEXT_SIZE]);

// --- Datagrams and the loop --------------------------------------------------------------------

// A received datagram. `bytes` belongs to the loop and stays valid and writable until the handler
// that was given it returns and what it queued has been sent.
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
    // Once when the loop starts, then once per turn after all batches; so also when a deadline or
    // pl_loop_wake is due. Returns the next deadline (CLOCK_MONOTONIC, nanoseconds; UINT64_MAX for
    // none). A deadline already past makes the next turn come at once, without waiting.
    uint64_t (*on_turn)(void *context, struct pl_loop *loop, uint64_t now);
};

struct pl_loop_options {
    uint32_t batch;  // datagrams read at once, 1...1024; 0 means 64
    uint32_t queue;  // datagrams queued for one socket before a flush, 1...1024; 0 means 256
    int numa_node;   // where the loop's memory shall live; -1 for anywhere
    struct pl_handlers handlers;
    uint32_t sockets_max;  // 1...65535; 0 means 32
    // How long a loop that was woken waits for more before it reads, 0 or more: larger batches
    // and fewer wake-ups for so much delay. A loop that is behind does not wait.
    uint32_t gather_nanoseconds;
    // While datagrams come more often than so long after each other, they are read at multiples of
    // it (of CLOCK_MONOTONIC) and at deadlines only; 0: always at once. Deadlines that are such
    // multiples too share their wake-ups. pl_loop_wake is not held up.
    uint32_t rest_nanoseconds;
};

// Makes a loop that is not running yet.
struct pl_loop *pl_loop_create(const struct pl_loop_options *options, struct pl_error *error);

// Gives the loop a bound UDP socket (see pl_socket_open) and returns its index, 0 for the first.
// The loop closes it in pl_loop_destroy; when -1 is returned the socket remains the caller's.
// `buffer_bytes`, 1...65536, bounds a received datagram; memory for a batch is allocated here.
// Call it before pl_loop_run, or inside a handler.
int pl_loop_add_socket(struct pl_loop *loop, int descriptor, uint32_t buffer_bytes,
                       struct pl_error *error);

// The bytes of the receive buffers that pl_loop_add_socket takes for one socket of a loop that
// reads `batch` datagrams at once; `coalesces` as `coalesce` in struct pl_socket_options.
uint64_t pl_receive_bytes(uint32_t batch, uint32_t buffer_bytes, bool coalesces);

// Runs turns until pl_loop_stop. The calling thread is the loop's thread.
void pl_loop_run(struct pl_loop *loop);

// Makes a turn come now. Any thread; async-signal-safe.
void pl_loop_wake(struct pl_loop *loop);

// Makes pl_loop_run return at the end of the current turn, or at once when it is called later.
// Any thread; async-signal-safe.
void pl_loop_stop(struct pl_loop *loop);

// Closes the sockets and frees the memory. The loop must not be running. NULL is allowed.
void pl_loop_destroy(struct pl_loop *loop);

// Queues one datagram for `peer` on `socket`. `bytes` must stay valid until the handler
// returns (or pl_loop_flush). Flushes by itself when the queue is full. Called only from the loop's
// own thread, inside a handler.
void pl_loop_send(struct pl_loop *loop, uint16_t socket, const uint8_t *bytes, uint32_t length,
                  const struct pl_address *peer) __attribute__((swift_attr("@_noLocks")));

// Sends everything queued now (for memory that is about to be reused).
void pl_loop_flush(struct pl_loop *loop) __attribute__((swift_attr("@_noLocks")));

// Since when, at most, the datagrams of the batch in hand have waited to be read: since the reading
// before for a loop that rests, else since the loop was woken. Inside on_batch.
uint64_t pl_loop_waiting_since(const struct pl_loop *loop);

// Has a socket's datagrams leave as Ethernet frames of our own making, by AF_XDP in copy mode on
// this queue of the interface that has its address: half the CPU time of a UDP socket. What is in
// doubt goes by the socket: a way not looked up yet, a neighbour that is not there, a route by
// another interface or through a tunnel, a packet too long; and one packet a second to each
// neighbour, so that the kernel goes on asking for it. The kernel's netfilter, traffic control,
// IPsec and packet capture do not see these frames. A queue serves one program; the loopback
// interface takes IPv4 frames only with route_localnet and accept_local. To be called after the
// socket was added, before pl_loop_run. Returns 0; or -1, and the socket is as it was. Wants
// CAP_NET_RAW.
int pl_loop_send_frames(struct pl_loop *loop, uint16_t socket, uint32_t queue,
                        struct pl_error *error);

// A datagram that the kernel has refused to send because it is longer than its way carries.
struct pl_refused {
    const uint8_t *bytes;
    uint32_t length;
    struct pl_address peer;
};

// Has the loop keep what is refused as too long on this socket, so that it can be sent otherwise
// (pl_loop_take_refused). For one socket of a loop; after it was added, before pl_loop_run. Returns
// 0 or -1.
int pl_loop_keep_refused(struct pl_loop *loop, uint16_t socket, struct pl_error *error);

// Takes the next datagram that a flush found to be too long; false when there is none. Its bytes
// are those that were given to pl_loop_send. Inside a handler, before it reuses that memory: what
// is left when it returns is lost, and counted as failed_too_big.
bool pl_loop_take_refused(struct pl_loop *loop, struct pl_refused *out);

// Sends what is queued and then this datagram, now. `in_fragments` allows the kernel, and the
// routers of IPv4, to part it where it is longer than the way carries; everything else leaves
// whole or not at all. Returns 0 or the errno; EMSGSIZE means that it was too long, and is counted
// as given back. Inside a handler.
int pl_loop_send_now(struct pl_loop *loop, uint16_t socket, const uint8_t *bytes, uint32_t length,
                     const struct pl_address *peer, bool in_fragments);

// The memory that a loop takes for sending frames by `interfaces` interfaces, in bytes.
uint64_t pl_frames_bytes(uint32_t interfaces);

// CLOCK_MONOTONIC in nanoseconds: the clock of `now` and of deadlines.
uint64_t pl_now(void);

// --- Counters ----------------------------------------------------------------------------------

// What a loop or one of its sockets has done since it was made. A datagram given to pl_loop_send
// ends in exactly one of `sent`, `given_back` and the `failed_` counters, once it is flushed.
struct pl_counters {
    uint64_t received, received_bytes;  // datagrams, truncated ones included
    uint64_t received_messages;         // what they came in: rows of them count once
    uint64_t receive_calls;             // recvmmsg calls
    uint64_t truncated;                 // datagrams longer than the socket's buffer
    uint64_t sent, sent_bytes;
    uint64_t sent_messages;         // what they went out in: rows of them count once
    uint64_t send_calls;            // sendmmsg calls
    uint64_t sent_as_frames;        // of `sent`: past the kernel's UDP (pl_loop_send_frames)
    uint64_t passed_frames_by;      // of a socket that sends frames, what its UDP had to take;
                                    // these are in `sent` or a `failed_` counter too
    uint64_t sent_in_fragments;     // of `sent`: allowed to be parted (pl_loop_send_now)
    uint64_t given_back;            // longer than the way carries, and told to the sender
    uint64_t failed_full;           // the send buffer or the device's queue was full
    uint64_t failed_refused;        // refused by the peer's host, or no way to it
    uint64_t failed_too_big;        // longer than the way carries
    uint64_t failed_not_permitted;  // a firewall rule or a missing right
    uint64_t failed_other;          // the wrong address family, port 0, ...
    uint64_t turns;                 // 0 for one socket
    uint64_t receive_errors;        // receive calls that returned an error of an earlier send
    uint64_t dropped_by_kernel;     // never read: receive queue full, bad checksum, a filter's
                                    // drop (CSteering counts those by reason); modulo 2^32
};

// Reads the sum over all sockets. Any thread, while the loop runs; no lock. Each figure is exact,
// but they are not read at one instant.
void pl_loop_counters(const struct pl_loop *loop, struct pl_counters *counters);

// Reads one socket's counters. As above.
void pl_loop_socket_counters(const struct pl_loop *loop, uint16_t socket,
                             struct pl_counters *counters);

// --- Sockets -----------------------------------------------------------------------------------

struct pl_socket_options {
    // Where to bind. Port 0 lets the kernel choose; IPv4 in mapped form opens an IPv4 socket, an
    // IPv6 socket takes IPv6 only unless `takes_ipv4` says otherwise. Bind to one address of the
    // machine when answers must come from the address that was asked: a wildcard answers from the
    // address of its route.
    struct pl_address local;
    int takes_ipv4;  // not 0: of the IPv6 wildcard, which then stands for that of IPv4 as well
    int coalesce;    // not 0: datagrams that came from one peer in a row may be read as one
                     // message (UDP_GRO), and are shown as the datagrams that they were; takes
                     // 1 MiB of the loop's memory
    int ignores_path_mtu;  // not 0: only the device's MTU bounds what is sent, so nobody can
                           // lower it by an ICMP message that claims to come from the path
    int reuse_port;        // not 0: one of several sockets on this address (SO_REUSEPORT)
    int buffer_bytes;      // wanted kernel queue each way; 0: 4 MiB. Root gets what it asks for,
                           // others at most net.core.{r,w}mem_max
};

// Opens and binds a UDP socket, non-blocking, whose datagrams leave whole or not at all (DF is set;
// see failed_too_big, and pl_loop_send_now). Fills `bound` (may be NULL) with the real address.
// Returns the descriptor, or -1 and `error`; for a taken port it names the process that holds it,
// as far as we may see it.
int pl_socket_open(const struct pl_socket_options *options, struct pl_address *bound,
                   struct pl_error *error);

// Claiming an address that several sockets are to share. Whoever binds with SO_REUSEPORT joins in
// silence whom it finds there, be it another process of the same user, and takes a part of its
// datagrams. So the first socket is bound without it (`reuse_port` 0), which fails when anybody
// has the address; pl_claim_share then lets others of this user join, and pl_claim_empty, when
// they are there and a steering program passes the claim over, reads what came to it meanwhile.

// Lets sockets with `reuse_port` share the address of a bound one. Returns 0 or -1.
int pl_claim_share(int descriptor, struct pl_error *error);

// Reads and forgets everything that waits in a socket's queue. Returns how many datagrams that
// were.
uint64_t pl_claim_empty(int descriptor);

// Reads the address that a UDP or TCP socket is bound to. Returns 0 or -1.
int pl_socket_address(int descriptor, struct pl_address *out, struct pl_error *error);

// The size that the kernel granted for the receive queue, in bytes as asked for (the kernel itself
// doubles the figure for its book-keeping). -1 on a bad descriptor.
int64_t pl_socket_receive_buffer_bytes(int descriptor);

// --- What a way carries ------------------------------------------------------------------------

// The longest UDP payload that the kernel says to fit the way from `local`, a wildcard or an
// address of ours, to `peer`: by the interface, the route, IPsec, and what a hop has reported (ICMP
// "fragmentation needed"). Anybody may forge such a report, so of reports alone it never becomes
// less than PL_REPORTED_BYTES_MIN. 0 when there is no way. Some microseconds; any thread.
uint32_t pl_path_bytes(const struct pl_address *local, const struct pl_address *peer);

#define PL_REPORTED_BYTES_MIN 1200

// Opens a descriptor that becomes readable when interfaces, addresses, routes or rules change.
// Returns it, or -1.
int pl_path_news_open(struct pl_error *error);

// Reads what is there; whether anything was.
bool pl_path_news_read(int descriptor);

// --- Who holds a port --------------------------------------------------------------------------

enum pl_transport { PL_UDP, PL_TCP };

struct pl_port_holder {
    int process;    // process ID; 0 when the socket's owner is hidden from us
    char name[64];  // its program's name; empty when hidden
};

// Finds who keeps us from binding `address`: a bound UDP socket or a listening TCP socket on the
// same port whose address is the same or a wildcard (or any, when ours is the wildcard). Reads
// /proc; slow, for error messages. Returns false when nobody does.
bool pl_port_find_holder(enum pl_transport transport, const struct pl_address *address,
                         struct pl_port_holder *out);

// --- Placement ---------------------------------------------------------------------------------

// Keeps the calling thread on one CPU. Returns 0 or an errno.
int pl_pin_to_cpu(int cpu);

// The CPU that the calling thread runs on.
int pl_current_cpu(void);

// The NUMA node on which the page at `memory` lies; -1 when the kernel does not say. The page must
// have been touched.
int pl_node_of_memory(const void *memory);

// True when this machine lets us place memory on NUMA nodes. Without it numa_node is ignored.
bool pl_numa_is_available(void);

// Of a reuseport group that no program steers, the socket that prefers the receiving CPU is chosen
// first (SO_INCOMING_CPU; Linux 6.2). Returns 0 or an errno.
int pl_socket_prefer_cpu(int descriptor, int cpu);

// Has the loop ask the network interfaces of its sockets for packets for so long before it waits
// for an interrupt, and keeps their interrupts off meanwhile. To be called after the sockets have
// been added, before pl_loop_run; once. It wants Linux 6.9 and CAP_NET_ADMIN, and interfaces that
// can do it (loopback cannot, and ignores it). Returns 0, or -1 when something is refused: then
// what is allowed is in effect.
int pl_loop_busy_poll(struct pl_loop *loop, uint32_t microseconds, struct pl_error *error);

#ifdef __cplusplus
}
#endif
