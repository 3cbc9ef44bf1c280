#include "COpus.h"

int32_t martlet_opus_set_bitrate(OpusEncoder *encoder, int32_t bits_per_second)
{
    return opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bits_per_second));
}

int32_t martlet_opus_set_complexity(OpusEncoder *encoder, int32_t complexity)
{
    return opus_encoder_ctl(encoder, OPUS_SET_COMPLEXITY(complexity));
}

int32_t martlet_opus_set_inband_fec(OpusEncoder *encoder, int32_t on, int32_t expected_loss_percent)
{
    int32_t status = opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(on));

    if (status != OPUS_OK)
        return status;
    return opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(on ? expected_loss_percent : 0));
}

int32_t martlet_opus_set_voice_signal(OpusEncoder *encoder, int32_t on)
{
    return opus_encoder_ctl(encoder, OPUS_SET_SIGNAL(on ? OPUS_SIGNAL_VOICE : OPUS_AUTO));
}

int32_t martlet_opus_reset_decoder(OpusDecoder *decoder)
{
    return opus_decoder_ctl(decoder, OPUS_RESET_STATE);
}
