#include "ws_client.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complaints.h"
#include "handshake.h"
#include "socket.h"
#include "tls.h"

enum { SERVICE_BYTES = 16384 };

struct ws_client {
    struct ws_client_options options;
    struct socket_family sockets;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct tls_authorities *authorities;  // made with the first that is asked
    atomic_bool stops;
    atomic_bool wakes;
};

// A line's end inside a field would let a value begin a field of its own.
static bool fields_are_whole(const struct ws_target *target)
{
    if (strpbrk(target->path, "\r\n ") || strpbrk(target->host, "\r\n"))
        return false;
    for (uint32_t i = 0; i < target->field_count; i++) {
        if (strpbrk(target->fields[i].name, "\r\n:") || strpbrk(target->fields[i].value, "\r\n"))
            return false;
    }
    return target->field_count <= HANDSHAKE_FIELDS_MAX;
}

static void note_failure(struct ws_socket *socket, const char *text, size_t length)
{
    if (socket && !socket->closing && text)
        snprintf(socket->ending.reason, sizeof socket->ending.reason, "%.*s",
                 (int)(length ? length : strlen(text)), text);
}

static void wake(struct ws_client *client)
{
    if (atomic_exchange(&client->wakes, false) && client->options.on_wake)
        client->options.on_wake(client->options.context);
}

static int take_handshake(struct ws_socket *socket, uint8_t *bytes, size_t length)
{
    size_t used = 0;
    const char *reason = NULL;
    uint16_t status = 0;
    switch (handshake_take(socket->handshake, bytes, length, &used, &status, &reason)) {
    case HANDSHAKE_WANTS_MORE:
        return 0;
    case HANDSHAKE_AGREED:
        websocket_begin(socket);
        if (socket_established(socket))
            return -1;
        return used < length ? websocket_receive(socket, bytes + used, length - used) : 0;
    case HANDSHAKE_REFUSED:
        break;
    }
    socket->ending.http_status = status;
    note_failure(socket, reason, 0);
    return -1;
}

static bool asks(const struct ws_socket *socket)
{
    return !socket->is_stream && !socket->established;
}

static int take_plain(struct ws_socket *socket, uint8_t *bytes, size_t length)
{
    return asks(socket) ? take_handshake(socket, bytes, length)
                        : socket_receive(socket, bytes, length);
}

static int take_encrypted(struct ws_socket *socket, const uint8_t *bytes, size_t length)
{
    uint8_t plain[SERVICE_BYTES];
    if (length && !tls_feed(socket->tls, bytes, length))
        return -1;
    for (;;) {
        size_t count;
        enum tls_progress progress = tls_read(socket->tls, plain, sizeof plain, &count);
        if (socket_flush(socket))
            return -1;
        if (progress == TLS_FAILED)
            note_failure(socket, tls_fault(socket->tls), 0);
        if (progress == TLS_FAILED || progress == TLS_ENDED)
            return -1;
        if (progress == TLS_WANTS_MORE)
            break;
        if (take_plain(socket, plain, count))
            return -1;
    }
    if (asks(socket) && tls_is_open(socket->tls))
        lws_callback_on_writable(socket->wsi);
    return 0;
}

// The connection stands, which libwebsockets may say twice. A stream is open with that; a WebSocket
// asks to become one.
static int connected(struct ws_client *client, struct ws_socket *socket)
{
    if (socket->is_connected)
        return 0;
    socket->is_connected = true;
    if (socket->is_stream)
        return socket_established(socket);
    lws_set_timeout(socket->wsi, PENDING_TIMEOUT_AWAITING_SERVER_RESPONSE,
                    (int)client->options.timeout_seconds);
    if (socket->tls)
        return take_encrypted(socket, NULL, 0);
    lws_callback_on_writable(socket->wsi);
    return 0;
}

