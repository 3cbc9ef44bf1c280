// Which datagrams leave as frames, and what becomes of them.
#include "frames.h"

#include <errno.h>
#include <string.h>

#define SECOND 1000000000ull
// How long an answer of the kernel's holds when it reports no change, in seconds.
#define WAY_SECONDS 10
// Addresses looked up in one turn, and in one second: some 5 us each, so 2 % of a CPU.
#define ASKS_PER_TURN 16
#define ASKS_PER_SECOND 4000
// How long a ring that broke stays closed.
#define REOPEN_NANOSECONDS SECOND
// How often everything is forgotten because there are too many neighbours.
#define FORGET_NANOSECONDS (60 * SECOND)
// Frames that wait before they are handed over in the midst of a batch.
#define KICK_AT 256
// Places of a hop's or a destination's table that are looked at.
#define HOP_PROBES 8
#define WAYS 2

static uint64_t hash_ip(const struct pl_frames *frames, const uint8_t ip[16], uint64_t more)
{
    uint64_t words[2];
    memcpy(words, ip, sizeof words);
    unsigned __int128 product =
        (unsigned __int128)(words[0] ^ frames->secret) * (words[1] ^ more ^ 0x9E3779B97F4A7C15ull);
    uint64_t mixed = (uint64_t)product ^ (uint64_t)(product >> 64) ^ frames->secret;
    return (mixed * 0xD6E8FEB86659FD93ull) >> 32;
}

// --- Hops --------------------------------------------------------------------------------------

// The hop, or the place for it; NULL when there is neither.
static struct pl_hop *find_hop(struct pl_frames *frames, uint8_t link, const uint8_t ip[16])
{
    uint64_t hash = hash_ip(frames, ip, link);
    for (uint32_t i = 0; i < HOP_PROBES; i++) {
        struct pl_hop *hop = &frames->hops[(hash + i) % PL_HOPS];
        if (!hop->is_taken || (hop->link == link && memcmp(hop->address, ip, 16) == 0))
            return hop;
    }
    return NULL;
}

static struct pl_link *find_link(struct pl_frames *frames, int index)
{
    for (uint32_t i = 0; i < frames->link_count; i++) {
        if (frames->links[i].index == index)
            return &frames->links[i];
    }
    return NULL;
}

void pl_frames_neighbour(struct pl_frames *frames, int link_index, const uint8_t address[16],
                         const uint8_t *mac)
{
    struct pl_link *link = find_link(frames, link_index);
    if (link == NULL)
        return;
    struct pl_hop *hop = find_hop(frames, (uint8_t)(link - frames->links), address);
    if (hop == NULL || !hop->is_taken)
        return;
    hop->is_good = mac != NULL;
    if (mac != NULL)
        memcpy(hop->mac, mac, sizeof hop->mac);
}

void pl_frames_forget(struct pl_frames *frames)
{
    frames->generation++;
    frames->forgot_at = frames->now;
    memset(frames->hops, 0, sizeof frames->hops);
    for (uint32_t i = 0; i < frames->link_count; i++)
        pl_link_read(&frames->links[i]);
}

// --- Destinations ------------------------------------------------------------------------------

static bool is_current(const struct pl_frames *frames, const struct pl_destination *found)
{
    return found->generation == frames->generation && found->until > frames->now / SECOND;
}

// The place of an address, or the one that it takes when it is not there: the oldest of two.
static struct pl_destination *find(struct pl_frames *frames, uint8_t socket,
                                   const struct pl_address *peer, bool *is_there)
{
    uint64_t hash = hash_ip(frames, peer->ip, (uint64_t)socket << 16 | peer->port);
    struct pl_destination *row = &frames->destinations[(hash % (PL_DESTINATIONS / WAYS)) * WAYS];
    struct pl_destination *oldest = row;
    for (uint32_t i = 0; i < WAYS; i++) {
        *is_there = row[i].port == peer->port && row[i].socket == socket &&
                    memcmp(row[i].ip, peer->ip, 16) == 0;
        if (*is_there)
            return &row[i];
        if (!is_current(frames, &row[i]))
            row[i].until = 0;
        if (row[i].until < oldest->until)
            oldest = &row[i];
    }
    return oldest;
}

static void want(struct pl_frames *frames, uint8_t socket, const struct pl_address *peer,
                 struct pl_destination *place, bool is_there)
{
    uint32_t seconds = (uint32_t)(frames->now / SECOND);
    if (frames->wanted_count == PL_WANTED_MAX)
        return;
    // With more addresses than places some keep theirs, rather than all losing them in turn.
    if (is_current(frames, place) && !is_there && place->until > seconds + WAY_SECONDS / 2)
        return;
    uint32_t last = (frames->wanted_first + frames->wanted_count++) % PL_WANTED_MAX;
    frames->wanted[last] = (struct pl_wish){.peer = *peer, .socket = socket};
    *place = (struct pl_destination){.port = peer->port,
                                     .socket = socket,
                                     .way = PL_WAY_ASKED,
                                     .generation = frames->generation,
                                     .until = seconds + WAY_SECONDS};
    memcpy(place->ip, peer->ip, 16);
}

