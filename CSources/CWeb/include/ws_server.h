// A small HTTP/1.1 server: requests in, replies out, on one thread. It serves what the handler says
// and nothing else: it opens no file and follows no path. A request to become a WebSocket (RFC
// 6455, section 4.2) is put to a handler too; any other upgrade that a client offers is left alone.
//
// A connection takes one request after the other. Bodies come with a length or in chunks.
//
// Bounds: connections, bytes of header (16 KiB), bytes of body, and seconds for a client to send a
// request or take a reply. A client beyond a bound is answered if it can be, then cut off.
#pragma once

#include "ws_socket.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ws_server;
struct ws_reply;

// A whole request. Everything in it lives until the handler returns.
struct ws_request {
    const char *method;        // upper case
    const char *path;          // percent-decoded, begins with '/', without the query
    const char *const *query;  // "name=value", percent-decoded
    uint32_t query_count;
    const struct ws_field *headers;  // those that servers of calls look at, see request.c
    uint32_t header_count;
    const uint8_t *body;
    size_t body_length;
    const char *peer;  // the client's IP address as text; "" when unknown
};

// What the server is told at start. Strings are read during ws_server_create only.
struct ws_options {
    const char *address;      // IP address to listen on; "0.0.0.0" and "::" mean all
    uint16_t port;            // 0: any free port, see ws_server_port
    uint32_t body_bytes_max;  // longer bodies are answered 413; 0: 1 MiB
    // More are answered 503; 0: 256. From seven eighths on, each newcomer ends another that waits,
    // of the address (IPv6: /64) that has most of those: see guests.h.
    uint32_t connections_max;
    uint32_t timeout_seconds;  // for one request, and again for its reply; 0: 10
    // Between a reply and the next request; 0: 75, more than the proxies that keep connections
    // allow themselves, so that they do not send into one that is about to end.
    uint32_t idle_seconds;
    void *context;
    // One request. Runs on the thread of ws_server_run and must not block. Fills the reply with
    // the functions below; a reply left alone is a 500.
    void (*on_request)(void *context, const struct ws_request *request, struct ws_reply *reply);
    // A well-formed GET that asks for a WebSocket; the same rules. True: the connection becomes
    // `socket`, which may be sent to at once; a subprotocol is agreed on only if the client offers
    // "realtime". False: the reply is sent and the connection ends. NULL: all are refused.
    bool (*on_upgrade)(void *context, const struct ws_request *request, struct ws_reply *reply,
                       struct ws_socket *socket);
    // What happens to the sockets that on_upgrade let in.
    struct ws_socket_events socket_events;
    struct ws_limits socket_limits;
    uint32_t sockets_max;  // more are answered 503; 0: half of connections_max
    // What the server refused by itself, with no handler asked: the status and the error's code of
    // the reply. Some get none: "request_timeout", whose reply was not there or not taken in time,
    // "too_many_waiting", who had to go for others, and "no_descriptors". `peer` is "" where nobody
    // was looked at. The same thread. May be NULL.
    void (*on_refusal)(void *context, uint16_t status, const char *code, const char *peer);
    // After ws_server_wake, on the thread of ws_server_run. May be NULL.
    void (*on_wake)(void *context);
};

// Makes a server that listens. NULL: see `error`. Allocates; one server per process is expected.
struct ws_server *ws_server_create(const struct ws_options *options, struct ws_error *error);

// The port that the server listens on.
uint16_t ws_server_port(const struct ws_server *server);

// Serves until ws_server_stop. Blocks.
void ws_server_run(struct ws_server *server);

// Makes on_wake run soon. Any thread.
void ws_server_wake(struct ws_server *server);

// Makes ws_server_run return soon; also when it has not begun yet. Any thread.
void ws_server_stop(struct ws_server *server);

// Frees the server and closes its connections. Only after ws_server_run has returned.
void ws_server_destroy(struct ws_server *server);

// The reply's parts; each copies what it is given. At most 24 header fields; content-length comes
// by itself. A body that does not fit in memory makes the reply a 500.
void ws_reply_status(struct ws_reply *reply, uint16_t status);
void ws_reply_header(struct ws_reply *reply, const char *name, const char *value);
void ws_reply_body(struct ws_reply *reply, const uint8_t *bytes, size_t length);

// In on_request: the reply comes later. Gives the number to resume it by, never 0. The client
// waits for `timeout_seconds` from the beginning of its request, then it is cut off.
uint64_t ws_reply_defer(struct ws_reply *reply);

// The reply that was put off under this number, to be filled at once; it is then sent. NULL when
// its client has gone. On the thread of ws_server_run only.
struct ws_reply *ws_server_resume(struct ws_server *server, uint64_t number);

#ifdef __cplusplus
}
#endif
