// The door: who knocks is let in, at the price of another if it is crowded.
#define _GNU_SOURCE  // accept4
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "complaints.h"
#include "connection.h"

enum {
    // Who finds this queue full tries again after a second, so it takes what a burst brings while
    // the thread is busy. The kernel bounds it by net.core.somaxconn, 4,096 by default.
    BACKLOG = 16384,
    ACCEPTS_A_TURN = 64,
    DEAF_MICROSECONDS = 100000,
};

// MARK: Opening

static bool set_options(int fd, int family)
{
    int yes = 1, no = 0;
    return !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) &&
           // Connections have it from here.
           !setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) &&
           (family != AF_INET6 || !setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no));
}

int listener_open(const struct ws_options *options, uint16_t *port, struct ws_error *error)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(options->port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    bool is_six = inet_pton(AF_INET6, options->address, &six.sin6_addr) == 1;
    if (!is_six && inet_pton(AF_INET, options->address, &four.sin_addr) != 1) {
        web_fail(error, EINVAL, "%s is not an IP address", options->address);
        return -1;
    }
    int family = is_six ? AF_INET6 : AF_INET;
    struct sockaddr *address = is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t length = is_six ? sizeof six : sizeof four;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && set_options(fd, family) && !bind(fd, address, length) && !listen(fd, BACKLOG) &&
        !getsockname(fd, address, &length)) {
        *port = ntohs(is_six ? six.sin6_port : four.sin_port);
        return fd;
    }
    int number = errno;
    web_fail(error, number, is_six ? "cannot listen on [%s]:%u: %s" : "cannot listen on %s:%u: %s",
             options->address, options->port, strerror(number));
    if (fd >= 0)
        close(fd);
    return -1;
}

// MARK: Letting in

// The connections are all taken, by those who are served.
static void turn_away(struct ws_server *server, int fd)
{
    static const char reply[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
        "Retry-After: 5\r\nConnection: close\r\nContent-Length: 130\r\n\r\n"
        "{\"error\":{\"message\":\"All connections of this server are taken.\","
        "\"type\":\"server_error\",\"code\":\"too_many_connections\",\"param\":null}}";
    // A request that was not read would take the reply with it.
    recv(fd, server->scratch, sizeof server->scratch, MSG_DONTWAIT);
    send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    server_note_refusal(server, 503, "too_many_connections", "");
}

// Ends one that waits, for another. False: nobody does.
static bool make_room(struct ws_server *server)
{
    struct connection *connection = (struct connection *)guests_choose(&server->guests);
    if (!connection)
        return false;
    server_note_refusal(server, 503, "too_many_waiting", connection->peer);
    connection_abort(connection);
    return true;
}

static void let_in(struct ws_server *server, int fd, const struct sockaddr *address)
{
    uint32_t max = server->options.connections_max;
    uint32_t count = server->guests.count + server->sockets.count;
    if (count >= max) {
        turn_away(server, fd);
        return;
    }
    if (count >= max - max / 8)
        make_room(server);
    if (connection_begin(server, fd, address))
        server_watch_clock(server);
}

// The process has no descriptor left, and who knocks goes on knocking: after one has gone the next
// is let in, and if none can go there is a pause.
static void run_short(struct ws_server *server)
{
    if (make_room(server))
        return;
    server_note_refusal(server, 503, "no_descriptors", "");
    epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->listener, NULL);
    server->deaf_until = lws_now_usecs() + DEAF_MICROSECONDS;
    server_watch_clock(server);
}

void listener_accept(struct ws_server *server)
{
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage address;
        socklen_t length = sizeof address;
        int fd = accept4(server->listener, (struct sockaddr *)&address, &length,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            let_in(server, fd, (struct sockaddr *)&address);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            run_short(server);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

void listener_tick(struct ws_server *server, lws_usec_t now)
{
    if (!server->deaf_until || now < server->deaf_until)
        return;
    struct epoll_event event = {.events = EPOLLIN};
    server->deaf_until = 0;
    epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &event);
}
