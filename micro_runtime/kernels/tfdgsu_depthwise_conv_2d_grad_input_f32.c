// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. With multiplier 1 a few channels at a time go through the whole image, their weights
// copied once. Else, and where an addend lies in dx's place and the filter is too large to be taken at once, one
// position and channel after the other.

#include "depthwise_tile.h"
#include "epilogue.h"
#include "multiply_add.h"
#include "tap_range.h"
#include "tfdgsu/kernels.h"

// Channel c, of any multiplier.
static float sum_position(const float* dy, const float* w, const TfdgsuWindow* s, int32_t b, int32_t y, int32_t x,
                          int32_t c) {
  const int32_t multiplier = s->out_c / s->in_c;
  float sum = 0.0f;
  for (int32_t ky = 0; ky < s->filter_h; ++ky) {
    const int32_t oy = tfdgsu_output_of_tap(y, ky, s->stride_h, s->pad_top, s->out_h);
    if (oy < 0) continue;
    for (int32_t kx = 0; kx < s->filter_w; ++kx) {
      const int32_t ox = tfdgsu_output_of_tap(x, kx, s->stride_w, s->pad_left, s->out_w);
      if (ox < 0) continue;
      const float* dy_at = dy + ((b * s->out_h + oy) * s->out_w + ox) * s->out_c + c * multiplier;
      const float* w_at = w + (ky * s->filter_w + kx) * s->out_c + c * multiplier;
      for (int32_t q = 0; q < multiplier; ++q) sum = tfdgsu_multiply_add(dy_at[q], w_at[q], sum);
    }
  }
  return sum;
}

static void sum_positions(float* dx, const float* dy, const float* w, const TfdgsuEpilogue* epilogue,
                          const TfdgsuWindow* s) {
  int32_t at = 0;
  for (int32_t b = 0; b < s->batches; ++b) {
    for (int32_t y = 0; y < s->in_h; ++y) {
      for (int32_t x = 0; x < s->in_w; ++x) {
        for (int32_t c = 0; c < s->in_c; ++c, ++at) {
          const float sum = sum_position(dy, w, s, b, y, x, c);
          tfdgsu_store_sums(dx, &sum, at, 1, epilogue);
        }
      }
    }
  }
}

// n channels, in the order of TfdgsuDepthwiseInputTile.
static void copy_taps(TfdgsuLanes* to, const float* w, const TfdgsuTaps* taps, const TfdgsuWindow* s, int32_t n) {
  for (int32_t ky = taps->ky; ky < taps->ky + taps->rows; ++ky) {
    const float* row = w + (ky * s->filter_w + taps->kx) * s->out_c;
    for (int32_t phase = 0; phase < s->stride_w; ++phase) {
      for (int32_t kx = phase; kx < taps->columns; kx += s->stride_w, ++to) {
        const float* at = row + kx * s->out_c;
        if (n == kTfdgsuLanes) {
          *to = *(const TfdgsuLanes*)at;
        } else {
          for (int32_t i = 0; i < kTfdgsuLanes; ++i) to->lane[i] = at[i < n ? i : 0];
        }
      }
    }
  }
}

void tfdgsu_depthwise_conv_2d_grad_input_f32(float* dx, const float* dy, const float* w,
                                             const TfdgsuEpilogue* epilogue,
                                             const TfdgsuWindow* window) {
  const TfdgsuWindow* s = window;
  if (s->out_c != s->in_c || tfdgsu_parts_overwrite(dx, epilogue, s)) {
    sum_positions(dx, dy, w, epilogue, s);
    return;
  }
  TfdgsuLanes real[kTfdgsuMaxTaps];
  TfdgsuTaps taps = tfdgsu_taps_at(0, 0, s);
  for (; taps.rows > 0; taps = tfdgsu_next_taps(&taps, s)) {
    for (int32_t c = 0; c < s->in_c; c += kTfdgsuLanes) {
      const int32_t n = s->in_c - c < kTfdgsuLanes ? s->in_c - c : kTfdgsuLanes;
      const TfdgsuDepthwiseInputTile tile = {dx + c, dy + c, s->in_c, s->out_c, real, c, n};
      copy_taps(real, w + c, &taps, s, n);
      tfdgsu_depthwise_input_tile_f32(&tile, &taps, epilogue, s);
    }
  }
}
