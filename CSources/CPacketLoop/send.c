// The send queue: datagrams of one turn, in order, out by sendmmsg.
#include "internal.h"

#include <errno.h>

void pl_loop_send(struct pl_loop *loop, uint16_t socket, const uint8_t *bytes, uint32_t length,
                  const struct pl_address *peer) {
    struct pl_queue *queue = &loop->queue;
    if (socket >= loop->socket_count) __builtin_trap();
    if (queue->count == queue->capacity) pl_loop_flush(loop);
    uint32_t at = queue->count++;
    queue->vectors[at] = (struct iovec){.iov_base = (void *)bytes, .iov_len = length};
    pl_to_sockaddr(peer, loop->sockets[socket].is_v4, &queue->peers[at],
                   &queue->messages[at].msg_hdr.msg_namelen);
    queue->sockets[at] = socket;
}

static void count_failure(struct pl_live_counters *counters, int number) {
    switch (number) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM: pl_count(&counters->failed_full, 1); break;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN: pl_count(&counters->failed_refused, 1); break;
    case EMSGSIZE: pl_count(&counters->failed_too_big, 1); break;
    case EPERM:
    case EACCES: pl_count(&counters->failed_not_permitted, 1); break;
    default: pl_count(&counters->failed_other, 1);
    }
}

// Sends one run of datagrams of the same socket. An error concerns the first unsent datagram: it
// is counted and skipped, and the rest go on.
static void send_run(struct pl_loop *loop, uint32_t from, uint32_t end) {
    struct pl_queue *queue = &loop->queue;
    int descriptor = loop->sockets[queue->sockets[from]].descriptor;
    while (from < end) {
        int sent = sendmmsg(descriptor, queue->messages + from, end - from, 0);
        pl_count(&loop->counters.send_calls, 1);
        if (sent < 0) {
            if (errno == EINTR) continue;
            count_failure(&loop->counters, errno);
            from++;
            continue;
        }
        uint64_t bytes = 0;
        for (int i = 0; i < sent; i++) bytes += queue->messages[from + (uint32_t)i].msg_len;
        pl_count(&loop->counters.sent, (uint64_t)sent);
        pl_count(&loop->counters.sent_bytes, bytes);
        from += (uint32_t)sent;
    }
}

void pl_loop_flush(struct pl_loop *loop) {
    struct pl_queue *queue = &loop->queue;
    for (uint32_t from = 0; from < queue->count;) {
        uint32_t end = from + 1;
        while (end < queue->count && queue->sockets[end] == queue->sockets[from]) end++;
        send_run(loop, from, end);
        from = end;
    }
    queue->count = 0;
}
