#include "ws_client.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complaints.h"
#include "socket.h"

enum { FIELDS_MAX = 16, SERVICE_BYTES = 16384 };

// What a client sends with its upgrade, kept until then: the strings of the fields.
struct handshake {
    uint32_t count;
    size_t text_length;
    struct {
        uint32_t name, value;  // offsets in text
    } fields[FIELDS_MAX];
    char text[];  // each name with its colon, as libwebsockets wants it
};

struct ws_client {
    struct ws_client_options options;
    struct socket_family sockets;
    struct lws_context *context;
    struct lws_vhost *vhost;
    atomic_bool stops;
    atomic_bool wakes;
};

static struct handshake *keep_fields(const struct ws_target *target)
{
    size_t length = 1;
    for (uint32_t i = 0; i < target->field_count; i++)
        length += strlen(target->fields[i].name) + strlen(target->fields[i].value) + 3;
    struct handshake *kept = calloc(1, sizeof *kept + length);
    if (!kept)
        return NULL;
    size_t at = 0;
    for (uint32_t i = 0; i < target->field_count; i++) {
        const struct ws_field *field = &target->fields[i];
        kept->fields[i].name = (uint32_t)at;
        at += (size_t)sprintf(kept->text + at, "%s:", field->name) + 1;
        kept->fields[i].value = (uint32_t)at;
        at += (size_t)sprintf(kept->text + at, "%s", field->value) + 1;
    }
    kept->count = target->field_count;
    kept->text_length = length;
    return kept;
}

void handshake_free(struct handshake *handshake)
{
    if (handshake)
        explicit_bzero(handshake->text, handshake->text_length);
    free(handshake);
}

// A line's end inside a field would let a value begin a field of its own.
static bool fields_are_whole(const struct ws_target *target)
{
    for (uint32_t i = 0; i < target->field_count; i++) {
        if (strpbrk(target->fields[i].name, "\r\n:") || strpbrk(target->fields[i].value, "\r\n"))
            return false;
    }
    return target->field_count <= FIELDS_MAX;
}

static int append_fields(const struct handshake *kept, struct lws *wsi, uint8_t **at,
                         size_t length)
{
    uint8_t *end = *at + length;
    for (uint32_t i = 0; kept && i < kept->count; i++) {
        const char *value = kept->text + kept->fields[i].value;
        if (lws_add_http_header_by_name(wsi,
                                        (const uint8_t *)kept->text + kept->fields[i].name,
                                        (const uint8_t *)value, (int)strlen(value), at, end))
            return -1;
    }
    return 0;
}

static int note_status(struct ws_socket *socket, struct lws *wsi)
{
    socket->ending.http_status = (uint16_t)lws_http_client_http_response(wsi);
    return 0;
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

// What sockets hear of.
static int on_socket_event(struct ws_socket *socket, struct lws *wsi,
                           enum lws_callback_reasons reason, void *in, size_t length)
{
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return append_fields(socket->handshake, wsi, in, length);
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        return note_status(socket, wsi);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_RAW_CONNECTED:
        return socket_established(socket);
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_RAW_RX:
        return socket_receive(socket, in, length);
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        socket_heard(socket);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_RAW_WRITEABLE:
        return socket_write(socket);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        socket_peer_closes(socket, in, length);
        return 0;
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
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_RAW_CLOSE:
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
        .client_ssl_ca_filepath = options->ca_file,
        .gid = -1,
        .uid = -1,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
    };
    if (options->ca_file)
        info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    return info;
}

// libwebsockets goes on without a file of authorities that it cannot read.
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

struct ws_client *ws_client_create(const struct ws_client_options *options,
                                   struct ws_error *error)
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
        .ssl_connection = target->is_tls ? LCCSCF_USE_SSL : 0,
        .path = target->is_stream ? "/" : target->path,
        .host = target->is_stream ? target->address : target->host,
        .protocol = target->is_stream ? NULL : target->protocols,
        .method = target->is_stream ? "RAW" : NULL,
        .local_protocol_name = protocols[0].name,
        .alpn = "http/1.1",
        .pwsi = &wsi,
        .opaque_user_data = socket,
        .retry_and_idle_policy = &web_no_keepalive,
    };
    info.ssl_connection |= LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
    return lws_client_connect_via_info(&info);
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
    struct handshake *kept = socket ? keep_fields(target) : NULL;
    if (!kept) {
        web_fail(error, 0, "no memory for a connection");
        if (socket)
            socket_discard(socket);
        return NULL;
    }
    socket->handshake = kept;
    socket->is_client = true;
    socket->is_stream = target->is_stream;
    socket->context = socket_context;
    socket->opening = true;
    struct lws *wsi = connect_to(client, target, socket);
    socket->opening = false;
    if (!wsi || socket->closing) {
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
    free(client);
}
