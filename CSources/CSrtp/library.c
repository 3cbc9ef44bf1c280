#include "library.h"

#include "types.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_started;
static enum csrtp_cryptography current = CSRTP_AS_SHIPPED;  // once it is started

// libsrtp prints to standard output unless a handler takes its words; the status says it all.
static void swallow(srtp_log_level_t level, const char *message, void *data)
{
    (void)level;
    (void)message;
    (void)data;
}

// Sessions that exist keep the functions that they were made with: to go back to those that it was
// built with, the library may be started again at any time.
static const char *start(void)
{
    if (is_started)
        (void)srtp_shutdown();
    current = CSRTP_AS_SHIPPED;
    is_started = srtp_init() == srtp_err_status_ok;
    if (!is_started)
        return "libsrtp2 does not start";
    srtp_install_log_handler(swallow, NULL);
    return NULL;
}

// What was replaced before a refusal stays so until the library is started again.
static const char *replace(void)
{
    if (srtp_replace_cipher_type(&csrtp_counter_mode, SRTP_AES_ICM_128) != srtp_err_status_ok)
        return "libsrtp2 refuses AES-128 counter mode by libcrypto";
    if (srtp_replace_cipher_type(&csrtp_gcm, SRTP_AES_GCM_128) != srtp_err_status_ok)
        return "libsrtp2 refuses AES-128-GCM by libcrypto";
    if (srtp_replace_auth_type(&csrtp_hmac_sha1, SRTP_HMAC_SHA1) != srtp_err_status_ok)
        return "libsrtp2 refuses HMAC-SHA1 by libcrypto";
    current = CSRTP_BY_LIBCRYPTO;
    return NULL;
}

const char *csrtp_lock_library(enum csrtp_cryptography kind)
{
    pthread_mutex_lock(&lock);
    if (is_started && current == kind)
        return NULL;
    const char *failure = start();
    return failure || kind == CSRTP_AS_SHIPPED ? failure : replace();
}

void csrtp_unlock_library(void)
{
    pthread_mutex_unlock(&lock);
}
