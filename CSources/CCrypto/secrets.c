// What every secret needs: comparing without telling where, making, erasing.
#include "CCrypto.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

enum { RAND_PIECE_MAX = 1 << 20 };  // RAND_priv_bytes takes an int

int cc_equal(const void *a, const void *b, size_t length)
{
    return CRYPTO_memcmp(a, b, length) == 0;
}

int cc_random(void *bytes, size_t length)
{
    uint8_t *at = bytes;
    while (length > 0) {
        size_t piece = length < RAND_PIECE_MAX ? length : RAND_PIECE_MAX;
        if (RAND_priv_bytes(at, (int)piece) != 1)
            return 0;
        at += piece;
        length -= piece;
    }
    return 1;
}

void cc_erase(void *bytes, size_t length)
{
    OPENSSL_cleanse(bytes, length);
}
