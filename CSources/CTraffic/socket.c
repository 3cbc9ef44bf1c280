#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static void set_queue(int fd, int bytes)
{
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

int ct_socket_open(uint32_t address, int buffer_bytes, bool has_stamps, uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    set_queue(fd, buffer_bytes);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    socklen_t length = sizeof name;
    int on = 1;
    if ((has_stamps && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) ||
        bind(fd, (struct sockaddr *)&name, length) != 0 ||
        getsockname(fd, (struct sockaddr *)&name, &length) != 0) {
        int failure = errno;
        close(fd);
        errno = failure;
        return -1;
    }
    *port = ntohs(name.sin_port);
    return fd;
}

void ct_socket_close(int descriptor)
{
    close(descriptor);
}

uint32_t ct_socket_drops(int descriptor)
{
    uint32_t figures[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof figures;
    getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, figures, &length);
    return figures[SK_MEMINFO_DROPS];
}
