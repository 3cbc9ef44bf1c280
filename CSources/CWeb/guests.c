#include "guests.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

bool guests_init(struct guests *guests, uint32_t max)
{
    guests->max = max;
    guests->all = calloc(2 * (size_t)max, sizeof *guests->all);
    return guests->all != NULL;
}

void guests_free(struct guests *guests)
{
    free(guests->all);
}

// What one person can have of many: a whole IPv4 address, a /64 of IPv6.
static uint64_t network(int fd)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof address;
    if (getpeername(fd, (struct sockaddr *)&address, &length))
        return 0;
    if (address.ss_family == AF_INET)
        return ((struct sockaddr_in *)&address)->sin_addr.s_addr;
    if (address.ss_family != AF_INET6)
        return 0;
    const struct in6_addr *six = &((struct sockaddr_in6 *)&address)->sin6_addr;
    uint64_t number = 0;
    memcpy(&number, six->s6_addr, 8);
    if (IN6_IS_ADDR_V4MAPPED(six))
        memcpy(&number, six->s6_addr + 8, 8);
    return number;
}

// Differs from run to run with where the table lies, so that nobody can choose to share a place.
static uint32_t place_of(const struct guests *guests, int fd)
{
    uint64_t mixed = (network(fd) ^ (uintptr_t)guests->all) * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9u;
    return (uint32_t)(mixed >> 52);
}

static struct guest *find(struct guests *guests, struct lws *wsi)
{
    for (uint32_t i = guests->count; i > 0; i--) {
        if (guests->all[i - 1].wsi == wsi)
            return &guests->all[i - 1];
    }
    return NULL;
}

static void let_stay(struct guests *guests, struct guest *guest)
{
    if (!guest->stays)
        guests->waiting[guest->place]--;
    guest->stays = true;
}

// The last one is the newcomer and not looked at.
static struct guest *who_goes(struct guests *guests)
{
    struct guest *found = NULL;
    for (uint32_t i = 0; i + 1 < guests->count; i++) {
        struct guest *guest = &guests->all[i];
        if (guest->stays)
            continue;
        if (!found || guests->waiting[guest->place] > guests->waiting[found->place])
            found = guest;
    }
    return found;
}

bool guests_have_room(const struct guests *guests)
{
    return guests->count - guests->going < guests->max && guests->count < 2 * guests->max;
}

struct lws *guests_enter(struct guests *guests, struct lws *wsi)
{
    if (guests->count == 2 * guests->max)
        return NULL;  // nobody is let in then
    uint32_t place = place_of(guests, lws_get_socket_fd(wsi));
    guests->all[guests->count++] = (struct guest){.wsi = wsi, .place = place};
    guests->waiting[place]++;
    bool is_crowded = guests->count - guests->going > guests->max - guests->max / 8;
    struct guest *guest = is_crowded ? who_goes(guests) : NULL;
    if (!guest)
        return NULL;
    let_stay(guests, guest);
    guest->goes = true;
    guests->going++;
    lws_set_timeout(guest->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
    return guest->wsi;
}

void guests_keep(struct guests *guests, struct lws *wsi)
{
    struct guest *guest = find(guests, wsi);
    if (guest)
        let_stay(guests, guest);
}

void guests_leave(struct guests *guests, struct lws *wsi)
{
    struct guest *guest = find(guests, wsi);
    if (!guest)
        return;
    let_stay(guests, guest);
    guests->going -= guest->goes;
    struct guest *end = guests->all + guests->count--;
    memmove(guest, guest + 1, (size_t)(end - guest - 1) * sizeof *guest);
}
