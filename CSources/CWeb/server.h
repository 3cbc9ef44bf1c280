// The server: one thread, one epoll for all connections that speak HTTP. libwebsockets has the
// WebSockets and the loop, in which that epoll is one descriptor among theirs.
#pragma once

#include <libwebsockets.h>
#include <stdatomic.h>

#include "exchange.h"
#include "guests.h"
#include "socket.h"

enum { SCRATCH_BYTES = HEAD_BYTES_MAX };

struct ws_server {
    struct ws_options options;
    struct lws_context *context;
    struct lws_vhost *vhost;
    atomic_bool stops;
    atomic_bool wakes;
    struct guests guests;
    int listener, epoll;
    uint16_t port;
    lws_usec_t deaf_until;  // no descriptor was left: the listener is out of the epoll
    lws_sorted_usec_list_t tick;
    bool ticks;
    struct socket_family sockets;
    struct exchange *deferred;
    uint64_t last_deferred;
    uint8_t scratch[SCRATCH_BYTES];  // of a body, between the socket and its place
};

// Tells of a request that no handler was asked about.
void server_note_refusal(struct ws_server *server, uint16_t status, const char *code,
                         const char *peer);

// Looks at the clock as long as there is anybody with a deadline.
void server_watch_clock(struct ws_server *server);

// A socket that listens where the options say; its port. -1: see `error`.
int listener_open(const struct ws_options *options, uint16_t *port, struct ws_error *error);
// Takes in some of those that knock.
void listener_accept(struct ws_server *server);
// Hears again after a time without descriptors.
void listener_tick(struct ws_server *server, lws_usec_t now);

// The handshake of a WebSocket (RFC 6455, section 4.2.1): whether the request asks for one.
bool upgrade_is_wanted(const struct head *head);
// What is wrong with it; NULL: nothing.
const struct fault *upgrade_fault(const struct head *head);
// Puts the request to the handler, and gives libwebsockets the connection if it is let in. False:
// it stays, and the exchange has a reply. `input` is what came behind the request.
bool upgrade_begin(struct exchange *exchange, const struct head *head, const uint8_t *input,
                   size_t length);
// The protocol, in libwebsockets' sense, of connections that became WebSockets.
extern const char server_protocol_name[];

// The subprotocol that the server agrees on when a client offers it.
#define UPGRADE_PROTOCOL "realtime"
