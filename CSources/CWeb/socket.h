// What the server and the client share of a socket: putting messages together, the queue of those
// that leave, and the pace of reading.
#pragma once

#include <libwebsockets.h>
#include <stdbool.h>

#include "queue.h"
#include "ws_socket.h"

enum {
    SOCKET_CHUNK_BYTES = 65536,    // the most that one write hands to libwebsockets
    ASSEMBLY_FREE_BYTES = 65536,   // of an unfinished message, that each socket may always have
    MESSAGE_COST_BYTES = 512,      // what a message counts on top of its length
    HELD_MICROSECONDS = 20000,     // between two looks at whether to read again
    CLOSE_SECONDS = 5,
    UNSENT_BYTES_MAX = 65536,      // that the kernel may keep beside what is on its way
};

// All sockets of one server or client.
struct socket_family {
    struct ws_limits limits;
    struct ws_socket_events events;
    void *context;
    uint32_t count;
    uint32_t made;  // sockets that opened, all in all
    size_t assembly_bytes;  // beyond what each socket may always have
};

struct ws_socket {
    struct socket_family *family;
    struct lws *wsi;
    void *context;
    bool is_client, is_stream;
    bool established;
    bool opening;  // within ws_client_open: an end is told by its result, not by an event
    bool closing;  // asked for, by ws_socket_close
    bool held;     // nothing is read for the moment

    struct message_queue queue;
    lws_usec_t moved_at;  // when something of it left last, or the first of it came

    uint8_t *assembly;
    size_t assembled, capacity;

    int64_t budget;  // bytes that may still be read now
    lws_usec_t budget_at;

    lws_sorted_usec_list_t ping_timer;
    lws_usec_t ping_period;
    lws_usec_t heard_at;  // when the peer last gave a sign of life
    bool ping_is_due;

    struct ws_ending ending;
    struct handshake *handshake;  // a client's, until it is open
};

// Fills the limits that were left 0.
void socket_family_init(struct socket_family *family, const struct ws_limits *limits,
                        const struct ws_socket_events *events, void *context);

// A socket that has no connection yet. NULL: no memory.
struct ws_socket *socket_create(struct socket_family *family);
// Makes `wsi` the socket's connection.
void socket_bind(struct ws_socket *socket, struct lws *wsi);
// Frees a socket that nobody has heard of.
void socket_discard(struct ws_socket *socket);
// The socket of a connection; NULL when it has none (any more).
struct ws_socket *socket_of(struct lws *wsi);

// What libwebsockets tells of an established socket, by the rules of its callbacks: not 0 closes.
int socket_established(struct ws_socket *socket);
int socket_receive(struct ws_socket *socket, const void *bytes, size_t length);
int socket_write(struct ws_socket *socket);
int socket_timer(struct ws_socket *socket);
void socket_peer_closes(struct ws_socket *socket, const uint8_t *payload, size_t length);
// Begins to watch an open WebSocket for silence.
void socket_watch(struct ws_socket *socket);
void socket_unwatch(struct ws_socket *socket);
// The peer is there: a message, a piece of one, or a Pong came.
void socket_heard(struct ws_socket *socket);
// Sends the ping that is due; not 0 closes.
int socket_ping(struct ws_socket *socket);
// The connection is gone: tells the owner, and frees. Later calls do nothing.
void socket_end(struct lws *wsi);

// Forgets what a client sends with its upgrade; a key may be among it. NULL is allowed.
void handshake_free(struct handshake *handshake);

// Whether the bytes are UTF-8 (RFC 3629): no surrogates, nothing overlong, nothing cut.
bool utf8_is_valid(const uint8_t *bytes, size_t length);
