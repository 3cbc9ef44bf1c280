// What the server and the client share of a socket: putting messages together, the queue of those
// that leave, and the pace of reading.
#pragma once

#include <libwebsockets.h>
#include <stdbool.h>

#include "frames.h"
#include "handshake.h"
#include "queue.h"
#include "ws_socket.h"

enum {
    SOCKET_CHUNK_BYTES = 65536,   // the most that one write hands to libwebsockets
    ASSEMBLY_FREE_BYTES = 65536,  // of an unfinished message, that each socket may always have
    MESSAGE_COST_BYTES = 512,     // what a message counts on top of its length
    HELD_MICROSECONDS = 20000,    // between two looks at whether to read again
    CLOSE_SECONDS = 5,
    PONGS_MAX = 16,  // that wait; of more the oldest are dropped
    REASON_BYTES_MAX = FRAME_CONTROL_BYTES_MAX - 2,
    UNSENT_BYTES_MAX = 65536,  // that the kernel may keep beside what is on its way
};

// All sockets of one server or client.
struct socket_family {
    struct ws_limits limits;
    struct ws_socket_events events;
    void *context;
    uint32_t count;
    uint32_t made;          // sockets that opened, all in all
    size_t assembly_bytes;  // beyond what each socket may always have
};

_Static_assert(LWS_PRE >= FRAME_HEADER_BYTES_MAX, "a header fits in front of the bytes");

struct ws_socket {
    struct socket_family *family;
    struct lws *wsi;
    void *context;
    bool is_client, is_stream;
    bool established;
    bool opening;  // within ws_client_open: an end is told by its result, not by an event
    bool ended;    // while it was opening
    bool closing;  // asked for, by ws_socket_close
    bool held;     // nothing is read for the moment

    struct message_queue queue;
    lws_usec_t moved_at;  // when something of it left last, or the first of it came

    uint8_t *assembly;
    size_t assembled, capacity;

    struct frame_reader reader;
    uint8_t *unread;  // came, and is not looked at while the socket is held
    size_t unread_length;
    struct message_queue pongs;
    uint8_t pong_count;
    bool close_sent, is_shut;

    int64_t budget;  // bytes that may still be read now
    lws_usec_t budget_at;

    lws_sorted_usec_list_t ping_timer;
    lws_usec_t ping_period;
    lws_usec_t heard_at;  // when the peer last gave a sign of life
    bool ping_is_due;

    struct ws_ending ending;
    struct tls *tls;              // a client's, if it has one
    struct handshake *handshake;  // a client's, until it is open
    bool is_connected;            // a client's: TCP and TLS stand
    bool has_asked;               // and the handshake's request was written
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
int socket_receive(struct ws_socket *socket, void *bytes, size_t length);
int socket_write(struct ws_socket *socket);
int socket_timer(struct ws_socket *socket);
// Begins to watch an open WebSocket for silence.
void socket_watch(struct ws_socket *socket);
void socket_unwatch(struct ws_socket *socket);
// The peer is there: a message, a piece of one, or a Pong came.
void socket_heard(struct ws_socket *socket);
// Sends the ping that is due; not 0 closes.
int socket_ping(struct ws_socket *socket);
// The connection is gone: tells the owner, and frees. Later calls do nothing.
void socket_end(struct lws *wsi);

// A piece of a message, of which `announced` more bytes are to come at least. Not 0: refused.
int socket_take(struct ws_socket *socket, const uint8_t *bytes, size_t length, uint64_t announced,
                bool is_text, bool is_whole);
// Ends the socket because of what came; gives what the callback has to return.
int socket_refuse(struct ws_socket *socket, uint16_t code, const char *reason);
// Stops or goes on reading, as the owner and the rate want it.
void socket_pace(struct ws_socket *socket);
// Drops all messages that wait.
void socket_drop_queue(struct ws_socket *socket);

// Makes a socket a WebSocket over bytes, from the next of them on: of a client or a server.
void websocket_begin(struct ws_socket *socket);
// What came for a WebSocket.
int websocket_receive(struct ws_socket *socket, uint8_t *bytes, size_t length);
int websocket_write_frame(struct ws_socket *socket, uint8_t *payload, size_t length,
                          enum frame_opcode opcode, bool is_final);
// Sends bytes as they are, through TLS if there is; not 0 closes.
int socket_send_bytes(struct ws_socket *socket, uint8_t *bytes, size_t length);
// Sends what TLS has made.
int socket_flush(struct ws_socket *socket);
// Keeps bytes that came until the socket's next turn. False: no memory.
bool websocket_keep(struct ws_socket *socket, const uint8_t *bytes, size_t length);
// Looks at what was kept.
int websocket_resume(struct ws_socket *socket);
// Write the Pong that has waited longest, and the Close frame.
int websocket_pong(struct ws_socket *socket);
int websocket_close(struct ws_socket *socket);
// Everything was written: not 0 closes at once.
int websocket_shut(struct ws_socket *socket);
// Frees what it keeps.
void websocket_free(struct ws_socket *socket);
