#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <http_parser.h>

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
    char *name_copy = strdup(name), *value_copy = strdup(value);
    if (!name_copy || !value_copy) {
        free(name_copy);
        free(value_copy);
        reply->failed = true;
        return;
    }
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

void exchange_refuse(struct exchange *exchange, const struct fault *fault)
{
    char body[512];
    int length =
        snprintf(body, sizeof body,
                 "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"code\":\"%s\","
                 "\"param\":null}}",
                 fault->message, fault->status >= 500 ? "server_error" : "invalid_request_error",
                 fault->code);
    struct ws_reply *reply = &exchange->reply;
    ws_reply_status(reply, fault->status);
    ws_reply_header(reply, "Content-Type", "application/json");
    ws_reply_header(reply, "Access-Control-Allow-Origin", "*");
    ws_reply_body(reply, (const uint8_t *)body, (size_t)length);
    exchange->closes = true;
}

// Statuses that carry no body (RFC 9110, sections 15.3.5 and 15.4.5), and so no length either.
static bool has_body(uint16_t status)
{
    return status >= 200 && status != 204 && status != 304;
}

bool exchange_sends_body(const struct exchange *exchange)
{
    return has_body(exchange->reply.status) && !exchange->is_head;
}

// The names of statuses are http-parser's; not all that servers of calls say are among them.
static const char *status_name(uint16_t status)
{
    switch (status) {
#define STATUS(number, name, text) \
    case number:                   \
        return #text;
        HTTP_STATUS_MAP(STATUS)
#undef STATUS
    default:
        return "Unknown";
    }
}

__attribute__((format(printf, 2, 3))) static void write_line(FILE *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(out, format, arguments);
    va_end(arguments);
    fputs("\r\n", out);
}

static void write_date(FILE *out)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = time(NULL);
    struct tm date;
    gmtime_r(&now, &date);
    // In English whatever the locale is (RFC 9110, section 5.6.7).
    write_line(out, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * date.tm_wday,
               date.tm_mday, months + 3 * date.tm_mon, date.tm_year + 1900, date.tm_hour,
               date.tm_min, date.tm_sec);
}

char *exchange_reply_head(const struct exchange *exchange, size_t *length)
{
    const struct ws_reply *reply = &exchange->reply;
    char *head = NULL;
    FILE *out = open_memstream(&head, length);
    if (!out)
        return NULL;
    write_line(out, "HTTP/1.1 %u %s", reply->status, status_name(reply->status));
    write_date(out);
    write_line(out, "Server: martlet");
    for (uint32_t i = 0; i < reply->field_count; i++)
        write_line(out, "%s: %s", reply->fields[i].name, reply->fields[i].value);
    if (has_body(reply->status))
        write_line(out, "Content-Length: %zu", reply->body_length);
    if (exchange->closes)
        write_line(out, "Connection: close");
    else if (exchange->is_old)
        write_line(out, "Connection: keep-alive");
    write_line(out, "%s", "");
    bool is_whole = !ferror(out);
    if (fclose(out) || !is_whole) {
        free(head);
        return NULL;
    }
    return head;
}
