// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Runs int8 convolutions on the shapes of forward_shapes.py, one per line of cases.txt, and prints the ticks of each.

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "counter.h"
#include "kernel_operands.h"
#include "tfdgsu/kernels_int8.h"

static const TfdgsuOverlayI8 kNone = {NULL, NULL, 0};
static const TfdgsuAddI8 kAdd = {1342177280, 0, 1610612736, 0, 1431655765, -19, 3, 4, -5, -128, 127};

// A line: depthwise, whether a residual is added, image size, result size, filter size, stride, padding, input
// channels, output channels.
int main(void) {
  int32_t is_depthwise, has_add;
  TfdgsuStageI8 stage;
  memset(&stage, 0, sizeof(stage));
  TfdgsuWindow* s = &stage.window;
  s->batches = 1;
  stage.is_present = 1;
  stage.x_zero_point = -11;
  stage.zero_point = -128;
  stage.min = -128;
  stage.max = 127;
  FILE* cases = fopen("cases.txt", "r");
  if (!cases) return 8;
  while (fscanf(cases, "%ld %ld %ld %ld %ld %ld %ld %ld %ld", &is_depthwise, &has_add, &s->in_h, &s->out_h,
                &s->filter_h, &s->stride_h, &s->pad_top, &s->in_c, &s->out_c) == 9) {
    s->in_w = s->in_h;
    s->out_w = s->out_h;
    s->filter_w = s->filter_h;
    s->stride_w = s->stride_h;
    s->pad_left = s->pad_top;
    used_bytes = 0;
    stage.w = Int8s(s->filter_h * s->filter_w * s->in_c * (is_depthwise ? 1 : s->out_c));
    stage.bias = Numbers(s->out_c, -300, 7);
    stage.multiplier = Numbers(s->out_c, 1 << 30, 1234567);
    stage.shift = Numbers(s->out_c, -8, 0);
    const TfdgsuRowsI8 x = {Int8s(s->in_h * s->in_w * s->in_c), s->in_h};
    const int32_t row = s->out_w * s->out_c;
    int8_t* y = Int8s(s->out_h * row);
    const TfdgsuAddI8* add = has_add ? &kAdd : NULL;
    BoardStartCounter();
    for (int32_t oy = 0; oy < s->out_h; ++oy) {
      int8_t* to = y + oy * row;
      if (is_depthwise) {
        tfdgsu_depthwise_conv_2d_row_i8(to, &x, oy, &stage, to, add);
      } else {
        tfdgsu_conv_2d_row_i8(to, &x, oy, &stage, &kNone, to, add);
      }
    }
    printf("%lu\n", (unsigned long)BoardTicks());
  }
  fclose(cases);
  return 0;
}
