// The send queues: one for each socket, so that sendmmsg takes many datagrams at once even when
// handlers alternate between sockets.
#include "internal.h"

#include <errno.h>

static uint64_t *failure_counter(struct pl_counters *counters, int code) {
    switch (code) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
        return &counters->failed_full;
    case ECONNREFUSED:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
        return &counters->failed_refused;
    case EMSGSIZE:
        return &counters->failed_too_big;
    case EPERM:
    case EACCES:
        return &counters->failed_not_permitted;
    default:
        return &counters->failed_other;
    }
}

static void count_sent(struct pl_socket *socket, uint32_t first, uint32_t count) {
    uint64_t bytes = 0;
    for (uint32_t i = first; i < first + count; i++) bytes += socket->out.headers[i].msg_len;
    pl_count(&socket->counters.sent, count);
    pl_count(&socket->counters.sent_bytes, bytes);
}

void pl_socket_flush(struct pl_socket *socket) {
    uint32_t next = 0;
    while (next < socket->queued) {
        uint32_t left = socket->queued - next;
        int count = sendmmsg(socket->fd, socket->out.headers + next, left, MSG_DONTWAIT);
        pl_count(&socket->counters.send_calls, 1);
        if (count > 0) {
            count_sent(socket, next, (uint32_t)count);
            next += (uint32_t)count;
            continue;
        }
        if (count < 0 && errno == EINTR) continue;
        // The error is the first datagram's alone, except that a full send buffer will be full for
        // the others too: late voice is worth nothing, so they go, and the loop does not spin.
        uint32_t lost = count < 0 && errno == EAGAIN ? left : 1;
        pl_count(failure_counter(&socket->counters, errno), lost);
        next += lost;
    }
    socket->queued = 0;
}

void pl_loop_send(struct pl_loop *loop, uint16_t socket_index, const uint8_t *bytes,
                  uint32_t length, const struct pl_address *peer) {
    PL_REQUIRE(socket_index < atomic_load_explicit(&loop->socket_count, memory_order_relaxed));
    struct pl_socket *socket = loop->sockets[socket_index];
    uint32_t i = socket->queued;
    socklen_t name_length = pl_address_to_kernel(peer, socket->family, &socket->out.names[i]);
    if (name_length == 0) {
        pl_count(&socket->counters.failed_other, 1);
        return;
    }
    socket->out.headers[i].msg_hdr.msg_namelen = name_length;
    socket->out.vectors[i].iov_base = (void *)(uintptr_t)bytes;  // sendmmsg only reads
    socket->out.vectors[i].iov_len = length;
    // Queues leave the list only all together, in pl_loop_flush, so each is on it at most once.
    if (i == 0) loop->unsent[loop->unsent_count++] = socket_index;
    socket->queued = i + 1;
    if (socket->queued == socket->queue) pl_loop_flush(loop);
}

void pl_loop_flush(struct pl_loop *loop) {
    for (uint32_t i = 0; i < loop->unsent_count; i++) {
        pl_socket_flush(loop->sockets[loop->unsent[i]]);
    }
    loop->unsent_count = 0;
}
