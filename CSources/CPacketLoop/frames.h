// Sending frames: what the files of it share. A loop that is told to (pl_loop_send_frames) writes
// Ethernet, IP and UDP headers itself and hands whole frames to the network interface (AF_XDP, in
// copy mode), which costs about half of what a UDP socket costs. Where a frame has to go, the
// kernel is asked (rtnetlink), and what it says of changes is listened to. Whatever is in doubt
// goes by the UDP socket: an address not looked up yet, a neighbour that does not answer, a frame
// that is too long, a ring that is full.
#pragma once

#include "internal.h"

// Frames that wait in one interface's ring, and the memory of each.
#define PL_RING_FRAMES 1024
#define PL_FRAME_BYTES 2048
// Interfaces that one loop can send frames by.
#define PL_LINKS_MAX 4
#define PL_HOPS 4096           // next hops that a loop remembers
#define PL_DESTINATIONS 65536  // and addresses that it knows the next hop of
#define PL_WANTED_MAX 256      // and those that wait to be looked up

// The longest headers: Ethernet, IPv6, UDP.
#define PL_ETHERNET_BYTES 14
#define PL_HEADERS_MAX (PL_ETHERNET_BYTES + 40 + 8)

// One interface's transmit ring (ring.c).
struct pl_ring {
    int fd;  // -1: closed
    uint8_t *memory;
    void *out_map, *done_map;
    size_t out_size, done_size;
    struct xdp_desc *out;
    uint64_t *done;
    uint32_t *out_producer, *out_consumer, *done_producer, *done_consumer;
    uint32_t produced;  // frames put in since it was opened
    uint32_t settled;   // of these, counted
    uint32_t free_count;
    uint32_t free[PL_RING_FRAMES];
    struct {
        uint16_t socket, bytes;
    } owners[PL_RING_FRAMES];  // for counting: who sent how many bytes
};

// An interface that frames leave by.
struct pl_link {
    int index;
    uint32_t queue;
    bool has_frames;  // an Ethernet interface, or the loopback interface
    bool is_up;
    bool is_loopback;
    bool takes_ipv4;  // of the loopback interface: it takes IPv4 frames at all
    uint8_t mac[6];
    uint8_t hop_limits[2];  // IPv4's, IPv6's
    uint32_t mtu;
    uint64_t open_at;  // when a ring that broke may be opened again
    struct pl_ring ring;
};

// A neighbour, by its interface and address.
struct pl_hop {
    uint8_t address[16];
    uint8_t mac[6];
    uint8_t link;
    bool is_taken, is_good;
    // When the next packet goes by the UDP socket, so that the kernel goes on asking the neighbour
    // whether it is there.
    uint64_t ask_at;
};

enum pl_way { PL_WAY_UNKNOWN, PL_WAY_ASKED, PL_WAY_SOCKET, PL_WAY_FRAME };

// What is known of an address. 32 bytes, two to a cache line.
struct pl_destination {
    uint8_t ip[16];
    uint16_t port;
    uint16_t hop;
    uint8_t socket;
    uint8_t way;  // enum pl_way
    uint8_t hop_limit;
    uint8_t padding;
    uint32_t generation;  // of the routes
    uint32_t until;       // seconds of CLOCK_MONOTONIC
};

struct pl_wish {
    struct pl_address peer;
    uint8_t socket;
};

// A netlink socket to ask by.
struct pl_questions {
    int fd;
    uint32_t sequence;
};

struct pl_frames {
    struct pl_questions questions;
    int news;      // another netlink socket
    uint64_t now;  // of this turn
    uint32_t generation;
    uint64_t secret;
    uint64_t forgot_at;
    uint64_t asks_left, asks_at;  // what may be looked up now, and when that was reckoned
    uint32_t wanted_first, wanted_count;
    uint32_t link_count;
    struct pl_link links[PL_LINKS_MAX];
    struct pl_wish wanted[PL_WANTED_MAX];
    struct pl_hop hops[PL_HOPS];
    struct pl_destination destinations[PL_DESTINATIONS];
};

// What the kernel says of a way.
struct pl_route {
    int link_index;
    bool is_local;
    bool has_gateway;
    uint8_t gateway[16];
    uint8_t hop_limit;  // 0: the interface's
    bool is_reported;   // its MTU may be what a hop has reported
};

// Opens a ring for the queue of an interface. Returns 0, or -1 and errno. Its memory is kept by
// pl_ring_close, for the next time.
int pl_ring_open(struct pl_ring *ring, int link_index, uint32_t queue);
void pl_ring_close(struct pl_ring *ring);
// The memory for the next frame; NULL when the ring is full.
uint8_t *pl_ring_room(struct pl_ring *ring);
void pl_ring_add(struct pl_ring *ring, uint32_t frame_bytes, uint16_t socket, uint16_t bytes);
// Has the kernel send what it will send now. Returns 0 or an errno; the frames up to `*taken` have
// left the ring, and of these the last was dropped by the interface when it is EBUSY.
int pl_ring_kick(struct pl_ring *ring, uint32_t *taken);
// Takes back the memory of frames that were sent.
void pl_ring_reclaim(struct pl_ring *ring);

// Writes a frame and returns its length. `local` and `peer` are of one family.
uint32_t pl_frame_write(uint8_t *frame, const struct pl_link *link, const struct pl_hop *hop,
                        uint8_t hop_limit, const struct pl_address *local,
                        const struct pl_address *peer, const uint8_t *bytes, uint32_t length);

// Netlink (netlink.c). Opens both sockets; 0, or -1 and errno.
int pl_netlink_open(struct pl_frames *frames);
// Opens one for questions alone. The same.
int pl_questions_open(struct pl_questions *questions);
// Asks for the way of a datagram; false when there is none that frames could go.
bool pl_netlink_route(struct pl_questions *questions, const struct pl_address *local,
                      const struct pl_address *peer, struct pl_route *route);
// Asks for a neighbour of the link; whether it is reachable, and then where.
bool pl_netlink_neighbour(struct pl_questions *questions, int link_index, const uint8_t address[16],
                          uint8_t mac[6]);
// Reads what has changed, and has pl_frames_forget or pl_frames_neighbour called.
void pl_netlink_read(struct pl_frames *frames);

// Routes, addresses or interfaces have changed: everything is looked up again.
void pl_frames_forget(struct pl_frames *frames);
// A neighbour has changed; `mac` is NULL when it is not reachable.
void pl_frames_neighbour(struct pl_frames *frames, int link_index, const uint8_t address[16],
                         const uint8_t *mac);
// Reads an interface's state again.
void pl_link_read(struct pl_link *link);
