#include "ws_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "complaints.h"
#include "exchange.h"

void server_note_refusal(struct ws_server *server, uint16_t status, const char *code,
                         const char *peer)
{
    if (server->options.on_refusal)
        server->options.on_refusal(server->options.context, status, code, peer);
}

static int refuse(struct exchange *exchange, struct lws *wsi, uint16_t status, const char *code,
                  const char *message)
{
    exchange_refuse(exchange, status, code, message);
    lws_callback_on_writable(wsi);
    return 0;
}

// The whole request is here: asks the handler.
static int answer(struct ws_server *server, struct exchange *exchange, struct lws *wsi)
{
    struct ws_reply *reply = &exchange->reply;
    reply->status = 500;
    // One request for each connection: libwebsockets 4.1 reads freed memory, or spins for ever,
    // when a request with a body has come right behind another.
    exchange->closes = true;
    exchange->wsi = wsi;
    server->options.on_request(server->options.context, &exchange->request, reply);
    if (exchange->deferred) {
        guests_keep(&server->guests, wsi);
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)server->options.timeout_seconds);
        return 0;
    }
    if (reply->failed) {
        exchange_end(exchange);
        exchange->server = server;
        return refuse(exchange, wsi, 500, "internal_error", "The reply could not be made.");
    }
    exchange->answered = true;
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)server->options.timeout_seconds);
    lws_callback_on_writable(wsi);
    return 0;
}

static void say_continue(struct lws *wsi)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uint8_t space[LWS_PRE + sizeof line];
    memcpy(space + LWS_PRE, line, sizeof line);
    lws_write(wsi, space + LWS_PRE, sizeof line - 1, LWS_WRITE_HTTP_HEADERS);
}

// The header of a request is here.
static int begin(struct ws_server *server, struct exchange *exchange, struct lws *wsi,
                 const char *path)
{
    if (!exchange_begin(exchange, wsi, path))
        return -1;
    // One deadline for the whole request: a trickle of bytes does not move it.
    lws_set_timer_usecs(wsi, (lws_usec_t)server->options.timeout_seconds * LWS_US_PER_SEC);
    switch (exchange_expect_body(exchange, wsi, server->options.body_bytes_max)) {
    case BODY_NONE:
        return answer(server, exchange, wsi);
    case BODY_COMES:
        if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_EXPECT) > 0)
            say_continue(wsi);
        return 0;
    case BODY_TOO_LONG:
        return refuse(exchange, wsi, 413, "body_too_large", "The body is too large.");
    case BODY_WITHOUT_LENGTH:
        return refuse(exchange, wsi, 411, "length_required", "Send the body with Content-Length.");
    case BODY_MALFORMED:
        return refuse(exchange, wsi, 400, "bad_request", "Content-Length is not a number.");
    }
    return -1;
}

static int take_body(struct exchange *exchange, const void *bytes, size_t length)
{
    if (exchange->answered || exchange->deferred || !exchange->text)
        return 0;
    return exchange_take_body(exchange, bytes, length) ? 0 : -1;
}

static int body_complete(struct ws_server *server, struct exchange *exchange, struct lws *wsi)
{
    if (exchange->answered || exchange->deferred || !exchange->text)
        return 0;
    return answer(server, exchange, wsi);
}

// The connections are all taken: not 0 closes a new one.
static int has_no_room(struct ws_server *server)
{
    if (guests_have_room(&server->guests))
        return 0;
    server_note_refusal(server, 503, "too_many_connections", "");
    return 1;
}

// A connection stands; another may have to go for it.
static void take_in(struct ws_server *server, struct lws *wsi)
{
    struct lws *gone = guests_enter(&server->guests, wsi);
    if (!gone)
        return;
    char peer[64] = "";
    lws_get_peer_simple(gone, peer, sizeof peer);
    server_note_refusal(server, 503, "too_many_waiting", peer);
}

// The time for a request and its reply is over.
static int out_of_time(struct ws_server *server, const struct exchange *exchange)
{
    if (exchange && exchange->server)
        server_note_refusal(server, 408, "request_timeout", exchange->peer);
    return -1;
}

static void wake(struct ws_server *server)
{
    if (atomic_exchange(&server->wakes, false) && server->options.on_wake)
        server->options.on_wake(server->options.context);
}

// What only sockets hear of.
static int on_socket_event(struct ws_socket *socket, enum lws_callback_reasons reason, void *in,
                           size_t length)
{
    if (!socket)
        return -1;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return socket_established(socket);
    case LWS_CALLBACK_RECEIVE:
        return socket_receive(socket, in, length);
    case LWS_CALLBACK_RECEIVE_PONG:
        socket_heard(socket);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return socket_write(socket);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        socket_peer_closes(socket, in, length);
        return 0;
    default:
        return 0;
    }
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length)
{
    struct ws_server *server = lws_context_user(lws_get_context(wsi));
    struct exchange *exchange = user;
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return has_no_room(server);
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        take_in(server, wsi);
        return 0;
    case LWS_CALLBACK_CLOSED:
        socket_end(wsi);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        socket_end(wsi);
        guests_leave(&server->guests, wsi);
        return 0;
    case LWS_CALLBACK_HTTP:
        return begin(server, exchange, wsi, in);
    case LWS_CALLBACK_HTTP_BODY:
        return take_body(exchange, in, length);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return body_complete(server, exchange, wsi);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return exchange ? exchange_write(exchange, wsi) : 0;
    case LWS_CALLBACK_TIMER:
        return socket_of(wsi) ? socket_timer(socket_of(wsi)) : out_of_time(server, exchange);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return upgrade_confirm(server, wsi, in);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return socket_of(wsi) ? 0 : -1;
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return on_socket_event(socket_of(wsi), reason, in, length);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (exchange)
            exchange_end(exchange);
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        wake(server);
        return 0;
    default:
        return 0;
    }
}

