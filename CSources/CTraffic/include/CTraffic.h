// A load engine for measuring what forwards datagrams on this machine: it sends prepared datagrams
// from many loopback addresses, counts what comes out at the other side, and reads how much CPU
// time a process has used. It knows no protocol; what it sends and where packets lie in a datagram
// is given. For benchmarks only.
//
// Functions that can fail return -1 or NULL and leave errno.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// --- Sockets -----------------------------------------------------------------------------------

// Opens a UDP socket on `address` (host order; 0 is every address) and a port that the kernel
// chooses, returned in `port`. `buffer_bytes` is the receive queue wanted; without the right to go
// beyond the system's limit it gets that limit. `has_stamps`: the kernel notes when datagrams come.
int ct_socket_open(uint32_t address, int buffer_bytes, bool has_stamps, uint16_t *port);

void ct_socket_close(int descriptor);

// Datagrams that came to the socket and found its queue full, since it was opened; modulo 2^32.
uint32_t ct_socket_drops(int descriptor);

// --- Sending -----------------------------------------------------------------------------------

// One prepared datagram. Addresses and ports are in host order.
struct ct_datagram {
    uint32_t offset;       // of its bytes in the image
    uint16_t length;       // bytes
    uint16_t port;         // where it goes
    uint32_t destination;  // where it goes
    uint32_t source;       // the loopback address it comes from
    uint16_t source_port;  // the port it comes from: that of the socket that sends it
};

struct ct_sender;

struct ct_sender_options {
    int descriptor;                       // the socket it sends from
    uint8_t *image;                       // the bytes of all datagrams
    const struct ct_datagram *datagrams;  // sent in this order, again and again
    uint32_t count;
    uint32_t first;           // this sender begins with this one
    uint32_t step;            // and takes every step-th; at least 1
    uint64_t rate;            // datagrams in a second, evenly; 0: as many as go
    uint64_t limit;           // stops by itself after so many; 0: never
    uint32_t stamp_offset;    // where in a datagram the time of sending is written (8 bytes, ns,
                              // CLOCK_REALTIME, machine order); UINT32_MAX: nowhere
    int cpu;                  // the CPU it stays on; -1: any
    bool injects;             // without the socket, where that is possible: all datagrams have one
                              // length, there is no limit and nothing to follow
    struct ct_sink *follows;  // not NULL: sends only as many packets as this sink has counted in
    uint32_t follows_group;   // this group since the sender began
    uint32_t packets_each;    // packets in one of its datagrams, for `follows`
};

// Moves this process, and what it starts from now on, to a network namespace of its own, where
// senders may inject. To be called before there are other threads. Returns 0, or -1 where that is
// not permitted; the namespace may then be new and without the loopback interface.
int ct_enter_namespace(void);

// Starts a thread that sends. What the options point to must outlive it.
struct ct_sender *ct_sender_start(const struct ct_sender_options *options);

// Datagrams that the kernel took so far. Any thread.
uint64_t ct_sender_sent(const struct ct_sender *sender);

// Datagrams that the kernel refused, and those left out because the sender was too late for its
// rate. Any thread.
uint64_t ct_sender_missed(const struct ct_sender *sender);

// Waits for a sender with a limit. Then `ct_sender_stop`.
void ct_sender_wait(struct ct_sender *sender);

// Ends the thread and frees it.
void ct_sender_stop(struct ct_sender *sender);

// --- Receiving ---------------------------------------------------------------------------------

#define CT_GROUPS 2

// One socket that a sink reads. A datagram holds (length - head) / stride packets.
struct ct_inlet {
    int descriptor;
    uint32_t head;
    uint32_t stride;
    uint32_t group;  // which of the sink's groups counts them
};

// What a group of inlets has counted.
struct ct_count {
    uint64_t datagrams;
    uint64_t packets;
    uint64_t bytes;
};

struct ct_sink;

struct ct_sink_options {
    const struct ct_inlet *inlets;  // copied
    uint32_t inlet_count;
    uint32_t stamp_tail;  // bytes from the beginning of the time of sending (see ct_sender) to the
                          // packet's end; 0: no latency is measured. Group 0 only
    uint64_t period;      // nanoseconds between two looks at empty sockets
    bool is_urgent;       // goes before all others on its CPU, where that is permitted: its looks
                          // are short, and senders on that CPU do not pause for long
    int cpu;
};

// Starts a thread that reads all sockets in turn. It never waits for a socket, so that what sends
// to it pays for no wake-up.
struct ct_sink *ct_sink_start(const struct ct_sink_options *options);

// What a group has counted so far. Any thread.
struct ct_count ct_sink_count(const struct ct_sink *sink, uint32_t group);

// The histogram's buckets: of the nanoseconds from the stamp in a packet to the kernel's stamp.
#define CT_BUCKETS 640

// The bucket that a latency falls into: 16 to each power of two.
uint32_t ct_bucket(uint64_t nanoseconds);

// Copies the histogram. Any thread; each figure is exact, but they are not read at one instant.
void ct_sink_histogram(const struct ct_sink *sink, uint64_t buckets[CT_BUCKETS]);

void ct_sink_stop(struct ct_sink *sink);

// --- A bare server's line ------------------------------------------------------------------------

// A server's socket and that of its one client, on the loopback interface. One thread may be the
// server while another is the client.
struct ct_line;

// A packet that was received and, with other bytes, is sent back; it has room for 2,048.
struct ct_packet {
    uint8_t *bytes;
    uint32_t length;
};

// NULL and errno when there are no sockets.
struct ct_line *ct_line_open(void);
void ct_line_close(struct ct_line *line);

// The server: waits until something comes, but not longer (ppoll).
void ct_line_wait(struct ct_line *line, uint32_t milliseconds);

// The server: takes what is there (recvmmsg) and returns how many packets that are, 64 at most.
uint32_t ct_line_receive(struct ct_line *line);

// The server: the packets of the last ct_line_receive.
struct ct_packet *ct_line_packets(struct ct_line *line);

// The server: sends the first `count` of them back (sendmmsg). Nobody waits for them.
bool ct_line_answer(struct ct_line *line, uint32_t count);

// The client: sends a packet.
bool ct_line_offer(struct ct_line *line, const uint8_t *bytes, uint32_t length);

// The client: throws away what has come back and returns how much it was.
uint32_t ct_line_collect(struct ct_line *line);

// Either: waits until a moment of CLOCK_MONOTONIC, in nanoseconds.
void ct_line_rest(uint64_t moment);

// --- Watching a process ------------------------------------------------------------------------

// Of all threads of a process that are alive, since their start.
struct ct_usage {
    uint64_t run;       // nanoseconds on a CPU
    uint64_t wait;      // nanoseconds ready to run, without a CPU
    uint64_t switches;  // how often a thread gave its CPU up to wait for something
    uint32_t threads;
};

int ct_usage_read(int process, struct ct_usage *usage);

// Datagrams that found the queue of their UDP socket full, all sockets of this network namespace
// together.
uint64_t ct_queue_drops(void);

// Bytes of memory that the process has resident; -1 when it is gone.
int64_t ct_resident_bytes(int process);

// Sets how all threads of a process (and what they start from now on) stand to the caller when both
// want the same CPU: so many steps of nice(1) above it. The process leads a group of its own.
int ct_set_level(int process, int steps);

// The CPUs that this process may run on, ascending; returns how many there are in all.
uint32_t ct_cpus(int *cpus, uint32_t capacity);

// Binds the calling thread, and what it starts from now on, to `count` CPUs.
int ct_bind(const int *cpus, uint32_t count);

#ifdef __cplusplus
}
#endif
