// Receiving one batch.
#include "internal.h"

#include <errno.h>

// Shows message `i` as a datagram and makes its header ready for the next call.
static void take_message(struct pl_socket *socket, uint32_t i) {
    struct mmsghdr *message = &socket->in.headers[i];
    struct pl_datagram *datagram = &socket->datagrams[i];
    datagram->length = message->msg_len;
    datagram->socket = socket->index;
    datagram->truncated = (message->msg_hdr.msg_flags & MSG_TRUNC) != 0;
    pl_address_from_kernel(&socket->in.names[i], &datagram->peer);
    message->msg_hdr.msg_namelen = sizeof socket->in.names[i];
}

uint32_t pl_socket_receive(struct pl_socket *socket) {
    struct pl_counters *counters = &socket->counters;
    int count;
    do {
        count = recvmmsg(socket->fd, socket->in.headers, socket->batch, MSG_DONTWAIT, NULL);
        pl_count(&counters->receive_calls, 1);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        // An error here is a late report about something sent; reading it has cleared it.
        if (errno != EAGAIN) pl_count(&counters->receive_errors, 1);
        return 0;
    }
    uint64_t bytes = 0;
    uint64_t truncated = 0;
    for (uint32_t i = 0; i < (uint32_t)count; i++) {
        take_message(socket, i);
        bytes += socket->datagrams[i].length;
        truncated += socket->datagrams[i].truncated;
    }
    pl_count(&counters->received, (uint64_t)count);
    pl_count(&counters->received_bytes, bytes);
    if (truncated != 0) pl_count(&counters->truncated, truncated);
    return (uint32_t)count;
}