static int send_handshake(struct ws_socket *socket)
{
    size_t length;
    uint8_t *request = handshake_request(socket->handshake, &length);
    if (socket->has_asked || (socket->tls && !tls_is_open(socket->tls)))
        return 0;
    socket->has_asked = true;
    return socket_send_bytes(socket, request, length);
}

// What sockets hear of.
static int on_socket_event(struct ws_socket *socket, struct lws *wsi,
                           enum lws_callback_reasons reason, void *in, size_t length)
{
    switch (reason) {
    case LWS_CALLBACK_RAW_CONNECTED:
    case LWS_CALLBACK_RAW_ADOPT:
        return connected(lws_context_user(lws_get_context(wsi)), socket);
    case LWS_CALLBACK_RAW_RX:
        return socket->tls ? take_encrypted(socket, in, length) : take_plain(socket, in, length);
    case LWS_CALLBACK_RAW_WRITEABLE:
        return asks(socket) ? send_handshake(socket) : socket_write(socket);
    case LWS_CALLBACK_TIMER:
        return socket_timer(socket);
    default:
        return 0;
    }
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length)
{
    (void)user;
    struct ws_socket *socket = wsi ? socket_of(wsi) : NULL;
    // A connection on this machine may stand before lws_client_connect_via_info returns.
    if (socket)
        socket->wsi = wsi;
    switch (reason) {
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        wake(lws_context_user(lws_get_context(wsi)));
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        note_failure(socket, in, length);
        socket_end(wsi);
        return 0;
    case LWS_CALLBACK_RAW_CLOSE:
        if (socket && asks(socket) && !socket->ending.reason[0])
            note_failure(socket, "it did not answer in time, or went away", 0);
        socket_end(wsi);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        socket_end(wsi);
        return 0;
    default:
        return socket ? on_socket_event(socket, wsi, reason, in, length) : 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "service", .callback = on_event, .tx_packet_size = SOCKET_CHUNK_BYTES},
    {.name = NULL},
};

static struct lws_context_creation_info creation_info(struct ws_client *client)
{
    const struct ws_client_options *options = &client->options;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .user = client,
        .vhost_name = "client",
        .timeout_secs = options->timeout_seconds,
        .connect_timeout_secs = options->timeout_seconds,
        .pt_serv_buf_size = SERVICE_BYTES,
        .max_http_header_pool = (unsigned short)options->sockets_max,
        .fd_limit_per_thread = options->sockets_max + 16,
        .retry_and_idle_policy = &web_no_keepalive,
        // Given and empty, so that the http_proxy of the environment is not asked.
        .http_proxy_address = "",
        .gid = -1,
        .uid = -1,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
    };
    return info;
}

// OpenSSL does not say which of the files it could not read.
static bool can_read(const char *file, struct ws_error *error)
{
    if (!file)
        return true;
    FILE *opened = fopen(file, "re");
    char line[64];
    bool is_pem = false;
    while (opened && !is_pem && fgets(line, sizeof line, opened))
        is_pem = strstr(line, "-----BEGIN") != NULL;
    if (opened)
        fclose(opened);
    if (!is_pem)
        web_fail(error, 0, "%s has no certificate (PEM) that can be read", file);
    return is_pem;
}

struct ws_client *ws_client_create(const struct ws_client_options *options, struct ws_error *error)
{
    memset(error, 0, sizeof *error);
    struct ws_client *client = can_read(options->ca_file, error) ? calloc(1, sizeof *client) : NULL;
    if (!client)
        return NULL;
    client->options = *options;
    if (!client->options.sockets_max || client->options.sockets_max > 60000)
        client->options.sockets_max = 256;
    if (!client->options.timeout_seconds)
        client->options.timeout_seconds = 10;
    socket_family_init(&client->sockets, &options->limits, &options->events, options->context);
    web_keep_complaints();
    if (client->options.ca_file) {
        client->authorities = tls_authorities_create(client->options.ca_file);
        if (!client->authorities) {
            web_fail(error, 0, "%s has a certificate that is none", client->options.ca_file);
            ws_client_destroy(client);
            return NULL;
        }
    }
    struct lws_context_creation_info info = creation_info(client);
    client->context = lws_create_context(&info);
    if (client->context)
        client->vhost = lws_create_vhost(client->context, &info);
    if (client->vhost)
        return client;
    web_fail(error, 0, "the client did not start: %s", web_last_complaint());
    ws_client_destroy(client);
    return NULL;
}

