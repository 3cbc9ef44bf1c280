// Who is connected, and who has to go when it gets crowded.
//
// A connection costs its maker nothing, so that one host could hold them all and keep everybody
// else out. From seven eighths of the bound on, each newcomer ends another: of the address that has
// most of those that wait, one that has said nothing of a request yet if there is one, and of these
// the one that has waited longest.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

// A connection's part in it.
struct guest {
    TAILQ_ENTRY(guest) all, waiting;
    uint32_t place;   // where its address is counted
    bool waits;       // is not served: it can be ended for others
    bool has_spoken;  // a request has begun
};

enum { GUEST_PLACES = 4096 };

TAILQ_HEAD(guest_list, guest);

struct guests {
    struct guest_list all, waiting;  // the latter with the longest waiting first
    uint32_t count;
    uint32_t of_place[GUEST_PLACES];  // those that wait, of an address; a few share a place
};

void guests_init(struct guests *guests);
// Takes in a connection from that address; it waits.
void guests_enter(struct guests *guests, struct guest *guest, const struct sockaddr *address);
// Is served: it is not ended for others.
void guests_keep(struct guests *guests, struct guest *guest);
// Waits again, as the last.
void guests_wait(struct guests *guests, struct guest *guest);
void guests_leave(struct guests *guests, struct guest *guest);
// Who goes for others; NULL when nobody waits.
struct guest *guests_choose(const struct guests *guests);
