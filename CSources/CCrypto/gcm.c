// AES-256-GCM over whole messages. Contexts are made for each call: it seals and opens what clients
// carry over HTTP, not packets.
#include "CCrypto.h"

#include <limits.h>
#include <openssl/evp.h>

enum { TAG_BYTES = 16 };

int cc_aes256_gcm_seal(const uint8_t key[32], const uint8_t nonce[12], const void *plain,
                       size_t length, void *sealed)
{
    EVP_CIPHER_CTX *ctx = length <= INT_MAX ? EVP_CIPHER_CTX_new() : NULL;
    int count = 0, rest = 0;
    int good =
        ctx && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
        EVP_EncryptUpdate(ctx, sealed, &count, plain, (int)length) == 1 &&
        EVP_EncryptFinal_ex(ctx, (uint8_t *)sealed + count, &rest) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, (uint8_t *)sealed + length) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good;
}

int cc_aes256_gcm_open(const uint8_t key[32], const uint8_t nonce[12], const void *sealed,
                       size_t length, void *plain)
{
    if (length < TAG_BYTES || length > INT_MAX)
        return 0;
    size_t content = length - TAG_BYTES;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int count = 0, rest = 0;
    int good = ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) == 1 &&
               EVP_DecryptUpdate(ctx, plain, &count, sealed, (int)content) == 1 &&
               EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES,
                                   (uint8_t *)sealed + content) == 1 &&
               EVP_DecryptFinal_ex(ctx, (uint8_t *)plain + count, &rest) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return good;
}