// The hop to use for a way, asked for anew when it is not known; NULL when there is none.
static struct pl_hop *take_hop(struct pl_frames *frames, const struct pl_route *route,
                               struct pl_link *link, const struct pl_address *peer)
{
    static const uint8_t none[16];
    uint8_t number = (uint8_t)(link - frames->links);
    // On the loopback interface there is nobody to tell apart.
    const uint8_t *address = link->is_loopback    ? none
                             : route->has_gateway ? route->gateway
                                                  : peer->ip;
    struct pl_hop *hop = find_hop(frames, number, address);
    if (hop == NULL && frames->now - frames->forgot_at > FORGET_NANOSECONDS) {
        pl_frames_forget(frames);
    }
    if (hop == NULL || hop->is_taken)
        return hop;
    *hop = (struct pl_hop){.link = number, .is_taken = true, .ask_at = frames->now + SECOND};
    memcpy(hop->address, address, 16);
    hop->is_good = link->is_loopback ||
                   pl_netlink_neighbour(&frames->questions, link->index, hop->address, hop->mac);
    return hop;
}

// Whether the way leads out of the machine by a real interface, or back by the loopback interface.
static bool can_take(const struct pl_link *link, const struct pl_route *route, bool is_ipv4)
{
    return link != NULL && link->is_up && link->is_loopback == route->is_local &&
           (!link->is_loopback || !is_ipv4 || link->takes_ipv4);
}

static void look_up(struct pl_loop *loop, const struct pl_wish *wish)
{
    struct pl_frames *frames = loop->frames;
    bool is_there;
    struct pl_destination *place = find(frames, wish->socket, &wish->peer, &is_there);
    if (!is_there)
        return;  // another address has taken its place since
    place->way = PL_WAY_SOCKET;
    struct pl_route route;
    const struct pl_address *local = &loop->sockets[wish->socket]->local;
    if (!pl_netlink_route(&frames->questions, local, &wish->peer, &route))
        return;
    struct pl_link *link = find_link(frames, route.link_index);
    bool is_ipv4 = pl_address_is_ipv4(&wish->peer);
    if (!can_take(link, &route, is_ipv4))
        return;
    struct pl_hop *hop = take_hop(frames, &route, link, &wish->peer);
    if (hop == NULL)
        return;
    place->hop = (uint16_t)(hop - frames->hops);
    place->hop_limit = route.hop_limit != 0 ? route.hop_limit : link->hop_limits[!is_ipv4];
    place->way = PL_WAY_FRAME;
}

// --- Sending -----------------------------------------------------------------------------------

// Counts what has left the ring.
static void settle(struct pl_loop *loop, struct pl_ring *ring, uint32_t taken, bool last_is_lost)
{
    while (ring->settled != taken) {
        uint32_t place = ring->settled++ % PL_RING_FRAMES;
        struct pl_counters *counters = &loop->sockets[ring->owners[place].socket]->counters;
        if (last_is_lost && ring->settled == taken) {
            pl_count(&counters->failed_full, 1);
            continue;
        }
        pl_count(&counters->sent, 1);
        pl_count(&counters->sent_messages, 1);
        pl_count(&counters->sent_as_frames, 1);
        pl_count(&counters->sent_bytes, ring->owners[place].bytes);
    }
}

// The interface is down or gone: what waits is lost, and the ring stays closed for a while.
static void give_up(struct pl_loop *loop, struct pl_link *link)
{
    struct pl_ring *ring = &link->ring;
    for (; ring->settled != ring->produced; ring->settled++) {
        uint16_t socket = ring->owners[ring->settled % PL_RING_FRAMES].socket;
        pl_count(&loop->sockets[socket]->counters.failed_refused, 1);
    }
    pl_ring_close(ring);
    link->open_at = loop->frames->now + REOPEN_NANOSECONDS;
}

// Whether the kernel may take more when it is asked again.
static bool may_go_on(int code)
{
    return code == 0 || code == EAGAIN || code == EBUSY || code == EINTR || code == ENOBUFS ||
           code == ENOMEM;
}

static void flush_link(struct pl_loop *loop, struct pl_link *link)
{
    struct pl_ring *ring = &link->ring;
    if (ring->fd < 0)
        return;
    while (ring->produced != ring->settled) {
        uint32_t taken;
        int code = pl_ring_kick(ring, &taken);
        bool is_stuck = taken == ring->settled;
        settle(loop, ring, taken, code == EBUSY);
        if (!may_go_on(code)) {
            give_up(loop, link);
            return;
        }
        if (is_stuck)
            break;  // the interface's queue is full; the rest goes next time
    }
    pl_ring_reclaim(ring);
}

