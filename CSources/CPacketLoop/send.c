// The send queues: one for each socket, so that sendmmsg takes many datagrams at once even when
// handlers alternate between sockets. Datagrams of one length that follow each other to one peer
// become one message (UDP_SEGMENT): the way through the network stack is then paid once.
#include "internal.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

// A message's bytes, below what an IP packet can hold with either family's headers.
#define SEGMENTED_BYTES_MAX 65000

uint64_t *pl_failure_counter(struct pl_counters *counters, int code)
{
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

// How many datagrams the kernel makes of a message.
static uint32_t datagrams_in(const struct mmsghdr *message)
{
    return (uint32_t)message->msg_hdr.msg_iovlen;
}

// Counts one datagram that was not sent, unless it is kept for whoever makes it shorter.
static void count_failure(struct pl_socket *socket, const struct msghdr *header, int code)
{
    bool is_kept = code == EMSGSIZE && pl_refused_keep(socket, header->msg_iov, header->msg_name);
    struct pl_counters *counters = &socket->counters;
    pl_count(is_kept ? &counters->given_back : pl_failure_counter(counters, code), 1);
}

static void count_sent(struct pl_socket *socket, const struct mmsghdr *message)
{
    pl_count(&socket->counters.sent, datagrams_in(message));
    pl_count(&socket->counters.sent_messages, 1);
    pl_count(&socket->counters.sent_bytes, message->msg_len);
}

// Sends the datagrams of a message one by one, which the kernel would not split for us: their size
// is more than the path takes, or the device cannot checksum them.
static void send_singly(struct pl_socket *socket, const struct mmsghdr *message)
{
    for (uint32_t i = 0; i < datagrams_in(message); i++) {
        struct msghdr single = message->msg_hdr;
        single.msg_iov += i;
        single.msg_iovlen = 1;
        single.msg_control = NULL;
        single.msg_controllen = 0;
        ssize_t length = sendmsg(socket->fd, &single, MSG_DONTWAIT);
        pl_count(&socket->counters.send_calls, 1);
        if (length < 0) {
            count_failure(socket, &single, errno);
        } else {
            pl_count(&socket->counters.sent, 1);
            pl_count(&socket->counters.sent_messages, 1);
            pl_count(&socket->counters.sent_bytes, (uint64_t)length);
        }
    }
}

// Deals with a message that was not sent. Returns how many messages that settles.
static uint32_t settle_failure(struct pl_socket *socket, uint32_t next, int code)
{
    struct mmsghdr *message = &socket->out.headers[next];
    if (datagrams_in(message) > 1 && (code == EINVAL || code == EMSGSIZE || code == EIO)) {
        if (code == EIO)
            socket->can_segment = false;  // the device is in the way, not the size
        send_singly(socket, message);
        return 1;
    }
    // The error is the first message's alone, except that a full send buffer will be full for the
    // others too: late voice is worth nothing, so they go, and the loop does not spin.
    if (code != EAGAIN && datagrams_in(message) == 1) {
        count_failure(socket, &message->msg_hdr, code);
        return 1;
    }
    uint32_t lost = code == EAGAIN ? socket->queued_messages - next : 1;
    for (uint32_t i = 0; i < lost; i++) {
        pl_count(pl_failure_counter(&socket->counters, code), datagrams_in(message + i));
    }
    return lost;
}

void pl_socket_flush(struct pl_socket *socket)
{
    uint32_t next = 0;
    while (next < socket->queued_messages) {
        uint32_t left = socket->queued_messages - next;
        int count = sendmmsg(socket->fd, socket->out.headers + next, left, MSG_DONTWAIT);
        pl_count(&socket->counters.send_calls, 1);
        if (count < 0) {
            if (errno != EINTR)
                next += settle_failure(socket, next, errno);
            continue;
        }
        for (int i = 0; i < count; i++)
            count_sent(socket, &socket->out.headers[next++]);
    }
    socket->queued = 0;
    socket->queued_messages = 0;
}

static bool is_same_name(const struct sockaddr_in6 *left, const struct sockaddr_in6 *right,
                         socklen_t length)
{
    uint64_t heads[2];  // family, port and, with IPv4, the address: most differ here
    memcpy(&heads[0], left, sizeof heads[0]);
    memcpy(&heads[1], right, sizeof heads[1]);
    return heads[0] == heads[1] && memcmp(left, right, length) == 0;
}

// Whether the kernel can cut the last message, with one more datagram at its end, into what it was
// made from (UDP_SEGMENT): all of one length but the last, which may be shorter.
static bool extends_last(const struct pl_socket *socket, uint32_t length,
                         const struct sockaddr_in6 *name, socklen_t name_length)
{
    if (!socket->can_segment || socket->queued_messages == 0 || socket->last_is_closed) {
        return false;
    }
    uint32_t last = socket->queued_messages - 1;
    const struct msghdr *header = &socket->out.headers[last].msg_hdr;
    return length > 0 && header->msg_iovlen < PL_SEGMENTS_MAX &&
           length <= header->msg_iov->iov_len &&
           socket->last_bytes + length <= SEGMENTED_BYTES_MAX &&
           header->msg_namelen == name_length &&
           is_same_name(name, &socket->out.names[last], name_length);
}

static void extend_last(struct pl_socket *socket, uint32_t length)
{
    uint32_t last = socket->queued_messages - 1;
    struct msghdr *header = &socket->out.headers[last].msg_hdr;
    if (header->msg_iovlen == 1) {
        union pl_control *control = &socket->out.controls[last];
        control->header.cmsg_level = IPPROTO_UDP;
        control->header.cmsg_type = UDP_SEGMENT;
        control->header.cmsg_len = CMSG_LEN(sizeof(uint16_t));
        uint16_t segment = (uint16_t)header->msg_iov->iov_len;
        memcpy(CMSG_DATA(&control->header), &segment, sizeof segment);
        header->msg_control = control;
        header->msg_controllen = CMSG_SPACE(sizeof segment);
    }
    header->msg_iovlen++;
    socket->last_bytes += length;
    socket->last_is_closed = length < header->msg_iov->iov_len;
}

static void begin_message(struct pl_socket *socket, uint32_t length,
                          const struct sockaddr_in6 *name, socklen_t name_length)
{
    uint32_t i = socket->queued_messages++;
    struct msghdr *header = &socket->out.headers[i].msg_hdr;
    socket->out.names[i] = *name;
    header->msg_namelen = name_length;
    header->msg_iov = &socket->out.vectors[socket->queued];
    header->msg_iovlen = 1;
    header->msg_control = NULL;
    header->msg_controllen = 0;
    socket->last_bytes = length;
    socket->last_is_closed = length == 0;
}

void pl_socket_enqueue(struct pl_socket *socket, const uint8_t *bytes, uint32_t length,
                       const struct sockaddr_in6 *name, socklen_t name_length)
{
    if (extends_last(socket, length, name, name_length)) {
        extend_last(socket, length);
    } else {
        begin_message(socket, length, name, name_length);
    }
    struct iovec *vector = &socket->out.vectors[socket->queued++];
    vector->iov_base = (void *)(uintptr_t)bytes;  // sendmmsg only reads
    vector->iov_len = length;
}

void pl_loop_send(struct pl_loop *loop, uint16_t socket_index, const uint8_t *bytes,
                  uint32_t length, const struct pl_address *peer)
{
    PL_REQUIRE(socket_index < atomic_load_explicit(&loop->socket_count, memory_order_relaxed));
    struct pl_socket *socket = loop->sockets[socket_index];
    if (socket->sends_frames && pl_frames_take(loop, socket, bytes, length, peer))
        return;
    struct sockaddr_in6 name;
    socklen_t name_length = pl_address_to_kernel(peer, socket->family, socket->takes_ipv4, &name);
    if (name_length == 0) {
        pl_count(&socket->counters.failed_other, 1);
        return;
    }
    // Queues leave the list only all together, in pl_loop_flush, so each is on it at most once.
    if (socket->queued == 0)
        loop->unsent[loop->unsent_count++] = socket_index;
    pl_socket_enqueue(socket, bytes, length, &name, name_length);
    if (socket->queued == socket->queue)
        pl_loop_flush(loop);
}

void pl_loop_flush(struct pl_loop *loop)
{
    if (loop->frames != NULL)
        pl_frames_flush(loop);
    for (uint32_t i = 0; i < loop->unsent_count; i++) {
        pl_socket_flush(loop->sockets[loop->unsent[i]]);
    }
    loop->unsent_count = 0;
}
