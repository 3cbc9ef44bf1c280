// One socket inside a loop: its message arrays and buffers, in one mapping.
#include "internal.h"

#include <errno.h>
#include <netinet/udp.h>
#include <unistd.h>

// A message of a coalesced socket, and how many are read at once: each may hold PL_SEGMENTS_MAX
// datagrams.
#define COALESCED_BYTES 65536
#define COALESCED_MESSAGES 16

// Carves pieces off a mapping; with `base` NULL it only adds up their sizes.
struct carver {
    uint8_t *base;
    size_t used;
};

static void *carve(struct carver *carver, size_t count, size_t size)
{
    size_t start = (carver->used + 63) & ~(size_t)63;  // no array shares a cache line
    carver->used = start + count * size;
    return carver->base == NULL ? NULL : carver->base + start;
}

static void carve_messages(struct carver *carver, uint32_t count, struct pl_messages *messages)
{
    messages->controls = carve(carver, count, sizeof *messages->controls);
    messages->headers = carve(carver, count, sizeof *messages->headers);
    messages->vectors = carve(carver, count, sizeof *messages->vectors);
    messages->names = carve(carver, count, sizeof *messages->names);
}

// Carves everything a socket needs, by the sizes in `layout`. The socket itself comes first; the
// receive buffers are returned.
static uint8_t *carve_socket(struct carver *carver, struct pl_socket *layout)
{
    carve(carver, 1, sizeof *layout);
    carve_messages(carver, layout->messages, &layout->in);
    carve_messages(carver, layout->queue, &layout->out);
    layout->datagrams = carve(carver, layout->batch, sizeof *layout->datagrams);
    return carve(carver, layout->messages, layout->room_bytes);
}

static void link_messages(const struct pl_messages *messages, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct msghdr *header = &messages->headers[i].msg_hdr;
        header->msg_iov = &messages->vectors[i];
        header->msg_iovlen = 1;
        header->msg_name = &messages->names[i];
        header->msg_namelen = sizeof messages->names[i];
    }
}

static void link_buffers(struct pl_socket *socket, uint8_t *buffers)
{
    for (uint32_t i = 0; i < socket->messages; i++) {
        socket->in.vectors[i].iov_base = buffers + (size_t)i * socket->room_bytes;
        socket->in.vectors[i].iov_len =
            socket->is_coalesced ? COALESCED_BYTES : socket->buffer_bytes;
        if (!socket->is_coalesced)
            continue;
        socket->in.headers[i].msg_hdr.msg_control = &socket->in.controls[i];
        socket->in.headers[i].msg_hdr.msg_controllen = sizeof socket->in.controls[i];
    }
}

// The distance between two buffers: an odd number of cache lines, or the beginnings of all would
// compete for a few sets of the cache.
static uint32_t spaced(uint32_t bytes)
{
    uint32_t lines = (bytes + 63) / 64;
    return (lines | 1) * 64;
}

uint64_t pl_receive_bytes(uint32_t batch, uint32_t buffer_bytes, bool coalesces)
{
    return coalesces ? (uint64_t)COALESCED_MESSAGES * spaced(COALESCED_BYTES)
                     : (uint64_t)batch * spaced(buffer_bytes);
}

static bool has_option(int fd, int option)
{
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, IPPROTO_UDP, option, &value, &length) == 0 && value != 0;
}

static bool takes_ipv4(int fd)
{
    int is_ipv6_only = 1;
    socklen_t length = sizeof is_ipv6_only;
    return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_ipv6_only, &length) == 0 &&
           is_ipv6_only == 0;
}

static bool knows_option(int fd, int option)
{
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, IPPROTO_UDP, option, &value, &length) == 0;
}

struct pl_socket *pl_socket_create(int fd, const struct pl_loop_options *options,
                                   uint32_t buffer_bytes, struct pl_error *error)
{
    struct sockaddr_in6 name;
    socklen_t length = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0) {
        pl_fail(error, errno, "cannot use descriptor %d as a UDP socket", fd);
        return NULL;
    }
    struct pl_socket layout = {.fd = fd,
                               .family = name.sin6_family,
                               .takes_ipv4 = name.sin6_family == AF_INET6 && takes_ipv4(fd),
                               .batch = options->batch,
                               .messages = options->batch,
                               .queue = options->queue,
                               .buffer_bytes = buffer_bytes,
                               .room_bytes = spaced(buffer_bytes),
                               .is_coalesced = has_option(fd, UDP_GRO),
                               .can_segment = knows_option(fd, UDP_SEGMENT)};
    if (layout.is_coalesced) {
        layout.messages = COALESCED_MESSAGES;
        layout.room_bytes = spaced(COALESCED_BYTES);
    }
    struct carver carver = {0};
    carve_socket(&carver, &layout);
    layout.memory_size = carver.used;

    carver = (struct carver){.base = pl_memory_map(layout.memory_size, options->numa_node)};
    if (carver.base == NULL) {
        pl_fail(error, ENOMEM, "cannot get %zu bytes for a socket's buffers", layout.memory_size);
        return NULL;
    }
    uint8_t *buffers = carve_socket(&carver, &layout);
    struct pl_socket *socket = (struct pl_socket *)carver.base;
    *socket = layout;
    link_messages(&socket->in, socket->messages);
    link_messages(&socket->out, socket->queue);
    link_buffers(socket, buffers);
    return socket;
}

void pl_socket_destroy(struct pl_socket *socket)
{
    close(socket->fd);
    pl_memory_unmap(socket, socket->memory_size);
}
