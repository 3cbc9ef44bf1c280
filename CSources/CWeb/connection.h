// A connection that speaks HTTP: requests one after the other, each answered before the next is
// looked at (RFC 9112, section 9.3).
#pragma once

#include "exchange.h"
#include "guests.h"
#include "server.h"

enum connection_state {
    READS_HEAD,  // also: waits for a request
    READS_BODY,
    WAITS,  // for a reply that was put off
    WRITES,
    LINGERS,  // has said its last, and lets the peer read it (RFC 9112, section 9.6)
};

struct connection {
    struct guest guest;  // the first, so that one is the other
    struct ws_server *server;
    int fd;
    enum connection_state state;
    uint32_t interest;    // what epoll looks for
    bool has_turn;        // goes on when its turn comes, without anything new from the peer
    lws_usec_t deadline;  // it is ended then
    uint8_t *input;       // a head as far as it came, or what came behind a request
    size_t input_length, input_capacity;
    struct head_scan scan;
    char *reply_head;
    size_t reply_head_length, written;
    size_t lingered;  // bytes that nobody wanted
    struct exchange exchange;
    char peer[64];  // IP address
};

// Takes in a connection that was accepted. False: no memory, and it is closed.
bool connection_begin(struct ws_server *server, int fd, const struct sockaddr *address);
// Something happened that epoll looked for.
void connection_turn(struct connection *connection, uint32_t events);
// The reply is there, or will be when the connection has its turn.
void connection_reply(struct connection *connection);
// Looks at the clock.
void connection_tick(struct connection *connection, lws_usec_t now);
// Ends it at once, with a reset: nothing of it stays in the kernel.
void connection_abort(struct connection *connection);
