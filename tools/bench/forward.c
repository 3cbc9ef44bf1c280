// The baseline: what the fewest lines of C cost that forward datagrams and look at nothing.
//
//     forward LISTEN-PORT TRUNK-PORT DESTINATION-PORT...        (all on 127.0.0.1)
//
// Up: each datagram goes on to one of the destinations, chosen by its sender's address and port,
// behind eight bytes: address, port, two zero bytes. Down: the other way round. Batches of 64,
// headers by scatter and gather, nothing copied. Says "ready" on descriptor 3.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define BYTES_MAX 2048
#define BATCHES_PER_TURN 4

struct header {
    uint32_t address;
    uint16_t port;
    uint16_t zero;
};

static struct sockaddr_in destinations[64];
static unsigned destination_count;
static struct mmsghdr messages[BATCH];
static struct sockaddr_in peers[BATCH];
static struct header headers[BATCH];
static struct iovec pieces[BATCH][2];
static uint8_t bytes[BATCH][BYTES_MAX];

static struct sockaddr_in local(int port)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return name;
}

static int open_socket(int port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    int size = 4 << 20;
    struct sockaddr_in name = local(port);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0) {
        perror("forward: cannot open its sockets");
        exit(1);
    }
    return fd;
}

static int receive(int fd, int is_up)
{
    for (int i = 0; i < BATCH; i++) {
        struct msghdr *message = &messages[i].msg_hdr;
        pieces[i][0] = (struct iovec){&headers[i], sizeof headers[i]};
        pieces[i][1] = (struct iovec){bytes[i], BYTES_MAX};
        message->msg_iov = is_up ? &pieces[i][1] : pieces[i];
        message->msg_iovlen = is_up ? 1 : 2;
        message->msg_name = &peers[i];
        message->msg_namelen = sizeof peers[i];
    }
    return recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
}

static void address_up(int i)
{
    struct msghdr *message = &messages[i].msg_hdr;
    uint32_t hash = (ntohl(peers[i].sin_addr.s_addr) ^ peers[i].sin_port) * 0x9E3779B1u;
    headers[i] = (struct header){peers[i].sin_addr.s_addr, peers[i].sin_port, 0};
    pieces[i][1].iov_len = messages[i].msg_len;
    message->msg_iov = pieces[i];
    message->msg_iovlen = 2;
    message->msg_name = &destinations[(hash >> 16) % destination_count];
}

static void address_down(int i)
{
    struct msghdr *message = &messages[i].msg_hdr;
    size_t length = messages[i].msg_len;
    peers[i].sin_addr.s_addr = headers[i].address;
    peers[i].sin_port = headers[i].port;
    pieces[i][1].iov_len = length > sizeof headers[i] ? length - sizeof headers[i] : 0;
    message->msg_iov = &pieces[i][1];
    message->msg_iovlen = 1;
    message->msg_name = &peers[i];
}

static void send_all(int fd, int count)
{
    int done = 0;
    while (done < count) {
        int taken = sendmmsg(fd, messages + done, (unsigned)(count - done), 0);
        done += taken > 0 ? taken : 1;
    }
}

static void forward(int from, int to, int is_up)
{
    for (int batch = 0; batch < BATCHES_PER_TURN; batch++) {
        int count = receive(from, is_up);
        for (int i = 0; i < count; i++) {
            if (is_up)
                address_up(i);
            else
                address_down(i);
        }
        send_all(to, count);
        if (count < BATCH)
            return;
    }
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc - 3 > 64) {
        fprintf(stderr, "usage: forward LISTEN-PORT TRUNK-PORT DESTINATION-PORT...\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int sockets[2] = {open_socket(atoi(argv[1])), open_socket(atoi(argv[2]))};
    for (int i = 3; i < argc; i++)
        destinations[destination_count++] = local(atoi(argv[i]));
    int epoll = epoll_create1(0);
    for (unsigned i = 0; i < 2; i++) {
        struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[i], &wanted);
    }
    if (write(3, "ready\n", 6) != 6)
        return 1;
    while (1) {
        struct epoll_event ready[2];
        int count = epoll_wait(epoll, ready, 2, -1);
        for (int i = 0; i < count; i++) {
            unsigned from = ready[i].data.u32;
            forward(sockets[from], sockets[1 - from], from == 0);
        }
        if (count < 0 && errno != EINTR)
            return 1;
    }
}
