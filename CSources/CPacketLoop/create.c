// Making and ending a loop: all memory, all descriptors.
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>


static int watch(struct pl_loop *loop, int descriptor, uint32_t tag) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = tag};
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, descriptor, &event);
}

static bool make_queue(struct pl_loop *loop, uint32_t capacity) {
    struct pl_queue *queue = &loop->queue;
    queue->capacity = capacity;
    queue->messages = calloc(capacity, sizeof *queue->messages);
    queue->vectors = calloc(capacity, sizeof *queue->vectors);
    queue->peers = calloc(capacity, sizeof *queue->peers);
    queue->sockets = calloc(capacity, sizeof *queue->sockets);
    if (!queue->messages || !queue->vectors || !queue->peers || !queue->sockets) return false;
    for (uint32_t i = 0; i < capacity; i++)
        queue->messages[i].msg_hdr = (struct msghdr){
            .msg_name = &queue->peers[i], .msg_iov = &queue->vectors[i], .msg_iovlen = 1};
    return true;
}

struct pl_loop *pl_loop_create(const struct pl_loop_options *options, struct pl_error *error) {
    struct pl_loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        pl_fail(error, ENOMEM, "cannot make a packet loop");
        return NULL;
    }
    loop->handlers = options->handlers;
    loop->batch = options->batch ? options->batch : 64;
    loop->numa_node = options->numa_node;
    loop->armed_deadline = UINT64_MAX;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    loop->datagrams = calloc(loop->batch, sizeof *loop->datagrams);
    bool made = loop->epoll >= 0 && loop->wake_event >= 0 && loop->timer >= 0 && loop->datagrams &&
                make_queue(loop, options->queue ? options->queue : 256) &&
                watch(loop, loop->wake_event, PL_WAKE_TAG) == 0 &&
                watch(loop, loop->timer, PL_TIMER_TAG) == 0;
    if (made) return loop;
    pl_fail(error, errno, "cannot make a packet loop");
    pl_loop_destroy(loop);
    return NULL;
}

static bool make_vectors(struct pl_loop *loop, struct pl_socket *socket) {
    socket->buffers = pl_memory((size_t)loop->batch * socket->buffer_bytes, loop->numa_node);
    socket->messages = calloc(loop->batch, sizeof *socket->messages);
    socket->vectors = calloc(loop->batch, sizeof *socket->vectors);
    socket->peers = calloc(loop->batch, sizeof *socket->peers);
    if (!socket->buffers || !socket->messages || !socket->vectors || !socket->peers) return false;
    for (uint32_t i = 0; i < loop->batch; i++) {
        socket->vectors[i] = (struct iovec){
            .iov_base = socket->buffers + (size_t)i * socket->buffer_bytes,
            .iov_len = socket->buffer_bytes};
        socket->messages[i].msg_hdr = (struct msghdr){
            .msg_name = &socket->peers[i], .msg_iov = &socket->vectors[i], .msg_iovlen = 1};
    }
    return true;
}

int pl_loop_add_socket(struct pl_loop *loop, int descriptor, uint32_t buffer_bytes,
                       struct pl_error *error) {
    if (loop->socket_count == PL_SOCKETS_MAX)
        return pl_fail(error, 0, "a packet loop has no more than %d sockets", PL_SOCKETS_MAX);
    int family = 0;
    socklen_t length = sizeof family;
    if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &length))
        return pl_fail(error, errno, "cannot add a socket to a packet loop");
    struct pl_socket *socket = &loop->sockets[loop->socket_count];
    *socket = (struct pl_socket){
        .descriptor = descriptor, .is_v4 = family == AF_INET, .buffer_bytes = buffer_bytes};
    // Counted before anything can fail, so that pl_loop_destroy frees what was made.
    int index = (int)loop->socket_count++;
    if (!make_vectors(loop, socket)) return pl_fail(error, ENOMEM, "no memory for a socket");
    if (watch(loop, descriptor, (uint32_t)index))
        return pl_fail(error, errno, "cannot watch a socket");
    return index;
}

void pl_loop_destroy(struct pl_loop *loop) {
    if (!loop) return;
    for (uint32_t i = 0; i < loop->socket_count; i++) {
        struct pl_socket *socket = &loop->sockets[i];
        close(socket->descriptor);
        pl_memory_free(socket->buffers, (size_t)loop->batch * socket->buffer_bytes,
                       loop->numa_node);
        free(socket->messages);
        free(socket->vectors);
        free(socket->peers);
    }
    free(loop->queue.messages);
    free(loop->queue.vectors);
    free(loop->queue.peers);
    free(loop->queue.sockets);
    free(loop->datagrams);
    if (loop->epoll >= 0) close(loop->epoll);
    if (loop->wake_event >= 0) close(loop->wake_event);
    if (loop->timer >= 0) close(loop->timer);
    free(loop);
}

void pl_loop_counters(const struct pl_loop *loop, struct pl_counters *out) {
    const struct pl_live_counters *live = &loop->counters;
#define READ(name) out->name = atomic_load_explicit(&live->name, memory_order_relaxed)
    READ(received);
    READ(received_bytes);
    READ(receive_calls);
    READ(truncated);
    READ(sent);
    READ(sent_bytes);
    READ(send_calls);
    READ(failed_full);
    READ(failed_refused);
    READ(failed_too_big);
    READ(failed_not_permitted);
    READ(failed_other);
    READ(turns);
#undef READ
}
