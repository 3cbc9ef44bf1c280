#define _GNU_SOURCE
#include "CSrtpFaults.h"

#include <dlfcn.h>
#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <stddef.h>

static enum srtp_fault fault;
static uint64_t texts;
static uint64_t tags;

// What was to be put in, and what is put in in its place. Two ciphers, one hash.
static const srtp_cipher_type_t *good_cipher[2];
static srtp_cipher_type_t spoilt_cipher[2];
static const srtp_auth_type_t *good_auth;
static srtp_auth_type_t spoilt_auth;

void srtp_fault_set(enum srtp_fault wanted)
{
    fault = wanted;
}

uint64_t srtp_fault_texts(void)
{
    return texts;
}

uint64_t srtp_fault_tags(void)
{
    return tags;
}

// --- Ciphers: counter mode is 0, GCM is 1 ---

static srtp_err_status_t spoil(int kind, srtp_err_status_t status, srtp_cipher_pointer_t *cipher)
{
    if (status == srtp_err_status_ok)
        (*cipher)->type = &spoilt_cipher[kind];
    return status;
}

static srtp_err_status_t alloc_counter_mode(srtp_cipher_pointer_t *cipher, int key, int tag)
{
    return spoil(0, good_cipher[0]->alloc(cipher, key, tag), cipher);
}

static srtp_err_status_t alloc_gcm(srtp_cipher_pointer_t *cipher, int key, int tag)
{
    return spoil(1, good_cipher[1]->alloc(cipher, key, tag), cipher);
}

static srtp_err_status_t run_counter_mode(void *state, uint8_t *bytes, unsigned int *length)
{
    texts++;
    if (fault == SRTP_FAULT_COUNTER_MODE_IDLE)
        return srtp_err_status_ok;
    return good_cipher[0]->encrypt(state, bytes, length);
}

static srtp_err_status_t encrypt_gcm(void *state, uint8_t *bytes, unsigned int *length)
{
    texts++;
    return good_cipher[1]->encrypt(state, bytes, length);
}

static srtp_err_status_t decrypt_gcm(void *state, uint8_t *bytes, unsigned int *length)
{
    texts++;
    if (fault == SRTP_FAULT_GCM_OPENS_NOTHING)
        return srtp_err_status_auth_fail;
    return good_cipher[1]->decrypt(state, bytes, length);
}

static srtp_err_status_t set_aad_gcm(void *state, const uint8_t *bytes, uint32_t length)
{
    if (fault == SRTP_FAULT_GCM_HEADER_UNSIGNED)
        return srtp_err_status_ok;
    return good_cipher[1]->set_aad(state, bytes, length);
}

static srtp_err_status_t get_tag_gcm(void *state, uint8_t *tag, uint32_t *length)
{
    srtp_err_status_t status = good_cipher[1]->get_tag(state, tag, length);
    if (fault == SRTP_FAULT_GCM_TAG_WRONG)
        tag[*length - 1] ^= 1;
    return status;
}

srtp_err_status_t srtp_replace_cipher_type(const srtp_cipher_type_t *type, srtp_cipher_type_id_t id)
{
    srtp_err_status_t (*replace)(const srtp_cipher_type_t *, srtp_cipher_type_id_t) =
        dlsym(RTLD_NEXT, "srtp_replace_cipher_type");
    if (fault == SRTP_FAULT_NONE)
        return replace(type, id);
    int kind = id == SRTP_AES_GCM_128;
    good_cipher[kind] = type;
    spoilt_cipher[kind] = *type;
    if (kind == 1) {
        spoilt_cipher[1].alloc = alloc_gcm;
        spoilt_cipher[1].set_aad = set_aad_gcm;
        spoilt_cipher[1].encrypt = encrypt_gcm;
        spoilt_cipher[1].decrypt = decrypt_gcm;
        spoilt_cipher[1].get_tag = get_tag_gcm;
    } else {
        spoilt_cipher[0].alloc = alloc_counter_mode;
        spoilt_cipher[0].encrypt = run_counter_mode;
        spoilt_cipher[0].decrypt = run_counter_mode;
    }
    if (fault == SRTP_FAULT_NO_VECTORS)
        spoilt_cipher[kind].test_data = NULL;
    return replace(&spoilt_cipher[kind], id);
}

// --- The hash ---

static srtp_err_status_t alloc_auth(srtp_auth_pointer_t *auth, int key, int tag)
{
    srtp_err_status_t status = good_auth->alloc(auth, key, tag);
    if (status == srtp_err_status_ok)
        (*auth)->type = &spoilt_auth;
    return status;
}

static srtp_err_status_t compute(void *state, const uint8_t *bytes, int length, int tag_bytes,
                                 uint8_t *tag)
{
    tags++;
    srtp_err_status_t status = good_auth->compute(state, bytes, length, tag_bytes, tag);
    if (fault == SRTP_FAULT_HMAC_WRONG)
        tag[tag_bytes - 1] ^= 1;
    return status;
}

srtp_err_status_t srtp_replace_auth_type(const srtp_auth_type_t *type, srtp_auth_type_id_t id)
{
    srtp_err_status_t (*replace)(const srtp_auth_type_t *, srtp_auth_type_id_t) =
        dlsym(RTLD_NEXT, "srtp_replace_auth_type");
    if (fault == SRTP_FAULT_NONE)
        return replace(type, id);
    good_auth = type;
    spoilt_auth = *type;
    spoilt_auth.alloc = alloc_auth;
    spoilt_auth.compute = compute;
    return replace(&spoilt_auth, id);
}
