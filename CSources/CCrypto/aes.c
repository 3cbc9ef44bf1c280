// AES-128 on prepared EVP contexts: the key schedule is made once, and EVP_Cipher goes straight to
// the block function without EVP_CipherUpdate's buffering. The older AES_encrypt would need no
// context at all, but its tables leak through the cache; EVP takes the AES instructions.
#include "CCrypto.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct cc_aes128 {
    EVP_CIPHER_CTX *encrypt;
    EVP_CIPHER_CTX *decrypt;
};

static EVP_CIPHER_CTX *context(const uint8_t key[16], int encrypting)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx)
        return NULL;
    if (EVP_CipherInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL, encrypting) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    return ctx;
}

struct cc_aes128 *cc_aes128_create(const uint8_t key[16])
{
    struct cc_aes128 *aes = calloc(1, sizeof *aes);
    if (!aes)
        return NULL;
    aes->encrypt = context(key, 1);
    aes->decrypt = context(key, 0);
    if (!aes->encrypt || !aes->decrypt) {
        cc_aes128_destroy(aes);
        return NULL;
    }
    return aes;
}

void cc_aes128_destroy(struct cc_aes128 *aes)
{
    if (!aes)
        return;
    EVP_CIPHER_CTX_free(aes->encrypt);
    EVP_CIPHER_CTX_free(aes->decrypt);
    free(aes);
}

// One whole block without padding cannot fail once the context stands.
static void run(EVP_CIPHER_CTX *ctx, struct cc_block *block)
{
    uint64_t words[2] = {htobe64(block->high), htobe64(block->low)};
    uint8_t *bytes = (uint8_t *)words;
    if (EVP_Cipher(ctx, bytes, bytes, sizeof words) < 1)
        abort();
    block->high = be64toh(words[0]);
    block->low = be64toh(words[1]);
}

void cc_aes128_encrypt(struct cc_aes128 *aes, struct cc_block *block)
{
    run(aes->encrypt, block);
}

void cc_aes128_decrypt(struct cc_aes128 *aes, struct cc_block *block)
{
    run(aes->decrypt, block);
}
