// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Which channels of an overlay lie inside a run of the image's channels.

#ifndef TFDGSU_KERNELS_OVERLAY_RUN_H_
#define TFDGSU_KERNELS_OVERLAY_RUN_H_

#include "tap_range.h"
#include "tfdgsu/kernels.h"

// The positions j with first <= channels[j] < first + n: at most n of them, as channels ascend.
static inline TfdgsuRange tfdgsu_overlay_run(const TfdgsuOverlayI8* overlay, int32_t first,
                                             int32_t n) {
  TfdgsuRange run = {0, 0};
  while (run.begin < overlay->n_channels && overlay->channels[run.begin] < first) ++run.begin;
  run.end = run.begin;
  while (run.end < overlay->n_channels && overlay->channels[run.end] < first + n) ++run.end;
  return run;
}

#endif  // TFDGSU_KERNELS_OVERLAY_RUN_H_
