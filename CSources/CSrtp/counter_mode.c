// AES-128 in counter mode (RFC 3711, section 4.1.1) by libcrypto. The key schedule is made once;
// a packet sets the counter.
#include "types.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 16 };

struct counter_mode {
    srtp_cipher_t base;  // what libsrtp2 knows of it
    EVP_CIPHER_CTX *context;
    uint8_t offset[BLOCK_BYTES];  // the salt, then two zeros
};

static srtp_err_status_t dealloc(srtp_cipher_t *base)
{
    struct counter_mode *mode = base->state;
    EVP_CIPHER_CTX_free(mode->context);  // cleanses the key schedule
    OPENSSL_cleanse(mode, sizeof *mode);
    free(mode);
    return srtp_err_status_ok;
}

static srtp_err_status_t alloc(srtp_cipher_pointer_t *base, int key_bytes, int tag_bytes)
{
    (void)tag_bytes;  // a mode without tags
    if (key_bytes != AES_128_KEY_BYTES + COUNTER_SALT_BYTES)
        return srtp_err_status_bad_param;
    struct counter_mode *mode = calloc(1, sizeof *mode);
    if (!mode)
        return srtp_err_status_alloc_fail;
    mode->base = (srtp_cipher_t){.type = &csrtp_counter_mode,
                                 .state = mode,
                                 .key_len = key_bytes,
                                 .algorithm = SRTP_AES_ICM_128};
    mode->context = EVP_CIPHER_CTX_new();
    if (!mode->context) {
        dealloc(&mode->base);
        return srtp_err_status_alloc_fail;
    }
    *base = &mode->base;
    return srtp_err_status_ok;
}

// `key` has its salt behind it.
static srtp_err_status_t init(void *state, const uint8_t *key)
{
    struct counter_mode *mode = state;
    memcpy(mode->offset, key + AES_128_KEY_BYTES, COUNTER_SALT_BYTES);
    return EVP_EncryptInit_ex2(mode->context, EVP_aes_128_ctr(), key, NULL, NULL) == 1
               ? srtp_err_status_ok
               : srtp_err_status_init_fail;
}

static srtp_err_status_t set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
    (void)direction;  // both are the same
    struct counter_mode *mode = state;
    uint8_t counter[BLOCK_BYTES];
    for (int i = 0; i < BLOCK_BYTES; i++)
        counter[i] = mode->offset[i] ^ iv[i];
    return EVP_EncryptInit_ex2(mode->context, NULL, NULL, counter, NULL) == 1
               ? srtp_err_status_ok
               : srtp_err_status_cipher_fail;
}

// Goes on with the key stream where the call before ended.
static srtp_err_status_t encrypt(void *state, uint8_t *bytes, unsigned int *length)
{
    struct counter_mode *mode = state;
    int count = 0;
    if (EVP_EncryptUpdate(mode->context, bytes, &count, bytes, (int)*length) != 1)
        return srtp_err_status_cipher_fail;
    return (unsigned int)count == *length ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

// RFC 3711, section B.2: the session key and salt, and the first blocks of the key stream.
static const uint8_t test_key[AES_128_KEY_BYTES + COUNTER_SALT_BYTES] = {
    0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f,
    0x3c, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd,
};
static uint8_t test_iv[BLOCK_BYTES];
static const uint8_t test_zeros[48];
static const uint8_t test_stream[sizeof test_zeros] = {
    0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66, 0xb1, 0x6d, 0xd9, 0x2b, 0x4e, 0xb4,
    0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02, 0xd0, 0xf7, 0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab,
    0x41, 0xe9, 0x5b, 0x3b, 0xb0, 0xa2, 0xe8, 0xdd, 0x47, 0x79, 0x01, 0xe4, 0xfc, 0xa8, 0x94, 0xc0,
};
static const srtp_cipher_test_case_t test_case = {
    .key_length_octets = sizeof test_key,
    .key = test_key,
    .idx = test_iv,
    .plaintext_length_octets = sizeof test_zeros,
    .plaintext = test_zeros,
    .ciphertext_length_octets = sizeof test_stream,
    .ciphertext = test_stream,
};

const srtp_cipher_type_t csrtp_counter_mode = {
    .alloc = alloc,
    .dealloc = dealloc,
    .init = init,
    .encrypt = encrypt,
    .decrypt = encrypt,
    .set_iv = set_iv,
    .description = "AES-128 counter mode by libcrypto",
    .test_data = &test_case,
    .id = SRTP_AES_ICM_128,
};
