#include "head.h"

#include <http_parser.h>
#include <string.h>
#include <strings.h>

static const struct fault malformed = {400, "bad_request", "This is not an HTTP request."};
static const struct fault bad_length = {
    400, "bad_length",
    "The length of the body is not clear: send one Content-Length, or one Transfer-Encoding."};
static const struct fault bad_host = {
    400, "bad_host", "An HTTP/1.1 request has one Host field (RFC 9112, section 3.2)."};
static const struct fault unknown_method = {501, "unknown_method",
                                            "This method is not known here."};
static const struct fault unknown_version = {505, "unknown_version",
                                             "HTTP/1.1 and HTTP/1.0 are spoken here."};
static const struct fault unknown_coding = {
    501, "unknown_transfer_coding", "The only transfer coding that is known here is chunked."};
static const struct fault many_fields = {431, "headers_too_large",
                                         "The request has more than 100 header fields."};

enum head_progress head_look(struct head_scan *scan, const uint8_t *bytes, size_t length)
{
    for (; scan->seen < length; scan->seen++) {
        size_t at = scan->seen;
        uint8_t byte = bytes[at];
        bool is_line_end = byte == '\n', is_after_cr = at > 0 && bytes[at - 1] == '\r';
        if (is_line_end != is_after_cr)
            return HEAD_BROKEN;
        if (is_line_end) {
            bool is_blank = at == scan->line_start + 1;
            scan->line_start = at + 1;
            if (is_blank) {
                scan->seen = at + 1;
                return HEAD_WHOLE;
            }
            continue;
        }
        bool is_printable = (byte >= ' ' && byte != 0x7F) || byte == '\t' || byte == '\r';
        bool folds = at == scan->line_start && (byte == ' ' || byte == '\t');
        if (!is_printable || folds)
            return HEAD_BROKEN;
    }
    return HEAD_PARTIAL;
}

// MARK: What http-parser tells

static int on_target(http_parser *parser, const char *at, size_t length)
{
    struct head *head = parser->data;
    head->target = (struct text){at, length};
    return 0;
}

static int on_name(http_parser *parser, const char *at, size_t length)
{
    struct head *head = parser->data;
    // As Debian builds it, it takes blanks for a part of names.
    if (head->field_count == HEAD_FIELDS_MAX || memchr(at, ' ', length))
        return -1;
    head->fields[head->field_count++] = (struct head_field){.name = {at, length}};
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t length)
{
    struct head *head = parser->data;
    while (length > 0 && (at[length - 1] == ' ' || at[length - 1] == '\t'))
        length--;
    head->fields[head->field_count - 1].value = (struct text){at, length};
    return 0;
}

static int on_end(http_parser *parser)
{
    (void)parser;
    return 2;  // nothing that follows is for the parser
}

static const http_parser_settings settings = {
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_end,
};

// MARK: Reading

static const struct fault *fault_of(const struct head *head, enum http_errno number)
{
    switch (number) {
    case HPE_OK:
        return NULL;
    case HPE_INVALID_METHOD:
        return &unknown_method;
    case HPE_INVALID_VERSION:
        return &unknown_version;
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return &bad_length;
    case HPE_CB_header_field:
        return head->field_count == HEAD_FIELDS_MAX ? &many_fields : &malformed;
    default:
        return &malformed;
    }
}

// The parser takes any number of blanks between the parts of the request line.
static bool line_is_strict(const struct head *head, const char *bytes)
{
    const char *end = head->target.at + head->target.length;
    for (size_t i = 0; i < head->target.length; i++) {
        if (head->target.at[i] & 0x80)
            return false;
    }
    return head->target.at == bytes + strlen(head->method) + 1 && !strncmp(end, " HTTP/1.", 8);
}

// How long the body is (RFC 9112, section 6.3). What leaves room for two opinions is refused.
static const struct fault *read_framing(struct head *head, const http_parser *parser)
{
    struct text coding, length;
    uint32_t codings = head_find(head, "transfer-encoding", &coding);
    uint32_t lengths = head_find(head, "content-length", &length);
    if (codings == 0) {
        head->length = lengths ? parser->content_length : 0;
        return lengths > 1 ? &bad_length : NULL;
    }
    if (lengths > 0 || codings > 1 || head->is_old)
        return &bad_length;
    if (!text_is(coding, "chunked"))
        return &unknown_coding;
    head->is_chunked = true;
    return NULL;
}

const struct fault *head_read(struct head *head, const char *bytes, size_t length)
{
    head->field_count = 0;
    head->target = (struct text){NULL, 0};
    head->is_chunked = false;
    head->length = 0;
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = head;
    http_parser_execute(&parser, &settings, bytes, length);
    const struct fault *fault = fault_of(head, HTTP_PARSER_ERRNO(&parser));
    if (fault)
        return fault;
    if (parser.http_major != 1 || parser.http_minor > 1)
        return &unknown_version;
    head->method = http_method_str(parser.method);
    head->is_old = parser.http_minor == 0;
    head->keeps_alive = http_should_keep_alive(&parser);
    // A way through to somewhere else is not offered.
    if (parser.method == HTTP_CONNECT)
        return &unknown_method;
    if (!head->target.at || !line_is_strict(head, bytes))
        return &malformed;
    struct text host;
    uint32_t hosts = head_find(head, "host", &host);
    if (hosts > 1 || (hosts == 0 && !head->is_old))
        return &bad_host;
    return read_framing(head, &parser);
}

// MARK: Looking up

uint32_t head_find(const struct head *head, const char *name, struct text *value)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < head->field_count; i++) {
        if (text_is(head->fields[i].name, name) && count++ == 0)
            *value = head->fields[i].value;
    }
    return count;
}

bool head_lists(const struct head *head, const char *name, const char *word)
{
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct head_field *field = &head->fields[i];
        if (text_is(field->name, name) && list_holds(field->value, word, true))
            return true;
    }
    return false;
}

bool text_is(struct text text, const char *other)
{
    return text.length == strlen(other) && !strncasecmp(text.at, other, text.length);
}

bool list_holds(struct text list, const char *word, bool in_any_case)
{
    const char *at = list.at, *end = list.at + list.length;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *last = comma ? comma : end, *next = comma ? comma + 1 : end;
        while (at < last && (*at == ' ' || *at == '\t'))
            at++;
        while (last > at && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        struct text item = {at, (size_t)(last - at)};
        if (text_is(item, word) && (in_any_case || !strncmp(at, word, item.length)))
            return true;
        at = next;
    }
    return false;
}
