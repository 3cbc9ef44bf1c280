#include "CSrtp.h"

#include "library.h"

#include <srtp2/srtp.h>
#include <stdlib.h>

enum {
    REPLAY_WINDOW_PACKETS = 128,  // libsrtp's default; 2.5 s of speech
    PACKET_BYTES_MAX = 65535,
};

struct csrtp_pair {
    srtp_t outbound;
    srtp_t inbound;
};

const char *csrtp_prepare(void)
{
    const char *failure = csrtp_lock_library(CSRTP_BY_LIBCRYPTO);
    csrtp_unlock_library();
    return failure;
}

size_t csrtp_master_bytes(uint32_t profile)
{
    switch (profile) {
    case CSRTP_AES128_CM_SHA1_80:
        return SRTP_AES_ICM_128_KEY_LEN_WSALT;
    case CSRTP_AEAD_AES_128_GCM:
        return SRTP_AES_GCM_128_KEY_LEN_WSALT;
    default:
        return 0;
    }
}

static srtp_t make_session(uint32_t profile, srtp_ssrc_type_t direction, const uint8_t *master)
{
    srtp_policy_t policy = {.window_size = REPLAY_WINDOW_PACKETS};
    policy.ssrc.type = direction;
    policy.key = (unsigned char *)master;  // libsrtp reads it here and keeps what it derived
    if (profile == CSRTP_AEAD_AES_128_GCM) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    srtp_t session = NULL;
    return srtp_create(&session, &policy) == srtp_err_status_ok ? session : NULL;
}

struct csrtp_pair *csrtp_create(uint32_t profile, enum csrtp_cryptography cryptography,
                                const uint8_t *local_master, const uint8_t *remote_master)
{
    if (csrtp_master_bytes(profile) == 0)
        return NULL;
    struct csrtp_pair *pair = calloc(1, sizeof *pair);
    if (!pair)
        return NULL;
    if (!csrtp_lock_library(cryptography)) {
        pair->outbound = make_session(profile, ssrc_any_outbound, local_master);
        pair->inbound = make_session(profile, ssrc_any_inbound, remote_master);
    }
    csrtp_unlock_library();
    if (pair->outbound && pair->inbound)
        return pair;
    csrtp_free(pair);
    return NULL;
}

void csrtp_free(struct csrtp_pair *pair)
{
    if (!pair)
        return;
    if (pair->outbound)
        srtp_dealloc(pair->outbound);
    if (pair->inbound)
        srtp_dealloc(pair->inbound);
    free(pair);
}

static enum csrtp_status status_of(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok:
        return CSRTP_OK;
    case srtp_err_status_auth_fail:
        return CSRTP_AUTHENTICATION;
    // libsrtp reports a GCM packet without room for its tag as a failed cipher, and with NSS a
    // wrong tag as well.
    case srtp_err_status_cipher_fail:
        return CSRTP_AUTHENTICATION;
    case srtp_err_status_replay_fail:
        return CSRTP_REPLAYED;
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
        return CSRTP_OLD;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err:
        return CSRTP_MALFORMED;
    default:
        return CSRTP_FAILED;
    }
}

typedef srtp_err_status_t transform(srtp_t session, void *packet, int *length);

static enum csrtp_status apply(transform *step, srtp_t session, void *packet, size_t *length)
{
    if (*length > PACKET_BYTES_MAX)
        return CSRTP_MALFORMED;
    int count = (int)*length;
    enum csrtp_status status = status_of(step(session, packet, &count));
    if (status == CSRTP_OK)
        *length = (size_t)count;
    return status;
}

enum csrtp_status csrtp_protect_rtp(struct csrtp_pair *pair, void *packet, size_t *length)
{
    return apply(srtp_protect, pair->outbound, packet, length);
}

enum csrtp_status csrtp_unprotect_rtp(struct csrtp_pair *pair, void *packet, size_t *length)
{
    return apply(srtp_unprotect, pair->inbound, packet, length);
}

enum csrtp_status csrtp_protect_rtcp(struct csrtp_pair *pair, void *packet, size_t *length)
{
    return apply(srtp_protect_rtcp, pair->outbound, packet, length);
}

enum csrtp_status csrtp_unprotect_rtcp(struct csrtp_pair *pair, void *packet, size_t *length)
{
    return apply(srtp_unprotect_rtcp, pair->inbound, packet, length);
}
