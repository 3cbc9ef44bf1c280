// A request as handlers see it, from its head and its body.
#include <http_parser.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"

// The fields that handlers look at.
static const char *const kept_fields[] = {
    "content-type",
    "content-encoding",
    "authorization",
    "accept",
    "if-match",
    "if-none-match",
    "user-agent",
    "x-forwarded-for",
    "origin",
    "host",
    "sec-websocket-protocol",
    // How servers of calls mark what they forward.
    "martlet-hop",
};
_Static_assert(sizeof kept_fields / sizeof kept_fields[0] <= WS_FIELD_MAX, "room for each");

static const struct fault bad_target = {
    400, "bad_target", "The path is none: it begins with / and is percent-encoded."};
static const struct fault body_too_large = {413, "body_too_large", "The body is too large."};
static const struct fault bad_chunks = {
    400, "bad_chunks", "The chunks of the body are not as RFC 9112, section 7.1, has them."};
static const struct fault unknown_expectation = {
    417, "unknown_expectation", "The only expectation that is known here is 100-continue."};
const struct fault fault_internal = {500, "internal_error", "The reply could not be made."};

// MARK: The head

static char *room(struct exchange *exchange, size_t length)
{
    if (length >= exchange->text_capacity - exchange->text_used)
        return NULL;
    return exchange->text + exchange->text_used;
}

static const char *keep(struct exchange *exchange, size_t length)
{
    char *kept = exchange->text + exchange->text_used;
    kept[length] = 0;
    exchange->text_used += length + 1;
    return kept;
}

