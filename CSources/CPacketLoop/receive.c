// Receiving a batch, and showing it as datagrams.
#include "internal.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

uint32_t pl_socket_receive(struct pl_socket *socket)
{
    struct pl_counters *counters = &socket->counters;
    int count;
    do {
        count = recvmmsg(socket->fd, socket->in.headers, socket->messages, MSG_DONTWAIT, NULL);
        pl_count(&counters->receive_calls, 1);
    } while (count < 0 && errno == EINTR);
    socket->shown = 0;
    socket->shown_bytes = 0;
    socket->received = count < 0 ? 0 : (uint32_t)count;
    if (count < 0 && errno != EAGAIN) {
        // A late report about something sent; reading it has cleared it.
        pl_count(&counters->receive_errors, 1);
    }
    pl_count(&counters->received_messages, socket->received);
    return socket->received;
}

// The length of each datagram but the last in a message.
static uint32_t segment_bytes(const struct mmsghdr *message)
{
    const struct cmsghdr *control = CMSG_FIRSTHDR(&message->msg_hdr);
    if (control == NULL || control->cmsg_level != IPPROTO_UDP || control->cmsg_type != UDP_GRO) {
        return message->msg_len;
    }
    int value;
    memcpy(&value, CMSG_DATA(control), sizeof value);
    return value <= 0 ? message->msg_len : (uint32_t)value;
}

// Makes the header of message `i`, all of which has been shown, ready for the next read.
static void finish_message(struct pl_socket *socket, uint32_t i)
{
    struct msghdr *header = &socket->in.headers[i].msg_hdr;
    header->msg_namelen = sizeof socket->in.names[i];
    if (socket->is_coalesced)
        header->msg_controllen = sizeof socket->in.controls[i];
    socket->shown = i + 1;
    socket->shown_bytes = 0;
}

// Shows the next datagram of message `i`; the message has one more.
static void show_datagram(struct pl_socket *socket, uint32_t i, struct pl_datagram *datagram)
{
    const struct mmsghdr *message = &socket->in.headers[i];
    uint32_t left = message->msg_len - socket->shown_bytes;
    uint32_t length = left;
    if (socket->is_coalesced) {
        uint32_t segment = segment_bytes(message);
        if (segment < length)
            length = segment;
    }
    bool is_whole = length <= socket->buffer_bytes && (message->msg_hdr.msg_flags & MSG_TRUNC) == 0;
    datagram->bytes = (uint8_t *)socket->in.vectors[i].iov_base + socket->shown_bytes;
    datagram->length = length <= socket->buffer_bytes ? length : socket->buffer_bytes;
    datagram->socket = socket->index;
    datagram->truncated = !is_whole;
    pl_address_from_kernel(&socket->in.names[i], &datagram->peer);
    socket->shown_bytes += length;
    if (socket->shown_bytes == message->msg_len)
        finish_message(socket, i);
}

uint32_t pl_socket_show(struct pl_socket *socket)
{
    uint32_t count = 0;
    uint64_t bytes = 0;
    uint64_t truncated = 0;
    while (count < socket->batch && socket->shown < socket->received) {
        struct pl_datagram *datagram = &socket->datagrams[count];
        show_datagram(socket, socket->shown, datagram);
        bytes += datagram->length;
        truncated += datagram->truncated;
        count++;
    }
    pl_count(&socket->counters.received, count);
    pl_count(&socket->counters.received_bytes, bytes);
    if (truncated != 0)
        pl_count(&socket->counters.truncated, truncated);
    return count;
}