void pl_frames_flush(struct pl_loop *loop)
{
    for (uint32_t i = 0; i < loop->frames->link_count; i++) {
        flush_link(loop, &loop->frames->links[i]);
    }
}

// Whether a packet may go to the hop as a frame now.
static bool is_usable(struct pl_frames *frames, struct pl_hop *hop, uint32_t length)
{
    const struct pl_link *link = &frames->links[hop->link];
    if (!hop->is_good || !link->is_up || link->ring.fd < 0)
        return false;
    if (length + PL_HEADERS_MAX > PL_FRAME_BYTES ||
        length + PL_HEADERS_MAX - PL_ETHERNET_BYTES > link->mtu) {
        return false;
    }
    if (link->is_loopback || frames->now < hop->ask_at)
        return true;
    hop->ask_at = frames->now + SECOND;
    return false;
}

static bool put(struct pl_loop *loop, const struct pl_socket *socket,
                const struct pl_destination *found, const uint8_t *bytes, uint32_t length,
                const struct pl_address *peer)
{
    struct pl_hop *hop = &loop->frames->hops[found->hop];
    if (!is_usable(loop->frames, hop, length))
        return false;
    struct pl_link *link = &loop->frames->links[hop->link];
    struct pl_ring *ring = &link->ring;
    uint8_t *place = pl_ring_room(ring);
    if (place == NULL)
        return false;
    uint32_t frame_bytes =
        pl_frame_write(place, link, hop, found->hop_limit, &socket->local, peer, bytes, length);
    pl_ring_add(ring, frame_bytes, socket->index, (uint16_t)length);
    if (ring->produced - ring->settled >= KICK_AT)
        flush_link(loop, link);
    return true;
}

bool pl_frames_take(struct pl_loop *loop, struct pl_socket *socket, const uint8_t *bytes,
                    uint32_t length, const struct pl_address *peer)
{
    struct pl_frames *frames = loop->frames;
    if (peer->port == 0 || pl_address_is_ipv4(peer) != (socket->family == AF_INET))
        return false;
    bool is_there;
    struct pl_destination *found = find(frames, (uint8_t)socket->index, peer, &is_there);
    if (!is_there || !is_current(frames, found)) {
        want(frames, (uint8_t)socket->index, peer, found, is_there);
    } else if (found->way == PL_WAY_FRAME && put(loop, socket, found, bytes, length, peer)) {
        return true;
    }
    pl_count(&socket->counters.passed_frames_by, 1);
    return false;
}

// --- Once per turn -----------------------------------------------------------------------------

static void reopen(struct pl_frames *frames, struct pl_link *link)
{
    if (link->ring.fd >= 0 || !link->is_up || frames->now < link->open_at)
        return;
    link->open_at = frames->now + REOPEN_NANOSECONDS;
    (void)pl_ring_open(&link->ring, link->index, link->queue);
}

static void grant_asks(struct pl_frames *frames)
{
    uint64_t passed = frames->now - frames->asks_at;
    uint64_t grant = passed > SECOND ? ASKS_PER_SECOND : passed * ASKS_PER_SECOND / SECOND;
    if (grant == 0)
        return;
    frames->asks_at = frames->now;
    frames->asks_left += grant;
    if (frames->asks_left > ASKS_PER_SECOND / 10)
        frames->asks_left = ASKS_PER_SECOND / 10;
}

// Whether frames wait for an interface that took no more.
static bool has_waiting(const struct pl_frames *frames)
{
    for (uint32_t i = 0; i < frames->link_count; i++) {
        const struct pl_ring *ring = &frames->links[i].ring;
        if (ring->fd >= 0 && ring->produced != ring->settled)
            return true;
    }
    return false;
}

static void look_up_some(struct pl_loop *loop)
{
    struct pl_frames *frames = loop->frames;
    grant_asks(frames);
    for (int i = 0; i < ASKS_PER_TURN && frames->wanted_count > 0 && frames->asks_left > 0; i++) {
        struct pl_wish wish = frames->wanted[frames->wanted_first];
        frames->wanted_first = (frames->wanted_first + 1) % PL_WANTED_MAX;
        frames->wanted_count--;
        frames->asks_left--;
        look_up(loop, &wish);
    }
}

void pl_frames_wake(struct pl_loop *loop, bool has_news)
{
    loop->frames->now = pl_now();
    if (has_news)
        pl_netlink_read(loop->frames);
}

uint64_t pl_frames_turn(struct pl_loop *loop)
{
    struct pl_frames *frames = loop->frames;
    for (uint32_t i = 0; i < frames->link_count; i++)
        reopen(frames, &frames->links[i]);
    if (frames->wanted_count > 0)
        look_up_some(loop);
    bool is_done = frames->wanted_count == 0 && !has_waiting(frames);
    return is_done ? UINT64_MAX : frames->now + SECOND / 1000;
}
