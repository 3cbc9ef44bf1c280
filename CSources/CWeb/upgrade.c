#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "exchange.h"

// libwebsockets reads the offered subprotocols into 128 bytes, and each of them up to the one that
// it knows into 64, and says nothing when that fails.
enum { PROTOCOLS_BYTES_MAX = 126, PROTOCOL_BYTES_MAX = 62, KEY_LENGTH = 24 };

static bool field_is(struct lws *wsi, enum lws_token_indexes token, const char *value)
{
    char text[64];
    return lws_hdr_copy(wsi, text, sizeof text, token) > 0 && !strcasecmp(text, value);
}

// Whether the comma-separated `list` holds `word` (RFC 9110, section 5.6.1), in any case.
static bool list_holds(const char *list, const char *word)
{
    size_t length = strlen(word);
    while (*list) {
        list += strspn(list, " \t,");
        size_t here = strcspn(list, " \t,");
        if (here == length && !strncasecmp(list, word, length))
            return true;
        list += here;
    }
    return false;
}

static bool list_field_holds(struct lws *wsi, enum lws_token_indexes token, const char *word)
{
    char list[PROTOCOLS_BYTES_MAX + 1];
    return lws_hdr_copy(wsi, list, sizeof list, token) > 0 && list_holds(list, word);
}

// What is wrong with the subprotocols that are offered; NULL: nothing, or none are.
static const char *protocols_fault(struct lws *wsi)
{
    char list[PROTOCOLS_BYTES_MAX + 1];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) <= 0)
        return NULL;
    if (lws_hdr_copy(wsi, list, sizeof list, WSI_TOKEN_PROTOCOL) <= 0)
        return "Subprotocols may have 126 bytes together: send a long key as Authorization.";
    const char *rest = list;
    while (*rest) {
        rest += strspn(rest, " \t,");
        size_t length = strcspn(rest, " \t,");
        if (length == strlen(UPGRADE_PROTOCOL) && !strncmp(rest, UPGRADE_PROTOCOL, length))
            return NULL;
        if (length > PROTOCOL_BYTES_MAX)
            break;
        rest += length;
    }
    return "Offer the subprotocol " UPGRADE_PROTOCOL " first, or none.";
}

// What libwebsockets would answer with silence is answered here (RFC 6455, section 4.2.1).
static bool is_well_formed(struct exchange *exchange, struct lws *wsi)
{
    if (!field_is(wsi, WSI_TOKEN_VERSION, "13")) {
        exchange_refuse(exchange, 426, "bad_version", "Only WebSocket version 13 is known.");
        ws_reply_header(&exchange->reply, "Sec-WebSocket-Version", "13");
        return false;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_KEY) != KEY_LENGTH ||
        lws_hdr_total_length(wsi, WSI_TOKEN_HOST) <= 0 ||
        !list_field_holds(wsi, WSI_TOKEN_CONNECTION, "upgrade")) {
        exchange_refuse(exchange, 400, "bad_upgrade", "This is not a WebSocket handshake.");
        return false;
    }
    const char *fault = protocols_fault(wsi);
    if (fault)
        exchange_refuse(exchange, 400, "bad_subprotocol", fault);
    return !fault;
}

static bool is_let_in(struct ws_server *server, struct exchange *exchange,
                      struct ws_socket *socket)
{
    exchange->reply.status = 500;
    exchange->answered = true;
    exchange->closes = true;
    if (server->options.on_upgrade(server->options.context, &exchange->request,
                                   &exchange->reply, socket))
        return true;
    if (exchange->reply.failed) {
        exchange_end(exchange);
        exchange->server = server;
        exchange_refuse(exchange, 500, "internal_error", "The reply could not be made.");
    }
    return false;
}

// Puts the request to the handler; what it says no to is left with a reply to send.
static bool decide(struct ws_server *server, struct exchange *exchange, struct lws *wsi)
{
    if (!is_well_formed(exchange, wsi))
        return false;
    if (!server->options.on_upgrade) {
        exchange_refuse(exchange, 404, "not_found", "There is no WebSocket here.");
        return false;
    }
    struct ws_socket *socket = server->sockets.count < server->options.sockets_max
                                   ? socket_create(&server->sockets)
                                   : NULL;
    if (!socket) {
        exchange_refuse(exchange, 503, "too_many_sockets", "No more WebSockets at the moment.");
        return false;
    }
    socket_bind(socket, wsi);
    if (is_let_in(server, exchange, socket)) {
        guests_keep(&server->guests, wsi);
        return true;
    }
    lws_set_opaque_user_data(wsi, NULL);
    socket_discard(socket);
    return false;
}

int upgrade_confirm(struct ws_server *server, struct lws *wsi, const char *protocol)
{
    if (strcasecmp(protocol, "websocket") != 0)
        return -1;
    char path[WS_HEADER_BYTES_MAX];
    struct exchange *exchange = calloc(1, sizeof *exchange);
    bool is_in = false;
    if (exchange && lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) > 0 &&
        exchange_begin(exchange, wsi, path)) {
        is_in = decide(server, exchange, wsi);
        // A refusal is small and the socket's buffer empty: it leaves at once.
        while (!is_in && exchange->answered && exchange_write(exchange, wsi) == 0)
            ;
    }
    if (exchange)
        exchange_end(exchange);
    free(exchange);
    return is_in ? 0 : -1;
}
