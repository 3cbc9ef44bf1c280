// Who is connected, and who has to go when it gets crowded.
//
// A connection costs its maker nothing, so that one host could hold them all and keep everybody
// else out. From seven eighths of the bound on, each newcomer ends another: the oldest that has
// neither become a WebSocket nor had its request taken, of the address that has most of those.
#pragma once

#include <libwebsockets.h>
#include <stdbool.h>

struct guest {
    struct lws *wsi;
    uint32_t place;  // where its address is counted
    bool stays;      // is served or going: it is not ended for others (any more)
    bool goes;       // was told to, and is there until the loop comes round
};

enum { GUEST_PLACES = 4096 };

struct guests {
    struct guest *all;      // the oldest first; twice as many as may stay
    uint32_t count, going;  // those that go are in both
    uint32_t max;           // of those that do not go
    uint32_t waiting[GUEST_PLACES];  // of an address, that do not stay; a few share a place
};

// False: no memory.
bool guests_init(struct guests *guests, uint32_t max);
void guests_free(struct guests *guests);
// Whether one more can be let in.
bool guests_have_room(const struct guests *guests);
// Notes a connection, and ends another if there are many: gives that one.
struct lws *guests_enter(struct guests *guests, struct lws *wsi);
// A WebSocket, or a request that the handler works for: it is not ended for others.
void guests_keep(struct guests *guests, struct lws *wsi);
void guests_leave(struct guests *guests, struct lws *wsi);