// The first is for HTTP, and for WebSockets without a subprotocol.
static const struct lws_protocols protocols[] = {
    {.name = "martlet",
     .callback = on_event,
     .per_session_data_size = sizeof(struct exchange),
     .tx_packet_size = SOCKET_CHUNK_BYTES},
    {.name = UPGRADE_PROTOCOL, .callback = on_event, .tx_packet_size = SOCKET_CHUNK_BYTES},
    {.name = NULL},
};

// Binds once by hand: libwebsockets does not say why it could not.
static bool can_listen(const struct ws_options *options, struct ws_error *error)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(options->port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    bool is_six = inet_pton(AF_INET6, options->address, &six.sin6_addr) == 1;
    if (!is_six && inet_pton(AF_INET, options->address, &four.sin_addr) != 1) {
        web_fail(error, EINVAL, "%s is not an IP address", options->address);
        return false;
    }
    const char *shape = is_six ? "cannot listen on [%s]:%u: %s" : "cannot listen on %s:%u: %s";
    int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    bool good = fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (good && is_six)
        good = !bind(fd, (struct sockaddr *)&six, sizeof six);
    else if (good)
        good = !bind(fd, (struct sockaddr *)&four, sizeof four);
    good = good && !listen(fd, 1);
    if (!good) {
        error->number = errno;
        snprintf(error->text, sizeof error->text, shape, options->address, options->port,
                 strerror(error->number));
    }
    if (fd >= 0)
        close(fd);
    return good;
}

static bool is_wildcard(const char *address)
{
    return !strcmp(address, "0.0.0.0") || !strcmp(address, "::");
}

static struct lws_context_creation_info creation_info(struct ws_server *server)
{
    const struct ws_options *options = &server->options;
    bool is_six = strchr(options->address, ':');
    struct lws_context_creation_info info = {
        .iface = is_wildcard(options->address) ? NULL : options->address,
        .port = options->port,
        .protocols = protocols,
        .user = server,
        .server_string = "martlet",
        .vhost_name = "martlet",
        .keepalive_timeout = (int)options->timeout_seconds,
        .timeout_secs = options->timeout_seconds,
        .timeout_secs_ah_idle = options->timeout_seconds,
        .max_http_header_data = WS_HEADER_BYTES_MAX,
        .max_http_header_pool = (unsigned short)options->connections_max,
        // Those that go are there for another moment; the listening socket, the wake-up pipe and
        // their like come on top.
        .fd_limit_per_thread = 2 * options->connections_max + 16,
        .retry_and_idle_policy = &web_no_keepalive,
        .gid = -1,
        .uid = -1,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
    };
    if (!is_six)
        info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    if (options->certificate_file) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = options->certificate_file;
        info.ssl_private_key_filepath = options->key_file;
        info.alpn = "http/1.1";
    }
    return info;
}

static void fill_defaults(struct ws_options *options)
{
    if (!options->body_bytes_max)
        options->body_bytes_max = 1 << 20;
    if (!options->connections_max || options->connections_max > 4096)
        options->connections_max = 256;
    if (!options->timeout_seconds)
        options->timeout_seconds = 10;
    if (!options->sockets_max)
        options->sockets_max = options->connections_max / 2;
}

struct ws_server *ws_server_create(const struct ws_options *options, struct ws_error *error)
{
    memset(error, 0, sizeof *error);
    struct ws_server *server = calloc(1, sizeof *server);
    if (!server) {
        web_fail(error, ENOMEM, "no memory for the web server");
        return NULL;
    }
    server->options = *options;
    fill_defaults(&server->options);
    socket_family_init(&server->sockets, &options->socket_limits, &options->socket_events,
                       options->context);
    if (!guests_init(&server->guests, server->options.connections_max)) {
        web_fail(error, ENOMEM, "no memory for the web server");
        ws_server_destroy(server);
        return NULL;
    }
    if (!can_listen(options, error)) {
        ws_server_destroy(server);
        return NULL;
    }
    web_keep_complaints();
    struct lws_context_creation_info info = creation_info(server);
    server->context = lws_create_context(&info);
    if (server->context)
        server->vhost = lws_create_vhost(server->context, &info);
    int port = server->vhost ? lws_get_vhost_listen_port(server->vhost) : 0;
    if (port <= 0) {
        web_fail(error, 0, "the web server did not start: %s", web_last_complaint());
        ws_server_destroy(server);
        return NULL;
    }
    server->port = (uint16_t)port;
    return server;
}

uint16_t ws_server_port(const struct ws_server *server)
{
    return server->port;
}

void ws_server_run(struct ws_server *server)
{
    while (!atomic_load(&server->stops) && lws_service(server->context, 0) >= 0)
        ;
}

void ws_server_wake(struct ws_server *server)
{
    atomic_store(&server->wakes, true);
    lws_cancel_service(server->context);
}

void ws_server_stop(struct ws_server *server)
{
    atomic_store(&server->stops, true);
    lws_cancel_service(server->context);
}

void ws_server_destroy(struct ws_server *server)
{
    if (server->context)
        lws_context_destroy(server->context);
    guests_free(&server->guests);
    free(server);
}
