// AES-128-GCM (RFC 7714) by libcrypto. The key schedule and the table of the hash are made once;
// a packet sets the nonce, which libsrtp2 makes.
#include "types.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

struct gcm {
    srtp_cipher_t base;  // what libsrtp2 knows of it
    EVP_CIPHER_CTX *context;
    unsigned int tag_bytes;
};

static srtp_err_status_t dealloc(srtp_cipher_t *base)
{
    struct gcm *gcm = base->state;
    EVP_CIPHER_CTX_free(gcm->context);  // cleanses key schedule and table
    free(gcm);
    return srtp_err_status_ok;
}

static srtp_err_status_t alloc(srtp_cipher_pointer_t *base, int key_bytes, int tag_bytes)
{
    if (key_bytes != AES_128_KEY_BYTES + GCM_SALT_BYTES)
        return srtp_err_status_bad_param;
    // No profile has the short ones, but libsrtp2's self-test asks for them.
    if (tag_bytes != GCM_TAG_BYTES && tag_bytes != GCM_SHORT_TAG_BYTES)
        return srtp_err_status_bad_param;
    struct gcm *gcm = calloc(1, sizeof *gcm);
    if (!gcm)
        return srtp_err_status_alloc_fail;
    gcm->base = (srtp_cipher_t){
        .type = &csrtp_gcm, .state = gcm, .key_len = key_bytes, .algorithm = SRTP_AES_GCM_128};
    gcm->tag_bytes = (unsigned int)tag_bytes;
    gcm->context = EVP_CIPHER_CTX_new();
    if (!gcm->context) {
        dealloc(&gcm->base);
        return srtp_err_status_alloc_fail;
    }
    *base = &gcm->base;
    return srtp_err_status_ok;
}

static srtp_err_status_t init(void *state, const uint8_t *key)
{
    struct gcm *gcm = state;
    return EVP_CipherInit_ex2(gcm->context, EVP_aes_128_gcm(), key, NULL, 1, NULL) == 1
               ? srtp_err_status_ok
               : srtp_err_status_init_fail;
}

// `iv` has twelve bytes.
static srtp_err_status_t set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
    struct gcm *gcm = state;
    if (direction == srtp_direction_any)
        return srtp_err_status_bad_param;
    int encrypts = direction == srtp_direction_encrypt;
    return EVP_CipherInit_ex2(gcm->context, NULL, NULL, iv, encrypts, NULL) == 1
               ? srtp_err_status_ok
               : srtp_err_status_cipher_fail;
}

// Called once or more often after set_iv.
static srtp_err_status_t set_aad(void *state, const uint8_t *bytes, uint32_t length)
{
    struct gcm *gcm = state;
    int count = 0;
    return EVP_CipherUpdate(gcm->context, NULL, &count, bytes, (int)length) == 1
               ? srtp_err_status_ok
               : srtp_err_status_cipher_fail;
}

// The text, in place, and the end of the packet, which makes or checks the tag. Without text
// `bytes` may be NULL, and libcrypto is not to be asked: it means something else by that.
static int run(struct gcm *gcm, uint8_t *bytes, unsigned int length)
{
    uint8_t rest[EVP_MAX_BLOCK_LENGTH];  // GCM leaves none
    int count = 0;
    return (length == 0 ||
            EVP_CipherUpdate(gcm->context, bytes, &count, bytes, (int)length) == 1) &&
           EVP_CipherFinal_ex(gcm->context, rest, &count) == 1;
}

static srtp_err_status_t encrypt(void *state, uint8_t *bytes, unsigned int *length)
{
    return run(state, bytes, *length) ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

static srtp_err_status_t get_tag(void *state, uint8_t *tag, uint32_t *length)
{
    struct gcm *gcm = state;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, gcm->tag_bytes),
        OSSL_PARAM_construct_end(),
    };
    *length = gcm->tag_bytes;
    return EVP_CIPHER_CTX_get_params(gcm->context, parameters) == 1 ? srtp_err_status_ok
                                                                    : srtp_err_status_cipher_fail;
}

