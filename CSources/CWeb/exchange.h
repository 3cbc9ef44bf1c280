// One exchange: a request as it is read and the reply as it is written.
#pragma once

#include <stdbool.h>

#include "chunks.h"
#include "head.h"
#include "ws_server.h"

enum {
    WS_QUERY_MAX = 32,
    WS_FIELD_MAX = 16,
    WS_REPLY_FIELD_MAX = 24,
};

struct connection;

struct ws_reply {
    uint16_t status;
    uint32_t field_count;
    struct ws_field fields[WS_REPLY_FIELD_MAX];  // owned copies
    uint8_t *body;
    size_t body_length;
    bool failed;  // out of memory, or too many fields
};

struct exchange {
    struct ws_server *server;
    struct connection *connection;
    struct ws_request request;
    char *text;  // the strings of the request
    size_t text_used, text_capacity;
    const char *query[WS_QUERY_MAX];
    struct ws_field fields[WS_FIELD_MAX];
    bool is_head;  // as the method
    bool is_old;   // as HTTP/1.0
    bool closes;   // the connection ends after this reply

    bool is_chunked;
    struct chunks chunks;
    uint64_t body_left;  // if it is not chunked
    uint8_t *body;
    size_t body_capacity;

    struct ws_reply reply;
    // While its reply is put off: the number to go on by, and its place in the server's list.
    uint64_t deferred;
    struct exchange *next_deferred;
};

// Keeps method, path, query and fields of a request. NULL: it is good.
const struct fault *exchange_begin(struct exchange *exchange, const struct head *head,
                                   size_t head_length, const char *peer);

// What is to be said about the body before it comes.
const struct fault *exchange_expect_body(struct exchange *exchange, const struct head *head,
                                         size_t most);
bool exchange_has_body_to_come(const struct exchange *exchange);
// Takes what belongs to the body of the bytes from `*at` to `end`, and moves `*at`.
const struct fault *exchange_take_body(struct exchange *exchange, const uint8_t **at,
                                       const uint8_t *end, size_t most);

// Takes the exchange out of the server's list of those whose replies are put off.
void exchange_undefer(struct exchange *exchange);
// Makes the reply an error that the server itself has to say, the last one of its connection.
void exchange_refuse(struct exchange *exchange, const struct fault *fault);
// The reply's status line and fields, to be freed. NULL: no memory.
char *exchange_reply_head(const struct exchange *exchange, size_t *length);
// Whether the reply's body is sent.
bool exchange_sends_body(const struct exchange *exchange);
// Frees what the exchange holds; it can begin anew.
void exchange_end(struct exchange *exchange);

extern const struct fault fault_internal;
