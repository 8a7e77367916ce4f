// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: tfdgsu/kernels.h. Rows of the conv stage's result live in a ring, as many as the
// depthwise filter is high; the depthwise result in one row.

#include <stddef.h>

#include "conv_block_scratch.h"
#include "tfdgsu/kernels.h"

// Progress through one image.
typedef struct {
  const TfdgsuConvBlock* block;
  TfdgsuConvBlockScratch scratch;
  const int8_t* x;      // [H,W,C]
  int8_t* y;            // [Ho,Wo,Co]
  uint8_t* conv_mask;   // of all images, as the next one
  uint8_t* depthwise_mask;
  int32_t batch_idx;
  int32_t conv_rows;    // rows of the conv stage's result that are done
} Run;

static int32_t row_elements(const TfdgsuWindow* s) { return s->out_w * s->out_c; }

static void keep_mask(uint8_t* bits, const int8_t* row, int32_t oy, const TfdgsuStageI8* stage,
                      int32_t batch_idx) {
  if (!bits) return;
  const int32_t n = row_elements(&stage->window);
  tfdgsu_mask_run_i8(bits, (batch_idx * stage->window.out_h + oy) * n, row, stage->mask_low,
                     stage->mask_high, n);
}

static const TfdgsuStageI8* last_stage(const TfdgsuConvBlock* b) {
  if (b->project.is_present) return &b->project;
  return b->depthwise.is_present ? &b->depthwise : &b->conv;
}

// Row oy of y, and of the residual.
static int8_t* result_row(const Run* run, int32_t oy) {
  return run->y + oy * row_elements(&last_stage(run->block)->window);
}

static const int8_t* addend_row(const Run* run, int32_t oy) {
  const TfdgsuWindow* s = &last_stage(run->block)->window;
  return run->block->has_add ? run->x + oy * row_elements(s) : NULL;
}

static const TfdgsuAddI8* add_of(const Run* run, const TfdgsuStageI8* stage) {
  return run->block->has_add && stage == last_stage(run->block) ? &run->block->add : NULL;
}

// The next row of the conv stage, into the ring or y.
static void conv_row(Run* run) {
  const TfdgsuStageI8* stage = &run->block->conv;
  const TfdgsuRowsI8 image = {run->x, stage->window.in_h};
  const int32_t oy = run->conv_rows++;
  const int is_last = stage == last_stage(run->block);
  int8_t* row = is_last ? result_row(run, oy)
                        : run->scratch.ring +
                              (oy % run->scratch.ring_rows) * row_elements(&stage->window);
  tfdgsu_conv_2d_row_i8(row, &image, oy, stage, &run->block->overlay,
                        addend_row(run, oy), add_of(run, stage));
  keep_mask(run->conv_mask, row, oy, stage, run->batch_idx);
}

// Rows of the image that the stage behind conv sees.
static TfdgsuRowsI8 rows_behind_conv(const Run* run) {
  const TfdgsuConvBlock* b = run->block;
  TfdgsuRowsI8 rows = {run->x, (b->depthwise.is_present ? &b->depthwise : &b->project)->window.in_h};
  if (b->conv.is_present) {
    rows.data = run->scratch.ring;
    rows.n_rows = run->scratch.ring_rows;
  }
  return rows;
}

// Completes the conv stage up to `end`, rows below the image left out.
static void conv_until(Run* run, int32_t end) {
  if (!run->block->conv.is_present) return;
  const int32_t out_h = run->block->conv.window.out_h;
  while (run->conv_rows < (end < out_h ? end : out_h)) conv_row(run);
}

static void depthwise_row(Run* run, int32_t oy) {
  const TfdgsuStageI8* stage = &run->block->depthwise;
  const TfdgsuWindow* s = &stage->window;
  const TfdgsuRowsI8 rows = rows_behind_conv(run);
  conv_until(run, oy * s->stride_h - s->pad_top + s->filter_h);
  int8_t* row = run->block->project.is_present ? run->scratch.row : result_row(run, oy);
  tfdgsu_depthwise_conv_2d_row_i8(row, &rows, oy, stage, addend_row(run, oy), add_of(run, stage));
  keep_mask(run->depthwise_mask, row, oy, stage, run->batch_idx);
}

static void project_row(Run* run, int32_t oy) {
  static const TfdgsuOverlayI8 kNone = {NULL, NULL, 0};
  const TfdgsuStageI8* stage = &run->block->project;
  TfdgsuRowsI8 rows = {run->scratch.row, 1};
  if (run->block->depthwise.is_present) {
    depthwise_row(run, oy);
  } else {
    conv_until(run, oy + 1);
    rows = rows_behind_conv(run);
  }
  tfdgsu_conv_2d_row_i8(result_row(run, oy), &rows, oy, stage, &kNone,
                        addend_row(run, oy), add_of(run, stage));
}

static void run_image(Run* run) {
  const TfdgsuConvBlock* b = run->block;
  run->conv_rows = 0;
  const int32_t rows = last_stage(b)->window.out_h;
  for (int32_t oy = 0; oy < rows; ++oy) {
    if (b->project.is_present) {
      project_row(run, oy);
    } else if (b->depthwise.is_present) {
      depthwise_row(run, oy);
    }
  }
  // All of them if conv stands alone; else those that no window reads but the mask covers.
  if (run->conv_mask || last_stage(b) == &b->conv) conv_until(run, b->conv.window.out_h);
}

void tfdgsu_conv_block_i8(int8_t* y, uint8_t* conv_mask, uint8_t* depthwise_mask, const int8_t* x,
                          void* scratch, const TfdgsuConvBlock* block) {
  const TfdgsuStageI8* first = block->conv.is_present ? &block->conv : &block->depthwise;
  if (!first->is_present) first = &block->project;
  const TfdgsuWindow* in = &first->window;
  const TfdgsuWindow* out = &last_stage(block)->window;
  Run run = {block, {NULL, NULL, 0, 0}, x, y, conv_mask, depthwise_mask, 0, 0};
  run.scratch = tfdgsu_split_scratch(block, scratch);
  for (; run.batch_idx < in->batches; ++run.batch_idx) {
    run_image(&run);
    run.x += in->in_h * in->in_w * in->in_c;
    run.y += out->out_h * row_elements(out);
  }
}
