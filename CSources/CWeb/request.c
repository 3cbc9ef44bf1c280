#include <stdlib.h>
#include <string.h>

#include "exchange.h"

// The fields that are looked at; libwebsockets keeps others by name only.
static const struct {
    enum lws_token_indexes token;
    const char *name;
} kept_fields[] = {
    {WSI_TOKEN_HTTP_CONTENT_TYPE, "content-type"},
    {WSI_TOKEN_HTTP_AUTHORIZATION, "authorization"},
    {WSI_TOKEN_HTTP_ACCEPT, "accept"},
    {WSI_TOKEN_HTTP_IF_MATCH, "if-match"},
    {WSI_TOKEN_HTTP_IF_NONE_MATCH, "if-none-match"},
    {WSI_TOKEN_HTTP_USER_AGENT, "user-agent"},
    {WSI_TOKEN_X_FORWARDED_FOR, "x-forwarded-for"},
    {WSI_TOKEN_ORIGIN, "origin"},
    {WSI_TOKEN_HOST, "host"},
    {WSI_TOKEN_PROTOCOL, "sec-websocket-protocol"},
};

// Fields that libwebsockets does not know and wants with the colon: how servers of calls mark what
// they forward.
static const struct {
    const char *name, *name_colon;
} other_fields[] = {
    {"martlet-hop", "martlet-hop:"},
};

// In the order of lws_http_get_uri_and_method.
static const char *const method_names[] = {"GET",   "POST",   "OPTIONS", "PUT",
                                           "PATCH", "DELETE", "CONNECT", "HEAD"};

enum { TEXT_BYTES = WS_HEADER_BYTES_MAX + 1024 };

static const char *keep_text(struct exchange *exchange, const char *text, size_t length)
{
    if (length >= TEXT_BYTES - exchange->text_used)
        return NULL;
    char *copy = exchange->text + exchange->text_used;
    memcpy(copy, text, length);
    copy[length] = 0;
    exchange->text_used += length + 1;
    return copy;
}

static void keep_query(struct exchange *exchange, struct lws *wsi)
{
    char part[WS_HEADER_BYTES_MAX];
    struct ws_request *request = &exchange->request;
    request->query = exchange->query;
    for (int i = 0; i < WS_QUERY_MAX; i++) {
        int length = lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (length < 0)
            break;
        const char *kept = keep_text(exchange, part, (size_t)length);
        if (kept)
            exchange->query[request->query_count++] = kept;
    }
}

static void keep_fields(struct exchange *exchange, struct lws *wsi)
{
    char value[WS_HEADER_BYTES_MAX];
    struct ws_request *request = &exchange->request;
    request->headers = exchange->fields;
    for (size_t i = 0; i < sizeof kept_fields / sizeof kept_fields[0]; i++) {
        if (lws_hdr_total_length(wsi, kept_fields[i].token) <= 0)
            continue;
        int length = lws_hdr_copy(wsi, value, sizeof value, kept_fields[i].token);
        const char *kept = length < 0 ? NULL : keep_text(exchange, value, (size_t)length);
        if (kept)
            exchange->fields[request->header_count++] =
                (struct ws_field){.name = kept_fields[i].name, .value = kept};
    }
    for (size_t i = 0; i < sizeof other_fields / sizeof other_fields[0]; i++) {
        int length = lws_hdr_custom_copy(wsi, value, sizeof value, other_fields[i].name_colon,
                                         (int)strlen(other_fields[i].name_colon));
        const char *kept = length <= 0 ? NULL : keep_text(exchange, value, (size_t)length);
        if (kept)
            exchange->fields[request->header_count++] =
                (struct ws_field){.name = other_fields[i].name, .value = kept};
    }
}

bool exchange_begin(struct exchange *exchange, struct lws *wsi, const char *path)
{
    exchange_end(exchange);
    exchange->server = lws_context_user(lws_get_context(wsi));
    exchange->text = malloc(TEXT_BYTES);
    if (!exchange->text)
        return false;
    char *uri;
    int uri_length;
    int method = lws_http_get_uri_and_method(wsi, &uri, &uri_length);
    if (method < 0 || (size_t)method >= sizeof method_names / sizeof method_names[0])
        return false;
    struct ws_request *request = &exchange->request;
    request->method = method_names[method];
    exchange->is_head = strcmp(request->method, "HEAD") == 0;
    request->path = keep_text(exchange, path, strlen(path));
    keep_query(exchange, wsi);
    keep_fields(exchange, wsi);
    lws_get_peer_simple(wsi, exchange->peer, sizeof exchange->peer);
    request->peer = exchange->peer;
    return request->path != NULL;
}

enum body_verdict exchange_expect_body(struct exchange *exchange, struct lws *wsi, size_t most)
{
    // libwebsockets does not undo chunks, so a body must say its length (RFC 9112, section 6.3).
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
        return BODY_WITHOUT_LENGTH;
    char text[24];
    int length = lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    if (length < 0)
        return BODY_MALFORMED;
    if (length == 0)
        return BODY_NONE;
    size_t expected = 0;
    for (int i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return BODY_MALFORMED;
        if (expected <= most)
            expected = expected * 10 + (size_t)(text[i] - '0');
    }
    if (expected > most)
        return BODY_TOO_LONG;
    if (expected == 0)
        return BODY_NONE;
    exchange->body = malloc(expected);
    exchange->body_expected = expected;
    exchange->request.body = exchange->body;
    return exchange->body ? BODY_COMES : BODY_TOO_LONG;
}

bool exchange_take_body(struct exchange *exchange, const void *bytes, size_t length)
{
    size_t have = exchange->request.body_length;
    if (length > exchange->body_expected - have)
        return false;
    memcpy(exchange->body + have, bytes, length);
    exchange->request.body_length = have + length;
    return true;
}

void exchange_end(struct exchange *exchange)
{
    exchange_undefer(exchange);
    struct ws_reply *reply = &exchange->reply;
    for (uint32_t i = 0; i < reply->field_count; i++) {
        free((void *)reply->fields[i].name);
        free((void *)reply->fields[i].value);
    }
    free(reply->body);
    free(exchange->body);
    free(exchange->text);
    memset(exchange, 0, sizeof *exchange);
}
