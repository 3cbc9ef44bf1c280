// One exchange: a request as it is read and the reply as it is written. One per connection, which
// ends with the reply.
#pragma once

#include <libwebsockets.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "guests.h"
#include "socket.h"
#include "ws_server.h"

enum {
    WS_HEADER_BYTES_MAX = 16384,  // of one request: request line and all fields; secrets are long
    WS_QUERY_MAX = 32,
    WS_FIELD_MAX = 16,
    WS_REPLY_FIELD_MAX = 24,
    WS_CHUNK_BYTES = 16384,  // of a body, per write
};

struct ws_reply {
    uint16_t status;
    uint32_t field_count;
    struct ws_field fields[WS_REPLY_FIELD_MAX];  // owned copies
    uint8_t *body;
    size_t body_length;
    size_t body_sent;
    bool failed;  // out of memory, or too many fields
    bool headers_sent;
};

struct exchange {
    struct ws_server *server;
    struct ws_request request;
    char *text;  // the strings of the request
    size_t text_used;
    const char *query[WS_QUERY_MAX];
    struct ws_field fields[WS_FIELD_MAX];
    char peer[64];
    uint8_t *body;
    size_t body_expected;
    struct ws_reply reply;
    bool answered;      // the handler ran, or the request was refused
    bool closes;        // the connection ends after this reply
    bool is_head;
    // While its reply is put off: what it takes to go on, and its place in the server's list.
    struct lws *wsi;
    uint64_t deferred;  // its number; 0: it is not
    struct exchange *next_deferred;
};

struct ws_server {
    struct ws_options options;
    struct lws_context *context;
    struct lws_vhost *vhost;
    atomic_bool stops;
    atomic_bool wakes;
    struct guests guests;
    uint16_t port;
    struct socket_family sockets;
    struct exchange *deferred;
    uint64_t last_deferred;
};

// The subprotocol that the server agrees on when a client offers it.
#define UPGRADE_PROTOCOL "realtime"

// What the body of a request will be, told by its header.
enum body_verdict { BODY_NONE, BODY_COMES, BODY_TOO_LONG, BODY_WITHOUT_LENGTH, BODY_MALFORMED };

// Reads method, path, query and fields of the request that `wsi` has just got.
bool exchange_begin(struct exchange *exchange, struct lws *wsi, const char *path);
// Says whether a body follows, and makes room for it.
enum body_verdict exchange_expect_body(struct exchange *exchange, struct lws *wsi, size_t most);
// Takes a piece of the body; false when it is more than was announced.
bool exchange_take_body(struct exchange *exchange, const void *bytes, size_t length);
// Takes the exchange out of the server's list of those whose replies are put off.
void exchange_undefer(struct exchange *exchange);
// Frees what the exchange holds; it can begin anew.
void exchange_end(struct exchange *exchange);

// Tells of a request that no handler was asked about.
void server_note_refusal(struct ws_server *server, uint16_t status, const char *code,
                         const char *peer);
// Makes the reply an error that the server itself has to say, and tells of it.
void exchange_refuse(struct exchange *exchange, uint16_t status, const char *code,
                     const char *message);
// Writes the next part of the reply. Not 0: libwebsockets shall close the connection.
int exchange_write(struct exchange *exchange, struct lws *wsi);

// A request to change the connection to `protocol`: 0 lets it become a WebSocket.
int upgrade_confirm(struct ws_server *server, struct lws *wsi, const char *protocol);
