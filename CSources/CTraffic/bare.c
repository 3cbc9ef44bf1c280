// The way between a bare server and its one client: two sockets on the loopback interface, read and
// written in batches.
#include "internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    PACKET_BYTES = 2048,
    QUEUE_BYTES = 8 << 20,
};

struct ct_line {
    int near;  // the server's socket
    int far;   // the client's, connected to it
    uint8_t *bytes;
    struct ct_packet packets[CT_BATCH];
    struct iovec vectors[CT_BATCH];
    struct mmsghdr messages[CT_BATCH];
    struct sockaddr_in peers[CT_BATCH];
};

void ct_line_close(struct ct_line *line)
{
    if (!line)
        return;
    if (line->near >= 0)
        ct_socket_close(line->near);
    if (line->far >= 0)
        ct_socket_close(line->far);
    free(line->bytes);
    free(line);
}

static void lay_out(struct ct_line *line)
{
    for (int i = 0; i < CT_BATCH; i++) {
        line->packets[i].bytes = line->bytes + (size_t)i * PACKET_BYTES;
        line->vectors[i].iov_base = line->packets[i].bytes;
        line->messages[i].msg_hdr.msg_iov = &line->vectors[i];
        line->messages[i].msg_hdr.msg_iovlen = 1;
        line->messages[i].msg_hdr.msg_name = &line->peers[i];
    }
}

struct ct_line *ct_line_open(void)
{
    struct ct_line *line = calloc(1, sizeof *line);
    if (!line)
        return NULL;
    uint16_t near_port = 0, far_port = 0;
    line->near = ct_socket_open(INADDR_LOOPBACK, QUEUE_BYTES, false, &near_port);
    line->far = ct_socket_open(INADDR_LOOPBACK, QUEUE_BYTES, false, &far_port);
    line->bytes = calloc(CT_BATCH, PACKET_BYTES);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(near_port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (line->near < 0 || line->far < 0 || !line->bytes ||
        connect(line->far, (struct sockaddr *)&address, sizeof address) != 0) {
        ct_line_close(line);
        return NULL;
    }
    lay_out(line);
    return line;
}

struct ct_packet *ct_line_packets(struct ct_line *line)
{
    return line->packets;
}

void ct_line_wait(struct ct_line *line, uint32_t milliseconds)
{
    struct timespec limit = {.tv_sec = milliseconds / 1000,
                             .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    struct pollfd socket = {.fd = line->near, .events = POLLIN};
    (void)ppoll(&socket, 1, &limit, NULL);
}

uint32_t ct_line_receive(struct ct_line *line)
{
    for (int i = 0; i < CT_BATCH; i++) {
        line->vectors[i].iov_len = PACKET_BYTES;
        line->messages[i].msg_hdr.msg_namelen = sizeof line->peers[i];
    }
    int count = recvmmsg(line->near, line->messages, CT_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++)
        line->packets[i].length = line->messages[i].msg_len;
    return count < 0 ? 0 : (uint32_t)count;
}

bool ct_line_answer(struct ct_line *line, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        line->vectors[i].iov_len = line->packets[i].length;
    for (uint32_t next = 0; next < count;) {
        int sent = sendmmsg(line->near, line->messages + next, count - next, MSG_DONTWAIT);
        if (sent <= 0)
            return false;
        next += (uint32_t)sent;
    }
    return true;
}

bool ct_line_offer(struct ct_line *line, const uint8_t *bytes, uint32_t length)
{
    return send(line->far, bytes, length, MSG_DONTWAIT) == (ssize_t)length;
}

uint32_t ct_line_collect(struct ct_line *line)
{
    uint8_t bytes[PACKET_BYTES];
    uint32_t count = 0;
    while (recv(line->far, bytes, sizeof bytes, MSG_DONTWAIT) >= 0)
        count++;
    return count;
}

void ct_line_rest(uint64_t moment)
{
    ct_wait_until(moment);
}