// The tag is the last of `*length`, which becomes that of the text. The text is written before the
// tag is checked.
static srtp_err_status_t decrypt(void *state, uint8_t *bytes, unsigned int *length)
{
    struct gcm *gcm = state;
    if (*length < gcm->tag_bytes)
        return srtp_err_status_bad_param;
    unsigned int text = *length - gcm->tag_bytes;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, bytes + text, gcm->tag_bytes),
        OSSL_PARAM_construct_end(),
    };
    if (EVP_CIPHER_CTX_set_params(gcm->context, parameters) != 1)
        return srtp_err_status_cipher_fail;
    if (!run(gcm, bytes, text))
        return srtp_err_status_auth_fail;
    *length = text;
    return srtp_err_status_ok;
}

// RFC 7714, section 16.1.1; libsrtp2 makes the nonce, so it is the finished one here.
static const uint8_t test_key[AES_128_KEY_BYTES + GCM_SALT_BYTES] = {
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d,
    0x0e, 0x0f, 0x51, 0x75, 0x69, 0x64, 0x20, 0x70, 0x72, 0x6f, 0x20, 0x71, 0x75, 0x6f,
};
static uint8_t test_nonce[GCM_SALT_BYTES] = {
    0x51, 0x75, 0x3c, 0x65, 0x80, 0xc2, 0x72, 0x6f, 0x20, 0x71, 0x84, 0x14,
};
static const uint8_t test_header[] = {
    0x80, 0x40, 0xf1, 0x7b, 0x80, 0x41, 0xf8, 0xd3, 0x55, 0x01, 0xa0, 0xb2,
};
static const uint8_t test_text[] = {
    0x47, 0x61, 0x6c, 0x6c, 0x69, 0x61, 0x20, 0x65, 0x73, 0x74, 0x20, 0x6f, 0x6d,
    0x6e, 0x69, 0x73, 0x20, 0x64, 0x69, 0x76, 0x69, 0x73, 0x61, 0x20, 0x69, 0x6e,
    0x20, 0x70, 0x61, 0x72, 0x74, 0x65, 0x73, 0x20, 0x74, 0x72, 0x65, 0x73,
};
static const uint8_t test_sealed[sizeof test_text + GCM_TAG_BYTES] = {
    0xf2, 0x4d, 0xe3, 0xa3, 0xfb, 0x34, 0xde, 0x6c, 0xac, 0xba, 0x86, 0x1c, 0x9d, 0x7e,
    0x4b, 0xca, 0xbe, 0x63, 0x3b, 0xd5, 0x0d, 0x29, 0x4e, 0x6f, 0x42, 0xa5, 0xf4, 0x7a,
    0x51, 0xc7, 0xd1, 0x9b, 0x36, 0xde, 0x3a, 0xdf, 0x88, 0x33, 0x89, 0x9d, 0x7f, 0x27,
    0xbe, 0xb1, 0x6a, 0x91, 0x52, 0xcf, 0x76, 0x5e, 0xe4, 0x39, 0x0c, 0xce,
};
static const srtp_cipher_test_case_t test_case = {
    .key_length_octets = sizeof test_key,
    .key = test_key,
    .idx = test_nonce,
    .plaintext_length_octets = sizeof test_text,
    .plaintext = test_text,
    .ciphertext_length_octets = sizeof test_sealed,
    .ciphertext = test_sealed,
    .aad_length_octets = sizeof test_header,
    .aad = test_header,
    .tag_length_octets = GCM_TAG_BYTES,
};

const srtp_cipher_type_t csrtp_gcm = {
    .alloc = alloc,
    .dealloc = dealloc,
    .init = init,
    .set_aad = set_aad,
    .encrypt = encrypt,
    .decrypt = decrypt,
    .set_iv = set_iv,
    .get_tag = get_tag,
    .description = "AES-128-GCM by libcrypto",
    .test_data = &test_case,
    .id = SRTP_AES_GCM_128,
};
