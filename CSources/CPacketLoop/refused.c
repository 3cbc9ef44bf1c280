// What is longer than its way carries: it is kept for whoever can make it shorter, and what nobody
// can leaves in fragments.
#include "internal.h"

#include <errno.h>

#define IPV6_MTU_MIN 1280

int pl_loop_keep_refused(struct pl_loop *loop, uint16_t socket_index, struct pl_error *error)
{
    PL_REQUIRE(socket_index < atomic_load(&loop->socket_count) && loop->keeper == NULL);
    struct pl_socket *socket = loop->sockets[socket_index];
    socket->refusals = pl_memory_map(sizeof *socket->refusals, loop->options.numa_node);
    if (socket->refusals == NULL)
        return pl_fail(error, ENOMEM, "no memory for refused datagrams");
    loop->keeper = socket;
    return 0;
}

void pl_refused_close(struct pl_loop *loop)
{
    if (loop->keeper == NULL)
        return;
    pl_memory_unmap(loop->keeper->refusals, sizeof *loop->keeper->refusals);
    loop->keeper = NULL;
}

bool pl_refused_keep(struct pl_socket *socket, const struct iovec *bytes,
                     const struct sockaddr_in6 *name)
{
    struct pl_refusals *refusals = socket->refusals;
    if (refusals == NULL || refusals->count == PL_REFUSED_MAX)
        return false;
    struct pl_refused *place = &refusals->list[refusals->count++];
    *place = (struct pl_refused){.bytes = bytes->iov_base, .length = (uint32_t)bytes->iov_len};
    pl_address_from_kernel(name, &place->peer);
    return true;
}

static void empty(struct pl_refusals *refusals)
{
    refusals->count = 0;
    refusals->taken = 0;
}

bool pl_loop_take_refused(struct pl_loop *loop, struct pl_refused *out)
{
    if (loop->keeper == NULL)
        return false;
    struct pl_refusals *refusals = loop->keeper->refusals;
    if (refusals->taken < refusals->count) {
        *out = refusals->list[refusals->taken++];
        return true;
    }
    empty(refusals);
    return false;
}

void pl_refused_forget(struct pl_loop *loop)
{
    struct pl_refusals *refusals = loop->keeper->refusals;
    uint32_t left = refusals->count - refusals->taken;
    if (left != 0) {
        // Each is in one counter only.
        pl_count(&loop->keeper->counters.given_back, -(uint64_t)left);
        pl_count(&loop->keeper->counters.failed_too_big, left);
    }
    empty(refusals);
}

// What the socket was opened with: nothing is parted.
static void forbid(const struct pl_socket *socket)
{
    int value = IP_PMTUDISC_PROBE;
    if (socket->family == AF_INET) {
        (void)setsockopt(socket->fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof value);
        return;
    }
    value = IPV6_PMTUDISC_PROBE;
    (void)setsockopt(socket->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &value, sizeof value);
    value = 1;
    (void)setsockopt(socket->fd, IPPROTO_IPV6, IPV6_DONTFRAG, &value, sizeof value);
    value = 0;
    (void)setsockopt(socket->fd, IPPROTO_IPV6, IPV6_MTU, &value, sizeof value);
}

// By what the kernel knows of the way, reports of hops included. Routers of IPv6 part nothing, so
// its fragments have a length that every way carries (RFC 8200, section 5).
static void allow(const struct pl_socket *socket)
{
    int value = IP_PMTUDISC_DONT;
    if (socket->family == AF_INET) {
        (void)setsockopt(socket->fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof value);
        return;
    }
    value = IPV6_PMTUDISC_DONT;
    (void)setsockopt(socket->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &value, sizeof value);
    value = 0;
    (void)setsockopt(socket->fd, IPPROTO_IPV6, IPV6_DONTFRAG, &value, sizeof value);
    value = IPV6_MTU_MIN;
    (void)setsockopt(socket->fd, IPPROTO_IPV6, IPV6_MTU, &value, sizeof value);
}

static int send_one(const struct pl_socket *socket, const uint8_t *bytes, uint32_t length,
                    const struct sockaddr_in6 *name, socklen_t name_length)
{
    while (true) {
        ssize_t sent = sendto(socket->fd, bytes, length, MSG_DONTWAIT,
                              (const struct sockaddr *)name, name_length);
        if (sent >= 0)
            return 0;
        if (errno != EINTR)
            return errno;
    }
}

int pl_loop_send_now(struct pl_loop *loop, uint16_t socket_index, const uint8_t *bytes,
                     uint32_t length, const struct pl_address *peer, bool in_fragments)
{
    PL_REQUIRE(socket_index < atomic_load_explicit(&loop->socket_count, memory_order_relaxed));
    struct pl_socket *socket = loop->sockets[socket_index];
    pl_loop_flush(loop);
    struct sockaddr_in6 name;
    socklen_t name_length = pl_address_to_kernel(peer, socket->family, socket->takes_ipv4, &name);
    int code = EAFNOSUPPORT;
    if (name_length != 0) {
        // An option of the socket, which this thread alone uses: a second socket would have to
        // share the address, and would be given datagrams that nobody reads.
        if (in_fragments)
            allow(socket);
        code = send_one(socket, bytes, length, &name, name_length);
        if (in_fragments)
            forbid(socket);
        pl_count(&socket->counters.send_calls, 1);
    }
    if (code == 0) {
        pl_count(&socket->counters.sent, 1);
        pl_count(&socket->counters.sent_messages, 1);
        pl_count(&socket->counters.sent_bytes, length);
        if (in_fragments)
            pl_count(&socket->counters.sent_in_fragments, 1);
    } else if (code == EMSGSIZE && !in_fragments) {
        pl_count(&socket->counters.given_back, 1);
    } else {
        pl_count(pl_failure_counter(&socket->counters, code), 1);
    }
    return code;
}
