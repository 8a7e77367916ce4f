// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels_int8.h. With multiplier 1 a few channels at a time go through the whole image, their weights
// converted once. Else, and where an addend lies in dx's place and the filter is too large to be taken at once, one
// position and channel after the other.

#include "depthwise_filter_i8.h"
#include "depthwise_tile.h"
#include "epilogue.h"
#include "multiply_add.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

// Channel c, of any multiplier.
static float sum_position(const float* dy, const int8_t* w, const float* scales, const TfdgsuWindow* s, int32_t b,
                          int32_t y, int32_t x, int32_t c) {
  const int32_t multiplier = s->out_c / s->in_c;
  float sum = 0.0f;
  for (int32_t ky = 0; ky < s->filter_h; ++ky) {
    const int32_t oy = tfdgsu_output_of_tap(y, ky, s->stride_h, s->pad_top, s->out_h);
    if (oy < 0) continue;
    for (int32_t kx = 0; kx < s->filter_w; ++kx) {
      const int32_t ox = tfdgsu_output_of_tap(x, kx, s->stride_w, s->pad_left, s->out_w);
      if (ox < 0) continue;
      const float* dy_at = dy + ((b * s->out_h + oy) * s->out_w + ox) * s->out_c;
      const int8_t* w_at = w + (ky * s->filter_w + kx) * s->out_c;
      for (int32_t o = c * multiplier; o < (c + 1) * multiplier; ++o) {
        sum = tfdgsu_multiply_add(dy_at[o], scales[o] * (float)w_at[o], sum);
      }
    }
  }
  return sum;
}

static void sum_positions(float* dx, const float* dy, const int8_t* w, const float* scales,
                          const TfdgsuEpilogue* epilogue, const TfdgsuWindow* s) {
  int32_t at = 0;
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t y = 0; y < s->in_h; ++y) {
      for (int32_t x = 0; x < s->in_w; ++x) {
        for (int32_t c = 0; c < s->in_c; ++c, ++at) {
          const float sum = sum_position(dy, w, scales, s, b, y, x, c);
          tfdgsu_store_sums(dx, &sum, at, 1, epilogue);
        }
      }
    }
  }
}

void tfdgsu_depthwise_conv_2d_grad_input_i8(float* dx, const float* dy, const int8_t* w,
                                            const float* scales, const TfdgsuEpilogue* epilogue,
                                            const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  if (s->out_c != s->in_c || tfdgsu_parts_overwrite(dx, epilogue, s)) {
    sum_positions(dx, dy, w, scales, epilogue, s);
    return;
  }
  TfdgsuLanes real[kTfdgsuMaxTaps];
  TfdgsuTaps taps = tfdgsu_taps_at(0, 0, s);
  for (; taps.rows > 0; taps = tfdgsu_next_taps(&taps, s)) {
    for (int32_t c = 0; c < s->in_c; c += kTfdgsuLanes) {
      const int32_t n = s->in_c - c < kTfdgsuLanes ? s->in_c - c : kTfdgsuLanes;
      const TfdgsuDepthwiseInputTile tile = {dx + c, dy + c, s->in_c, s->out_c, real, c, n};
      tfdgsu_convert_taps(real, w + c, s->out_c, scales + c, &taps, s, n);
      tfdgsu_depthwise_input_tile_f32(&tile, &taps, epilogue, s);
    }
  }
}