static struct lws *connect_to(struct ws_client *client, const struct ws_target *target,
                              struct ws_socket *socket)
{
    struct lws *wsi = NULL;
    struct lws_client_connect_info info = {
        .context = client->context,
        .vhost = client->vhost,
        .address = target->address,
        .port = target->port,
        .path = "/",
        .host = target->is_stream ? target->address : target->host,
        .method = "RAW",
        .local_protocol_name = protocols[0].name,
        .pwsi = &wsi,
        .opaque_user_data = socket,
        .retry_and_idle_policy = &web_no_keepalive,
    };
    return lws_client_connect_via_info(&info);
}

// The host of `host:port` or `[address]:port`, as certificates name it.
static struct tls *begin_tls(struct ws_client *client, const char *host)
{
    char name[256];
    bool has_brackets = host[0] == '[';
    const char *start = has_brackets ? host + 1 : host;
    size_t length = strcspn(start, has_brackets ? "]" : ":");
    if (length >= sizeof name)
        return NULL;
    memcpy(name, start, length);
    name[length] = 0;
    if (!client->authorities)
        client->authorities = tls_authorities_create(NULL);
    return client->authorities ? tls_create(client->authorities, name) : NULL;
}

struct ws_socket *ws_client_open(struct ws_client *client, const struct ws_target *target,
                                 void *socket_context, struct ws_error *error)
{
    memset(error, 0, sizeof *error);
    if (client->sockets.count >= client->options.sockets_max) {
        web_fail(error, 0, "too many connections to services");
        return NULL;
    }
    if (!fields_are_whole(target)) {
        web_fail(error, 0, "a header field that cannot be sent");
        return NULL;
    }
    struct ws_socket *socket = socket_create(&client->sockets);
    struct handshake *handshake = socket && !target->is_stream ? handshake_create(target) : NULL;
    if (!socket || (!handshake && !target->is_stream)) {
        web_fail(error, 0, "no memory for a connection");
        if (socket)
            socket_discard(socket);
        return NULL;
    }
    socket->handshake = handshake;
    socket->tls = target->is_tls ? begin_tls(client, target->host) : NULL;
    if (target->is_tls && !socket->tls) {
        web_fail(error, 0, "cannot begin TLS");
        socket_discard(socket);
        return NULL;
    }
    socket->is_client = true;
    socket->is_stream = target->is_stream;
    socket->context = socket_context;
    socket->opening = true;
    struct lws *wsi = connect_to(client, target, socket);
    socket->opening = false;
    // It may be open already, and its owner may have closed it when told so.
    if (!wsi || socket->ended) {
        web_fail(error, 0, "%s",
                 socket->ending.reason[0] ? socket->ending.reason : "cannot connect");
        socket_discard(socket);
        return NULL;
    }
    socket->wsi = wsi;
    return socket;
}

void ws_client_run(struct ws_client *client)
{
    while (!atomic_load(&client->stops) && lws_service(client->context, 0) >= 0)
        ;
}

void ws_client_wake(struct ws_client *client)
{
    atomic_store(&client->wakes, true);
    lws_cancel_service(client->context);
}

void ws_client_stop(struct ws_client *client)
{
    atomic_store(&client->stops, true);
    lws_cancel_service(client->context);
}

void ws_client_destroy(struct ws_client *client)
{
    if (client->context)
        lws_context_destroy(client->context);
    tls_authorities_free(client->authorities);
    free(client);
}
