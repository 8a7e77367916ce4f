// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Runs the gradient kernels on the shapes of kernels.py, one per line of cases.txt, and prints the ticks of each.
// All selected channels are gathered, and that counts.

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "counter.h"
#include "kernel_operands.h"
#include "tfdgsu/kernels.h"

static const TfdgsuEpilogue kEnd = {NULL, NULL, 0.0f};
static const TfdgsuSgd kSgd = {0.01f, 0.0f, 0};
static const TfdgsuQuantization kReal = {0.02f, 3};

static uint32_t InputGradient(const TfdgsuWindow* s, int is_depthwise, int is_int8) {
  const int32_t n_w = s->filter_h * s->filter_w * s->in_c * (is_depthwise ? 1 : s->out_c);
  float* dx = Take(s->in_h * s->in_w * s->in_c, sizeof(float));
  const float* dy = Floats(s->out_h * s->out_w * s->out_c);
  if (!is_int8) {
    const float* w = Floats(n_w);
    BoardStartCounter();
    if (is_depthwise) {
      tfdgsu_depthwise_conv_2d_grad_input_f32(dx, dy, w, &kEnd, s);
    } else {
      tfdgsu_conv_2d_grad_input_f32(dx, dy, w, &kEnd, s);
    }
    return BoardTicks();
  }
  const int8_t* w = Int8s(n_w);
  const float* scales = Scales(s->out_c);
  BoardStartCounter();
  if (is_depthwise) {
    tfdgsu_depthwise_conv_2d_grad_input_i8(dx, dy, w, scales, &kEnd, s);
  } else {
    tfdgsu_conv_2d_grad_input_i8(dx, dy, w, scales, NULL, &kEnd, s);
  }
  return BoardTicks();
}

// Gathers in_c of n_channels channels, then sums and updates.
static uint32_t FilterGradient(const TfdgsuWindow* s, int is_depthwise, int32_t n_channels, int rounding) {
  const int32_t n_w = s->filter_h * s->filter_w * n_channels * (is_depthwise ? 1 : s->out_c);
  const int32_t rows = s->in_h * s->in_w;
  const int32_t* channels = Channels(s->in_c, n_channels);
  const float* dy = Floats(s->out_h * s->out_w * s->out_c);
  if (rounding < 0) {
    const float* x = Floats(rows * n_channels);
    float* x_sel = Take(rows * s->in_c, sizeof(float));
    float* w = Floats(n_w);
    BoardStartCounter();
    tfdgsu_gather_channels_f32(x_sel, x, channels, NULL, rows, n_channels, s->in_c);
    if (is_depthwise) {
      tfdgsu_depthwise_conv_2d_grad_filter_f32(w, NULL, x_sel, dy, channels, 1, &kSgd, s);
    } else {
      tfdgsu_conv_2d_grad_filter_f32(w, NULL, x_sel, dy, channels, n_channels, &kSgd, s);
    }
    return BoardTicks();
  }
  const int8_t* x = Int8s(rows * n_channels);
  int8_t* x_sel = Take(rows * s->in_c, 1);
  int8_t* w = Int8s(n_w);
  int8_t* remainder = rounding == kTfdgsuRemainder ? Int8s(n_w) : NULL;
  const float* scales = Scales(s->out_c);
  const TfdgsuIntegerSgd update = {kSgd, rounding, 1, 2, 3, 0};
  BoardStartCounter();
  tfdgsu_gather_channels_i8(x_sel, x, channels, NULL, rows, n_channels, s->in_c);
  if (is_depthwise) {
    tfdgsu_depthwise_conv_2d_grad_filter_i8(w, remainder, NULL, scales, x_sel, &kReal, dy, channels, 1,
                                            &update, s);
  } else {
    tfdgsu_conv_2d_grad_filter_i8(w, remainder, NULL, scales, x_sel, &kReal, dy, channels, n_channels,
                                  &update, s);
  }
  return BoardTicks();
}

// A line: kind (0 input, 1 filter gradient), depthwise, rounding (-1: float32), image size, result size, filter
// size, stride, padding, input channels, output channels, channels before the selection.
int main(void) {
  int32_t kind, is_depthwise, rounding, n_channels;
  TfdgsuWindow s;
  memset(&s, 0, sizeof(s));
  s.batches = 1;
  FILE* cases = fopen("cases.txt", "r");
  if (!cases) return 8;
  while (fscanf(cases, "%ld %ld %ld %ld %ld %ld %ld %ld %ld %ld %ld", &kind, &is_depthwise, &rounding, &s.in_h,
                &s.out_h, &s.filter_h, &s.stride_h, &s.pad_top, &s.in_c, &s.out_c, &n_channels) == 11) {
    s.in_w = s.in_h;
    s.out_w = s.out_h;
    s.filter_w = s.filter_h;
    s.stride_w = s.stride_h;
    s.pad_left = s.pad_top;
    used_bytes = 0;
    const uint32_t ticks = kind ? FilterGradient(&s, is_depthwise, n_channels, rounding)
                                : InputGradient(&s, is_depthwise, rounding >= 0);
    printf("%lu\n", (unsigned long)ticks);
  }
  fclose(cases);
  return 0;
}