static int hex_digit(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

// Undoes percent-encoding. In a query + is a blank, as forms write it; in a path, slashes in a row
// are one, since many clients put a base that ends with one before a path that begins with one.
static const char *keep_decoded(struct exchange *exchange, struct text part, bool is_query)
{
    char *decoded = room(exchange, part.length);
    size_t length = 0;
    for (size_t i = 0; decoded && i < part.length; i++) {
        char byte = part.at[i];
        if (byte == '%') {
            int high = i + 2 < part.length ? hex_digit(part.at[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(part.at[i + 2]) : -1;
            // An end mark would hide what follows it.
            if (low < 0 || (high | low) == 0)
                return NULL;
            byte = (char)(high << 4 | low);
            i += 2;
        } else if (is_query && byte == '+') {
            byte = ' ';
        }
        if (!is_query && byte == '/' && length > 0 && decoded[length - 1] == '/')
            continue;
        decoded[length++] = byte;
    }
    return decoded ? keep(exchange, length) : NULL;
}

static bool keep_query(struct exchange *exchange, struct text query)
{
    struct ws_request *request = &exchange->request;
    const char *at = query.at, *end = query.at + query.length;
    while (at < end && request->query_count < WS_QUERY_MAX) {
        const char *mark = memchr(at, '&', (size_t)(end - at));
        struct text part = {at, (size_t)((mark ? mark : end) - at)};
        const char *kept = keep_decoded(exchange, part, true);
        if (!kept)
            return false;
        if (part.length > 0)
            exchange->query[request->query_count++] = kept;
        at += part.length + 1;
    }
    return true;
}

// All fields of one name, as the list that they are together (RFC 9110, section 5.3).
static void keep_field(struct exchange *exchange, const struct head *head, const char *name)
{
    struct ws_request *request = &exchange->request;
    size_t length = 0;
    bool is_there = false;
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct head_field *field = &head->fields[i];
        if (!text_is(field->name, name))
            continue;
        char *value = room(exchange, length + field->value.length + 2);
        if (!value)
            return;
        if (is_there) {
            memcpy(value + length, ", ", 2);
            length += 2;
        }
        memcpy(value + length, field->value.at, field->value.length);
        length += field->value.length;
        is_there = true;
    }
    if (is_there && length > 0)
        exchange->fields[request->header_count++] =
            (struct ws_field){.name = name, .value = keep(exchange, length)};
}

// An absolute target (RFC 9112, section 3.2.2) says the host, whatever the Host field says.
static void keep_host(struct exchange *exchange, struct text authority)
{
    struct ws_request *request = &exchange->request;
    char *copy = room(exchange, authority.length);
    if (!copy)
        return;
    memcpy(copy, authority.at, authority.length);
    const char *host = keep(exchange, authority.length);
    uint32_t i = 0;
    while (i < request->header_count && strcmp(exchange->fields[i].name, "host") != 0)
        i++;
    exchange->fields[i] = (struct ws_field){.name = "host", .value = host};
    if (i == request->header_count)
        request->header_count++;
}

static struct text part_of(const struct head *head, const struct http_parser_url *url,
                           enum http_parser_url_fields field)
{
    return (struct text){head->target.at + url->field_data[field].off, url->field_data[field].len};
}

static bool keep_target(struct exchange *exchange, const struct head *head)
{
    struct text target = head->target, root = {"/", 1};
    if (text_is(target, "*")) {
        exchange->request.path = keep_decoded(exchange, root, false);
        return strcmp(head->method, "OPTIONS") == 0;
    }
    struct http_parser_url url;
    http_parser_url_init(&url);
    if (http_parser_parse_url(target.at, target.length, 0, &url) ||
        url.field_set & 1 << UF_FRAGMENT)
        return false;
    if (url.field_set & 1 << UF_SCHEMA) {
        struct text scheme = part_of(head, &url, UF_SCHEMA);
        bool is_known = text_is(scheme, "http") || text_is(scheme, "https");
        if (!is_known || url.field_set & 1 << UF_USERINFO)
            return false;
        struct text authority = {scheme.at + scheme.length + 3, 0};
        while (authority.at + authority.length < target.at + target.length &&
               !strchr("/?#", authority.at[authority.length]))
            authority.length++;
        keep_host(exchange, authority);
    }
    struct text path = url.field_set & 1 << UF_PATH ? part_of(head, &url, UF_PATH) : root;
    exchange->request.path = keep_decoded(exchange, path, false);
    return exchange->request.path && (!(url.field_set & 1 << UF_QUERY) ||
                                      keep_query(exchange, part_of(head, &url, UF_QUERY)));
}

const struct fault *exchange_begin(struct exchange *exchange, const struct head *head,
                                   size_t head_length, const char *peer)
{
    exchange->is_head = strcmp(head->method, "HEAD") == 0;
    exchange->is_old = head->is_old;
    exchange->closes = !head->keeps_alive;
    // A name or a mark of the line goes for each end mark, and an authority is there twice.
    exchange->text_capacity = head_length + head->target.length + 64;
    exchange->text = malloc(exchange->text_capacity);
    if (!exchange->text)
        return &fault_internal;
    struct ws_request *request = &exchange->request;
    request->method = head->method;
    request->query = exchange->query;
    request->headers = exchange->fields;
    request->peer = peer;
    for (size_t i = 0; i < sizeof kept_fields / sizeof kept_fields[0]; i++)
        keep_field(exchange, head, kept_fields[i]);
    return keep_target(exchange, head) ? NULL : &bad_target;
}

// MARK: The body

const struct fault *exchange_expect_body(struct exchange *exchange, const struct head *head,
                                         size_t most)
{
    exchange->is_chunked = head->is_chunked;
    exchange->body_left = head->length;
    if (head->length > most)
        return &body_too_large;
    struct text expectation;
    if (head_find(head, "expect", &expectation) && !head->is_old &&
        !text_is(expectation, "100-continue"))
        return &unknown_expectation;
    return NULL;
}

bool exchange_has_body_to_come(const struct exchange *exchange)
{
    return exchange->is_chunked || exchange->body_left > 0;
}

static bool keep_body(struct exchange *exchange, const uint8_t *bytes, size_t length, size_t most)
{
    struct ws_request *request = &exchange->request;
    size_t wanted = request->body_length + length;
    if (wanted > exchange->body_capacity) {
        size_t capacity = exchange->body_capacity ? exchange->body_capacity : 4096;
        while (capacity < wanted)
            capacity *= 2;
        capacity = capacity < most ? capacity : most;
        uint8_t *larger = realloc(exchange->body, capacity);
        if (!larger)
            return false;
        exchange->body = larger;
        exchange->body_capacity = capacity;
    }
    memcpy(exchange->body + request->body_length, bytes, length);
    request->body = exchange->body;
    request->body_length = wanted;
    return true;
}

static const struct fault *take_chunks(struct exchange *exchange, const uint8_t **at,
                                       const uint8_t *end, size_t most)
{
    for (;;) {
        const uint8_t *data;
        size_t length;
        switch (chunks_next(&exchange->chunks, at, end, most, &data, &length)) {
        case CHUNKS_WANT_MORE:
            return NULL;
        case CHUNKS_HAVE_DATA:
            if (!keep_body(exchange, data, length, most))
                return &fault_internal;
            break;
        case CHUNKS_END:
            exchange->is_chunked = false;
            return NULL;
        case CHUNKS_BROKEN:
            return &bad_chunks;
        case CHUNKS_TOO_LONG:
            return &body_too_large;
        }
    }
}

const struct fault *exchange_take_body(struct exchange *exchange, const uint8_t **at,
                                       const uint8_t *end, size_t most)
{
    if (exchange->is_chunked)
        return take_chunks(exchange, at, end, most);
    size_t length = (size_t)(end - *at);
    if (length > exchange->body_left)
        length = (size_t)exchange->body_left;
    if (length > 0 && !keep_body(exchange, *at, length, most))
        return &fault_internal;
    *at += length;
    exchange->body_left -= length;
    return NULL;
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
    *exchange = (struct exchange){.server = exchange->server, .connection = exchange->connection};
}
