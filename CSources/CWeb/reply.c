#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"

void ws_reply_status(struct ws_reply *reply, uint16_t status)
{
    reply->status = status;
}

void ws_reply_header(struct ws_reply *reply, const char *name, const char *value)
{
    // A line's end inside a field would let a value begin a field of its own.
    bool splits = strpbrk(name, "\r\n:") || strpbrk(value, "\r\n");
    if (splits || reply->field_count == WS_REPLY_FIELD_MAX) {
        reply->failed = true;
        return;
    }
    // libwebsockets wants the colon in the name.
    char *name_copy = malloc(strlen(name) + 2);
    char *value_copy = strdup(value);
    if (!name_copy || !value_copy) {
        free(name_copy);
        free(value_copy);
        reply->failed = true;
        return;
    }
    sprintf(name_copy, "%s:", name);
    reply->fields[reply->field_count++] = (struct ws_field){.name = name_copy, .value = value_copy};
}

void ws_reply_body(struct ws_reply *reply, const uint8_t *bytes, size_t length)
{
    free(reply->body);
    reply->body_length = 0;
    reply->body = length ? malloc(length) : NULL;
    if (!length)
        return;
    if (!reply->body) {
        reply->failed = true;
        return;
    }
    memcpy(reply->body, bytes, length);
    reply->body_length = length;
}

void exchange_refuse(struct exchange *exchange, uint16_t status, const char *code,
                     const char *message)
{
    char body[512];
    int length = snprintf(body, sizeof body,
                          "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"code\":\"%s\","
                          "\"param\":null}}",
                          message, status >= 500 ? "server_error" : "invalid_request_error", code);
    struct ws_reply *reply = &exchange->reply;
    ws_reply_status(reply, status);
    ws_reply_header(reply, "Content-Type", "application/json");
    ws_reply_header(reply, "Access-Control-Allow-Origin", "*");
    ws_reply_body(reply, (const uint8_t *)body, (size_t)length);
    exchange->answered = true;
    exchange->closes = true;
    server_note_refusal(exchange->server, status, code, exchange->peer);
}

// Statuses that carry no body (RFC 9110, sections 15.3.5 and 15.4.5), and so no length either.
static bool has_body(uint16_t status)
{
    return status >= 200 && status != 204 && status != 304;
}

static bool write_headers(struct exchange *exchange, struct lws *wsi)
{
    struct ws_reply *reply = &exchange->reply;
    uint8_t space[LWS_PRE + WS_HEADER_BYTES_MAX], *start = space + LWS_PRE, *at = start;
    uint8_t *end = space + sizeof space - 1;
    if (lws_add_http_header_status(wsi, reply->status, &at, end))
        return false;
    // libwebsockets does not know the request's version before an upgrade is decided, and writes
    // 1.0; the version of a reply is the server's own in any case (RFC 9110, section 2.5).
    memcpy(start, "HTTP/1.1", 8);
    for (uint32_t i = 0; i < reply->field_count; i++) {
        const struct ws_field *field = &reply->fields[i];
        if (lws_add_http_header_by_name(wsi, (const uint8_t *)field->name,
                                        (const uint8_t *)field->value, (int)strlen(field->value),
                                        &at, end))
            return false;
    }
    if (has_body(reply->status) &&
        lws_add_http_header_content_length(wsi, reply->body_length, &at, end))
        return false;
    if (exchange->closes && lws_add_http_header_by_name(wsi, (const uint8_t *)"Connection:",
                                                        (const uint8_t *)"close", 5, &at, end))
        return false;
    if (lws_finalize_http_header(wsi, &at, end))
        return false;
    int length = (int)(at - start);
    return lws_write(wsi, start, (size_t)length, LWS_WRITE_HTTP_HEADERS) == length;
}

static bool write_chunk(struct ws_reply *reply, struct lws *wsi)
{
    uint8_t space[LWS_PRE + WS_CHUNK_BYTES];
    size_t length = reply->body_length - reply->body_sent;
    if (length > WS_CHUNK_BYTES)
        length = WS_CHUNK_BYTES;
    bool is_last = reply->body_sent + length == reply->body_length;
    memcpy(space + LWS_PRE, reply->body + reply->body_sent, length);
    int sent = lws_write(wsi, space + LWS_PRE, length,
                         is_last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    if (sent < (int)length)
        return false;
    reply->body_sent += length;
    return true;
}

int exchange_write(struct exchange *exchange, struct lws *wsi)
{
    struct ws_reply *reply = &exchange->reply;
    if (!exchange->answered)
        return 0;
    if (reply->failed)
        return -1;
    bool sends_body = has_body(reply->status) && !exchange->is_head;
    if (!reply->headers_sent) {
        if (!write_headers(exchange, wsi))
            return -1;
        reply->headers_sent = true;
    } else if (!write_chunk(reply, wsi)) {
        return -1;
    }
    if (sends_body && reply->body_sent < reply->body_length) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    bool closes = exchange->closes;
    exchange_end(exchange);
    return closes || lws_http_transaction_completed(wsi) ? -1 : 0;
}
