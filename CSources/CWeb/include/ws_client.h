// A client for WebSockets (ws and wss) and TCP streams: many sockets, one thread.
//
// It goes where it is told and nowhere else: no redirect is followed, no proxy of the environment
// is used, no name is looked up (looking up blocks: the caller does it elsewhere and gives the IP
// address). With TLS, the certificate must be valid and be for the host's name.
#pragma once

#include "ws_socket.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ws_client;

// Strings are read during ws_client_create only.
struct ws_client_options {
    const char *ca_file;       // PEM, the only authorities for TLS; NULL: those of the system
    uint32_t sockets_max;      // 0: 256
    uint32_t timeout_seconds;  // for a connection, TLS and the upgrade together; 0: 10
    struct ws_limits limits;
    struct ws_socket_events events;
    void *context;
    // After ws_client_wake, on the thread of ws_client_run. May be NULL.
    void (*on_wake)(void *context);
};

// Where a socket shall lead. Strings are read during ws_client_open only.
struct ws_target {
    bool is_stream;  // TCP; `host`, `path`, `protocols` and `fields` are for WebSockets
    bool is_tls;
    const char *address;  // an IP address
    uint16_t port;
    const char *host;       // the name in the Host field and, with TLS, in the certificate
    const char *path;       // with the query; begins with '/'
    const char *protocols;  // subprotocols to offer, comma-separated; NULL: none
    const struct ws_field *fields;
    uint32_t field_count;  // at most 16
};

// NULL: see `error`. Allocates.
struct ws_client *ws_client_create(const struct ws_client_options *options, struct ws_error *error);

// Begins to connect. NULL: see `error`, and no event follows. Else on_close comes in any case, with
// on_open before it if the connection came about (perhaps before this returns). On the thread of
// ws_client_run only.
struct ws_socket *ws_client_open(struct ws_client *client, const struct ws_target *target,
                                 void *socket_context, struct ws_error *error);

// Works until ws_client_stop. Blocks.
void ws_client_run(struct ws_client *client);

// Makes on_wake run soon. Any thread.
void ws_client_wake(struct ws_client *client);

// Makes ws_client_run return soon; also when it has not begun yet. Any thread.
void ws_client_stop(struct ws_client *client);

// Frees the client; sockets that are still there get their on_close. Only after ws_client_run has
// returned.
void ws_client_destroy(struct ws_client *client);

#ifdef __cplusplus
}
#endif
