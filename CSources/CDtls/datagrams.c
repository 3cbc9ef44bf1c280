// OpenSSL's view of the network: reads give one datagram whole, writes queue one.
#include "internal.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum {
    CONTENT_ALERT = 21,
    LENGTH_BYTES = 2,
    IP_AND_UDP_HEADER_BYTES = 28,
    // A record: type 1, version 2, epoch 2, number 6, length 2 bytes (RFC 6347, section 4.1).
    RECORD_HEADER_BYTES = 13,
    NUMBER_OFFSET = 5,
    NUMBER_BYTES = 6,
};

// Where the end is then; where it was when there is no room.
static uint32_t append(uint8_t *queue, size_t capacity, uint32_t tail, const void *bytes,
                       size_t length)
{
    if (length > DTLS_DATAGRAM_BYTES_MAX || capacity - tail < LENGTH_BYTES + length)
        return tail;
    uint16_t prefix = (uint16_t)length;
    memcpy(queue + tail, &prefix, LENGTH_BYTES);
    memcpy(queue + tail + LENGTH_BYTES, bytes, length);
    return tail + LENGTH_BYTES + (uint32_t)length;
}

static void queue_append(struct datagram_queue *queue, const void *bytes, size_t length)
{
    if (queue->head == queue->tail)
        queue->head = queue->tail = 0;
    queue->tail = append(queue->bytes, OUTPUT_BYTES, queue->tail, bytes, length);
}

size_t dtls_connection_next_datagram(struct dtls_connection *connection, void *bytes,
                                     size_t capacity)
{
    struct datagram_queue *queue = &connection->output;
    while (queue->head < queue->tail) {
        uint16_t length;
        memcpy(&length, queue->bytes + queue->head, LENGTH_BYTES);
        const uint8_t *datagram = queue->bytes + queue->head + LENGTH_BYTES;
        queue->head += LENGTH_BYTES + (uint32_t)length;
        if (length > capacity)
            continue;
        memcpy(bytes, datagram, length);
        return length;
    }
    return 0;
}

void dtls_connection_drop_output(struct dtls_connection *connection)
{
    connection->output.head = connection->output.tail = 0;
}

static void repetitions_append(struct repetitions *repetitions, const void *bytes, size_t length)
{
    if (!repetitions->bytes)
        return;
    repetitions->tail =
        append(repetitions->bytes, REPETITIONS_BYTES, repetitions->tail, bytes, length);
}

void repetitions_begin_next(struct dtls_connection *connection)
{
    struct repetitions *repetitions = &connection->repetitions;
    if (!repetitions->bytes)
        repetitions->bytes = malloc(REPETITIONS_BYTES);
    repetitions->made++;
    repetitions->are_written = true;
    repetitions_append(repetitions, "", 0);
}

bool repetitions_send_next(struct dtls_connection *connection)
{
    struct repetitions *repetitions = &connection->repetitions;
    if (repetitions->sent == REPETITIONS)
        return false;
    repetitions->sent++;
    if (repetitions->head < repetitions->tail)
        repetitions->head += LENGTH_BYTES;  // of the mark
    while (repetitions->head < repetitions->tail) {
        uint16_t length;
        memcpy(&length, repetitions->bytes + repetitions->head, LENGTH_BYTES);
        if (length == 0)
            break;
        queue_append(&connection->output, repetitions->bytes + repetitions->head + LENGTH_BYTES,
                     length);
        repetitions->head += LENGTH_BYTES + length;
    }
    return true;
}

void repetitions_restart(struct dtls_connection *connection)
{
    uint8_t *bytes = connection->repetitions.bytes;
    memset(&connection->repetitions, 0, sizeof connection->repetitions);
    connection->repetitions.bytes = bytes;
}

void repetitions_forget(struct dtls_connection *connection)
{
    repetitions_restart(connection);
    free(connection->repetitions.bytes);
    connection->repetitions.bytes = NULL;
}

static enum dtls_admission admit_protected(struct dtls_connection *connection,
                                           const uint8_t *record, size_t length)
{
    // What comes before Finished is due, or after OpenSSL gave up, is not for OpenSSL. The keys of
    // a finished handshake stay, so that what the peer says under them is still known for its.
    bool has_keys = connection->protection.opener != NULL ||
                    dtls_connection_expects(connection) == DTLS_EXPECTS_FINISHED;
    if (!has_keys)
        return DTLS_ADMISSION_EARLY;
    return protection_admit(&connection->protection, connection->ssl, connection->options.active,
                            record, length);
}

enum dtls_admission dtls_connection_give(struct dtls_connection *connection, const void *bytes,
                                         size_t length)
{
    const uint8_t *record = bytes;
    if (length <= RECORD_HEADER_BYTES || length > sizeof connection->input)
        return DTLS_ADMISSION_UNFIT;
    bool is_clear = record[3] == 0 && record[4] == 0;
    if (!is_clear) {
        enum dtls_admission admission = admit_protected(connection, record, length);
        if (admission != DTLS_ADMISSION_TAKEN)
            return admission;
        if (connection->protection.says_nothing)
            return DTLS_ADMISSION_TAKEN;
    }
    memcpy(connection->input, record, length);
    connection->input_length = (uint32_t)length;
    if (is_clear) {
        uint64_t number = connection->clear_records++;
        for (int i = 0; i < NUMBER_BYTES; i++)
            connection->input[NUMBER_OFFSET + i] = (uint8_t)(number >> 8 * (NUMBER_BYTES - 1 - i));
    }
    return DTLS_ADMISSION_TAKEN;
}

enum dtls_alert dtls_connection_alert(const struct dtls_connection *connection)
{
    return connection->protection.alert;
}

static int bio_read(BIO *bio, char *bytes, size_t capacity, size_t *count)
{
    struct dtls_connection *connection = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t length = connection->input_length;
    connection->input_length = 0;
    if (length == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *count = length < capacity ? length : capacity;
    memcpy(bytes, connection->input, *count);
    return 1;
}

// An alert in the clear helps only those who would break the call: it stays at home.
static int bio_write(BIO *bio, const char *bytes, size_t length, size_t *count)
{
    struct dtls_connection *connection = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    bool silent = !connection->connected && length > 0 && bytes[0] == CONTENT_ALERT;
    if (!silent && connection->repetitions.are_written)
        repetitions_append(&connection->repetitions, bytes, length);
    else if (!silent)
        queue_append(&connection->output, bytes, length);
    *count = length;
    return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    struct dtls_connection *connection = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return connection->options.mtu;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
        return IP_AND_UDP_HEADER_BYTES;
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
        if (openssl_timer_is_reachable())
            connection->openssl_timer = pointer;
        return 1;
    default:
        return 0;
    }
}

static BIO_METHOD *method;
static bool timer_is_reachable;

static void make_method(void)
{
    // Before 3.2 this control names the timer itself; later it names a copy on the stack. Asked of
    // the library that is loaded, not of the headers: both have the same file name.
    timer_is_reachable = OpenSSL_version_num() < 0x30200000UL;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "martlet datagrams");
    if (!method)
        return;
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
}

bool openssl_timer_is_reachable(void)
{
    return timer_is_reachable;
}

BIO *datagram_bio_create(struct dtls_connection *connection)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (!bio)
        return NULL;
    BIO_set_data(bio, connection);
    BIO_set_init(bio, 1);
    return bio;
}
