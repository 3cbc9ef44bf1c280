#pragma once

#include <stdint.h>

#include <opus/opus.h>

/*
 * libopus sets options through variadic macros, which Swift cannot call. One plain function for
 * each option in use; each returns OPUS_OK or a negative libopus error. None of them allocates.
 */

int32_t martlet_opus_set_bitrate(OpusEncoder *encoder, int32_t bits_per_second);
int32_t martlet_opus_set_complexity(OpusEncoder *encoder, int32_t complexity);
int32_t martlet_opus_set_inband_fec(OpusEncoder *encoder, int32_t on,
                                    int32_t expected_loss_percent);
int32_t martlet_opus_set_voice_signal(OpusEncoder *encoder, int32_t on);
int32_t martlet_opus_reset_decoder(OpusDecoder *decoder);
