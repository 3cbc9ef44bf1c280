#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "complaints.h"
#include "connection.h"

enum { EVENTS_A_TURN = 64, TICK_MICROSECONDS = 100000, HEAD_POOL = 16, OWN_DESCRIPTORS = 16 };

void server_note_refusal(struct ws_server *server, uint16_t status, const char *code,
                         const char *peer)
{
    if (server->options.on_refusal)
        server->options.on_refusal(server->options.context, status, code, peer);
}

// MARK: The loop

static void tick(lws_sorted_usec_list_t *timer)
{
    struct ws_server *server = lws_container_of(timer, struct ws_server, tick);
    lws_usec_t now = lws_now_usecs();
    struct guest *guest = TAILQ_FIRST(&server->guests.all);
    while (guest) {
        struct guest *next = TAILQ_NEXT(guest, all);
        connection_tick((struct connection *)guest, now);
        guest = next;
    }
    listener_tick(server, now);
    server->ticks = false;
    if (server->guests.count > 0 || server->deaf_until)
        server_watch_clock(server);
}

void server_watch_clock(struct ws_server *server)
{
    if (server->ticks)
        return;
    server->ticks = true;
    lws_sul_schedule(server->context, 0, &server->tick, tick, TICK_MICROSECONDS);
}

// Some of what happened on the connections. The listener comes last: letting somebody in may end a
// connection whose event is among these.
static void serve_connections(struct ws_server *server)
{
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(server->epoll, events, EVENTS_A_TURN, 0);
    bool somebody_knocks = false;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            connection_turn(events[i].data.ptr, events[i].events);
        else
            somebody_knocks = true;
    }
    if (somebody_knocks)
        listener_accept(server);
}

static void wake(struct ws_server *server)
{
    if (atomic_exchange(&server->wakes, false) && server->options.on_wake)
        server->options.on_wake(server->options.context);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length)
{
    (void)user;
    struct ws_server *server = lws_context_user(lws_get_context(wsi));
    struct ws_socket *socket = wsi ? socket_of(wsi) : NULL;
    switch (reason) {
    case LWS_CALLBACK_RAW_RX_FILE:
        serve_connections(server);
        return 0;
    case LWS_CALLBACK_RAW_CLOSE:
    case LWS_CALLBACK_WSI_DESTROY:
        socket_end(wsi);
        return 0;
    case LWS_CALLBACK_RAW_RX:
        return socket ? socket_receive(socket, in, length) : -1;
    case LWS_CALLBACK_RAW_WRITEABLE:
        return socket ? socket_write(socket) : -1;
    case LWS_CALLBACK_TIMER:
        return socket ? socket_timer(socket) : 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        wake(server);
        return 0;
    default:
        return 0;
    }
}

const char server_protocol_name[] = "martlet";

// For WebSockets and for the epoll.
static const struct lws_protocols protocols[] = {
    {.name = server_protocol_name, .callback = on_event, .tx_packet_size = SOCKET_CHUNK_BYTES},
    {.name = NULL},
};

// MARK: Beginning and end

static void fill_defaults(struct ws_options *options)
{
    if (!options->body_bytes_max)
        options->body_bytes_max = 1 << 20;
    if (!options->connections_max || options->connections_max > 4096)
        options->connections_max = 256;
    if (!options->timeout_seconds)
        options->timeout_seconds = 10;
    if (!options->idle_seconds)
        options->idle_seconds = 75;
    if (!options->sockets_max)
        options->sockets_max = options->connections_max / 2;
}

static bool begin_epoll(struct ws_server *server, struct ws_error *error)
{
    struct epoll_event event = {.events = EPOLLIN};
    server->listener = listener_open(&server->options, &server->port, error);
    if (server->listener < 0)
        return false;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll >= 0 && !epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &event))
        return true;
    web_fail(error, errno, "the web server did not start: %s", strerror(errno));
    return false;
}

static bool begin_loop(struct ws_server *server, struct ws_error *error)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .user = server,
        .vhost_name = "martlet",
        .timeout_secs = server->options.timeout_seconds,
        .max_http_header_pool = HEAD_POOL,
        .fd_limit_per_thread = server->options.sockets_max + OWN_DESCRIPTORS,
        .retry_and_idle_policy = &web_no_keepalive,
        .gid = -1,
        .uid = -1,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
    };
    web_keep_complaints();
    server->context = lws_create_context(&info);
    if (server->context)
        server->vhost = lws_create_vhost(server->context, &info);
    lws_sock_file_fd_type epoll = {.filefd = server->epoll};
    if (server->vhost && lws_adopt_descriptor_vhost(server->vhost, LWS_ADOPT_RAW_FILE_DESC, epoll,
                                                    protocols[0].name, NULL))
        return true;
    web_fail(error, 0, "the web server did not start: %s", web_last_complaint());
    return false;
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
    server->epoll = -1;
    server->listener = -1;
    fill_defaults(&server->options);
    socket_family_init(&server->sockets, &options->socket_limits, &options->socket_events,
                       options->context);
    guests_init(&server->guests);
    if (begin_epoll(server, error) && begin_loop(server, error))
        return server;
    ws_server_destroy(server);
    return NULL;
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
    struct guest *guest;
    while ((guest = TAILQ_FIRST(&server->guests.all)))
        connection_abort((struct connection *)guest);
    if (server->listener >= 0)
        close(server->listener);
    // libwebsockets closes what it was given, the epoll too.
    if (server->vhost)
        lws_context_destroy(server->context);
    else if (server->epoll >= 0)
        close(server->epoll);
    free(server);
}
