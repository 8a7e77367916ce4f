// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Power cuts at every step of a save. Exits with 1 at the first surprise; prints how many cases there were.
// Usage: check_power_cuts <file for some flash images and what was restored from them>

#include "versioned_weights.h"

static Flash start, scratch;
static unsigned long n_cuts;

static void Keep(FILE* images, const Weights* weights, TfdgsuCheckpointStatus status) {
  const uint32_t head[4] = {flash.slot_bytes, (uint32_t)status, weights->segments[3].bytes, weights->bytes};
  fwrite(head, 1, sizeof(head), images);
  fwrite(flash.bytes, 1, flash.size, images);
  for (int i = 0; i < kSegments; ++i) {
    if (weights->segments[i].bytes) fwrite(weights->segments[i].data, 1, weights->segments[i].bytes, images);
  }
}

// Saves version n + 1 over n earlier ones, cut at `step`. Whatever is restored then must be whole.
static void CheckCut(const TfdgsuCheckpointStorage* storage, Weights* weights, uint32_t n, Fault fault, int64_t step,
                     FILE* images) {
  TfdgsuCheckpointPlace place = {0, 0, 0};
  CopyFlash(&flash, &start);
  flash.fault = fault;
  flash.random = (uint32_t)(step * 7919 + fault + 1);
  if (n) {
    REQUIRE(!tfdgsu_checkpoint_find(storage, &kBundle, weights->segments, kSegments, &place));
    flash.protected_slot = (int)(place.offset / flash.slot_bytes);
  }
  flash.steps_left = step;
  const TfdgsuCheckpointStatus saved = Save(storage, weights, n + 1);
  REQUIRE(saved != kTfdgsuCheckpointOk);
  Reboot(&flash);
  const TfdgsuCheckpointStatus restored = Restore(storage, weights);
  if (n) {
    REQUIRE(restored == kTfdgsuCheckpointOk);
    REQUIRE(Holds(weights, n) || Holds(weights, n + 1));
  } else {
    REQUIRE(restored == kTfdgsuCheckpointOk ? Holds(weights, 1) : Holds(weights, 250));
    REQUIRE(restored <= kTfdgsuCheckpointDamaged);
  }
  if (fault < kEcc && n_cuts % 97 == 0) Keep(images, weights, restored);
  REQUIRE(Save(storage, weights, n + 2) == kTfdgsuCheckpointOk);
  REQUIRE(Restore(storage, weights) == kTfdgsuCheckpointOk && Holds(weights, n + 2));
  ++n_cuts;
}

static void CheckCuts(uint32_t page, uint32_t unit, uint32_t pages, uint32_t large, FILE* images) {
  Weights weights = NewWeights(large);
  TfdgsuCheckpointStorage storage = NewFlash(&flash, page, unit, pages);
  NewFlash(&start, page, unit, pages);
  NewFlash(&scratch, page, unit, pages);
  for (uint32_t n = 0; n < 4; ++n) {
    // `start` holds n saves; how many steps does the next one take?
    storage.context = &scratch;
    CopyFlash(&scratch, &start);
    scratch.steps = 0;
    REQUIRE(Save(&storage, &weights, n + 1) == kTfdgsuCheckpointOk);
    const uint32_t blob = tfdgsu_checkpoint_bytes(weights.segments, kSegments);
    REQUIRE(scratch.last_programmed % scratch.slot_bytes == (blob - 4) / unit * unit);  // the commit record alone
    for (uint32_t i = blob; i < scratch.slot_bytes; ++i) REQUIRE(scratch.bytes[i + (n % 2) * scratch.slot_bytes] == 0xFF);
    const int64_t steps = scratch.steps;
    storage.context = &flash;
    for (int fault = 0; fault < kFaults; ++fault) {
      for (int64_t step = 0; step < steps; ++step) CheckCut(&storage, &weights, n, (Fault)fault, step, images);
    }
    CopyFlash(&start, &scratch);
  }
  FreeWeights(&weights);
}

// One cut after the other: the last whole checkpoint must come through all of them.
static void CheckChain(uint32_t page, uint32_t unit, uint32_t pages, uint32_t large, uint32_t rounds) {
  Weights weights = NewWeights(large);
  TfdgsuCheckpointStorage storage = NewFlash(&flash, page, unit, pages);
  uint32_t held = 1, random = 12345;
  REQUIRE(Save(&storage, &weights, 1) == kTfdgsuCheckpointOk);
  for (uint32_t round = 0; round < rounds; ++round) {
    const uint32_t next = 2 + round % 200;
    flash.fault = (Fault)(Random(&random) % kFaults);
    flash.random = Random(&random) | 1u;
    flash.steps_left = Random(&random) % 8 ? (int64_t)(Random(&random) % (2 * weights.bytes)) : -1;
    const TfdgsuCheckpointStatus saved = Save(&storage, &weights, next);
    const int was_cut = flash.is_dead;
    Reboot(&flash);
    REQUIRE(was_cut || saved == kTfdgsuCheckpointOk);
    REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk);
    const int is_new = Holds(&weights, next);
    REQUIRE(is_new || (saved != kTfdgsuCheckpointOk && Holds(&weights, held)));
    if (is_new) held = next;
    ++n_cuts;
  }
  FreeWeights(&weights);
}

int main(int argc, char** argv) {
  static const uint32_t kUnitSizes[] = {1, 4, 8, 16, 256};
  static const uint32_t kPageSizes[] = {256, 1024, 4096};
  REQUIRE(argc == 2);
  FILE* images = fopen(argv[1], "wb");
  REQUIRE(images);
  for (int i = 0; i < 5; ++i) {
    for (int k = 0; k < 3; ++k) CheckCuts(kPageSizes[k], kUnitSizes[i], kPageSizes[k] == 256 ? 2 : 1, 90, images);
    CheckCuts(256, kUnitSizes[i], 4, 600, images);
    CheckChain(256, kUnitSizes[i], 3, 300, 2000);
    CheckChain(1024, kUnitSizes[i], 1, 100, 2000);
  }
  REQUIRE(!fclose(images));
  printf("%lu cuts\n", n_cuts);
  return 0;
}
