// Randomness that can be drawn again.
//
// OpenSSL asks one process-wide method for random bytes. Ours passes the request on to OpenSSL's
// own generator, except on a thread that is inside a handshake: there the bytes are a ChaCha20
// keystream under the connection's secret seed. Playing a handshake again from the seed therefore
// gives the same hello, the same ephemeral key and the same signatures. This is safe because a
// replay is fed the same datagrams: equal messages leave twice, two different ones never share a
// nonce (and OpenSSL mixes the signed digest into an ECDSA nonce besides).
#define OPENSSL_SUPPRESS_DEPRECATED  // RAND_METHOD has no successor that libssl would listen to
#include "internal.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

static _Thread_local EVP_CIPHER_CTX *current_keystream;

static int random_bytes(unsigned char *bytes, int count)
{
    if (!current_keystream)
        return RAND_OpenSSL()->bytes(bytes, count);
    int written = 0;
    memset(bytes, 0, (size_t)count);
    return EVP_EncryptUpdate(current_keystream, bytes, &written, bytes, count) == 1 &&
           written == count;
}

static int random_seed(const void *bytes, int count)
{
    return RAND_OpenSSL()->seed(bytes, count);
}

static int random_add(const void *bytes, int count, double entropy)
{
    return RAND_OpenSSL()->add(bytes, count, entropy);
}

static int random_status(void)
{
    return RAND_OpenSSL()->status();
}

static const RAND_METHOD method = {
    .seed = random_seed,
    .bytes = random_bytes,
    .add = random_add,
    .pseudorand = random_bytes,
    .status = random_status,
};

static bool installed;

static void install(void)
{
    installed = RAND_set_rand_method(&method) == 1;
}

bool handshake_random_install(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    return installed;
}

EVP_CIPHER_CTX *handshake_random_create(void)
{
    return EVP_CIPHER_CTX_new();
}

bool handshake_random_rewind(EVP_CIPHER_CTX *keystream, const uint8_t seed[DTLS_SEED_BYTES])
{
    static const uint8_t start[16];  // block counter and nonce: each connection has its own key
    return EVP_EncryptInit_ex(keystream, EVP_chacha20(), NULL, seed, start) == 1;
}

void handshake_random_enter(EVP_CIPHER_CTX *keystream)
{
    current_keystream = keystream;
}

void handshake_random_leave(void)
{
    current_keystream = NULL;
}
