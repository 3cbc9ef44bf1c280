#include "guests.h"

#include <string.h>

void guests_init(struct guests *guests)
{
    TAILQ_INIT(&guests->all);
    TAILQ_INIT(&guests->waiting);
}

// What one person can have of many: a whole IPv4 address, a /64 of IPv6.
static uint64_t network(const struct sockaddr *address)
{
    uint64_t number = 0;
    if (address->sa_family == AF_INET)
        return ((const struct sockaddr_in *)address)->sin_addr.s_addr;
    if (address->sa_family != AF_INET6)
        return number;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
    memcpy(&number, six->s6_addr + (IN6_IS_ADDR_V4MAPPED(six) ? 8 : 0), 8);
    return number;
}

// Differs from run to run with where the table lies, so that nobody can choose to share a place.
static uint32_t place_of(const struct guests *guests, const struct sockaddr *address)
{
    uint64_t mixed = (network(address) ^ (uintptr_t)guests) * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9u;
    return (uint32_t)(mixed >> 52);
}

void guests_enter(struct guests *guests, struct guest *guest, const struct sockaddr *address)
{
    guest->place = place_of(guests, address);
    guests->count++;
    TAILQ_INSERT_TAIL(&guests->all, guest, all);
    guests_wait(guests, guest);
}

void guests_keep(struct guests *guests, struct guest *guest)
{
    if (!guest->waits)
        return;
    guest->waits = false;
    guests->of_place[guest->place]--;
    TAILQ_REMOVE(&guests->waiting, guest, waiting);
}

void guests_wait(struct guests *guests, struct guest *guest)
{
    guests_keep(guests, guest);
    guest->waits = true;
    guests->of_place[guest->place]++;
    TAILQ_INSERT_TAIL(&guests->waiting, guest, waiting);
}

void guests_leave(struct guests *guests, struct guest *guest)
{
    guests_keep(guests, guest);
    guests->count--;
    TAILQ_REMOVE(&guests->all, guest, all);
}

struct guest *guests_choose(const struct guests *guests)
{
    struct guest *found = NULL, *guest;
    TAILQ_FOREACH(guest, &guests->waiting, waiting)
    {
        uint32_t here = guests->of_place[guest->place];
        uint32_t there = found ? guests->of_place[found->place] : 0;
        if (here > there || (here == there && found->has_spoken && !guest->has_spoken))
            found = guest;
    }
    return found;
}
