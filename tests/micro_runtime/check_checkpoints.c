// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Checkpoints on flash with power: bit rot, foreign blobs, sizes, failing storage. Exits with 1 at the first surprise;
// prints how many cases there were.

#include "versioned_weights.h"

static unsigned long n_flips, n_other;

// Every bit of both slots, flipped alone; then one in each.
static void CheckBitRot(void) {
  Weights weights = NewWeights(150);
  TfdgsuCheckpointStorage storage = NewFlash(&flash, 256, 8, 1);
  const uint32_t blob = tfdgsu_checkpoint_bytes(weights.segments, kSegments);
  REQUIRE(Save(&storage, &weights, 1) == kTfdgsuCheckpointOk);  // slot 0
  REQUIRE(Save(&storage, &weights, 2) == kTfdgsuCheckpointOk);  // slot 1
  for (uint32_t bit = 0; bit < 8 * flash.size; ++bit) {
    const uint32_t at = bit / 8;
    flash.bytes[at] ^= (uint8_t)(1u << bit % 8);
    REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk);
    REQUIRE(Holds(&weights, at >= flash.slot_bytes && at < flash.slot_bytes + blob ? 1 : 2));
    if (at < blob) {
      flash.bytes[flash.slot_bytes + (at * 5) % blob] ^= 16;
      REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointDamaged && Holds(&weights, 250));
      flash.bytes[flash.slot_bytes + (at * 5) % blob] ^= 16;
    }
    flash.bytes[at] ^= (uint8_t)(1u << bit % 8);
    ++n_flips;
  }
  FreeWeights(&weights);
}

static uint32_t ReferenceCrc(const uint8_t* data, uint32_t n) {
  uint32_t crc = 0xFFFFFFFFu;
  for (uint32_t i = 0; i < n; ++i) {
    crc ^= data[i];
    for (int k = 0; k < 8; ++k) crc = (crc >> 1) ^ (crc & 1u ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

// Sets a header field of a blob and makes its CRC right.
static void Patch(uint8_t* blob, uint32_t bytes, uint32_t offset, uint32_t value) {
  for (uint32_t i = 0; i < 4; ++i) blob[offset + i] = (uint8_t)(value >> (8 * i));
  const uint32_t crc = ReferenceCrc(blob, bytes - 4);
  for (uint32_t i = 0; i < 4; ++i) blob[bytes - 4 + i] = (uint8_t)(crc >> (8 * i));
}

static void CheckSequences(void) {
  static const uint32_t kFirst[] = {0u, 1u, 0x7FFFFFFEu, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFEu, 0xFFFFFFFFu};
  Weights weights = NewWeights(40);
  for (uint32_t i = 0; i < sizeof(kFirst) / sizeof(kFirst[0]); ++i) {
    TfdgsuCheckpointStorage storage = NewFlash(&flash, 256, 4, 1);
    TfdgsuCheckpointPlace place;
    const uint32_t blob = tfdgsu_checkpoint_bytes(weights.segments, kSegments);
    REQUIRE(Save(&storage, &weights, 1) == kTfdgsuCheckpointOk);
    Patch(flash.bytes, blob, 24, kFirst[i]);
    for (uint32_t n = 2; n < 8; ++n) {
      REQUIRE(Save(&storage, &weights, n) == kTfdgsuCheckpointOk);
      REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk && Holds(&weights, n));
      REQUIRE(!tfdgsu_checkpoint_find(&storage, &kBundle, weights.segments, kSegments, &place));
      REQUIRE(place.sequence == kFirst[i] + n - 1 && place.bytes == blob);
      REQUIRE(place.offset == (n % 2 ? 0 : flash.slot_bytes));
      ++n_other;
    }
  }
  FreeWeights(&weights);
}

// Slots that hold something intact that is not for us.
static void CheckOthers(void) {
  const TfdgsuBundleId same_crc = {kBundle.file_bytes + 1, kBundle.crc32};
  const TfdgsuBundleId same_length = {kBundle.file_bytes, kBundle.crc32 ^ 1u};
  Weights weights = NewWeights(40), other = NewWeights(41), mine = NewWeights(40);
  TfdgsuCheckpointStorage storage = NewFlash(&flash, 256, 8, 1);
  const uint32_t blob = tfdgsu_checkpoint_bytes(weights.segments, kSegments);
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointEmpty && Holds(&weights, 250));
  REQUIRE(Save(&storage, &weights, 1) == kTfdgsuCheckpointOk);
  Fill(&weights, 250);
  REQUIRE(tfdgsu_checkpoint_restore(&storage, &same_crc, weights.segments, kSegments) ==
          kTfdgsuCheckpointOtherBundle);
  REQUIRE(tfdgsu_checkpoint_restore(&storage, &same_length, weights.segments, kSegments) ==
          kTfdgsuCheckpointOtherBundle);
  REQUIRE(tfdgsu_checkpoint_restore(&storage, &kBundle, weights.segments, kSegments - 1) ==
          kTfdgsuCheckpointOtherVariables);
  REQUIRE(Restore(&storage, &other) == kTfdgsuCheckpointOtherVariables && Holds(&other, 250));
  const TfdgsuCheckpointSegment held = weights.segments[0];
  weights.segments[0] = weights.segments[2];  // the same total in another order
  weights.segments[2] = held;
  REQUIRE(tfdgsu_checkpoint_restore(&storage, &kBundle, weights.segments, kSegments) ==
          kTfdgsuCheckpointOtherVariables);
  weights.segments[2] = weights.segments[0];
  weights.segments[0] = held;
  REQUIRE(Holds(&weights, 250));
  // Of two bundles' checkpoints, save replaces the other bundle's, and never its own newest.
  Fill(&mine, 9);
  REQUIRE(tfdgsu_checkpoint_save(&storage, &same_crc, mine.segments, kSegments) == kTfdgsuCheckpointOk);
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk && Holds(&weights, 1));
  flash.protected_slot = 0;
  REQUIRE(Save(&storage, &weights, 2) == kTfdgsuCheckpointOk);
  flash.protected_slot = -1;
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk && Holds(&weights, 2));
  // Longer than its variables; of another version.
  Patch(flash.bytes + flash.slot_bytes, blob + 8, 12, blob + 8);
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk && Holds(&weights, 1));
  Patch(flash.bytes, blob + 8, 12, blob + 8);
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOtherVariables && Holds(&weights, 250));
  Patch(flash.bytes, blob, 12, blob);
  Patch(flash.bytes + flash.slot_bytes, blob, 12, blob);
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk && Holds(&weights, 2));
  Patch(flash.bytes + flash.slot_bytes, blob, 8, 3);
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk && Holds(&weights, 1));
  Patch(flash.bytes, blob, 8, 3);
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOtherVersion && Holds(&weights, 250));
  REQUIRE(Save(&storage, &weights, 4) == kTfdgsuCheckpointOk);
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk && Holds(&weights, 4));
  // Of two of another bundle, the later one stays.
  storage = NewFlash(&flash, 256, 8, 1);
  for (uint32_t n = 0; n < 3; ++n) {
    REQUIRE(!tfdgsu_checkpoint_save(&storage, &same_crc, mine.segments, kSegments));
  }
  flash.protected_slot = 0;
  REQUIRE(Save(&storage, &weights, 5) == kTfdgsuCheckpointOk);
  storage = NewFlash(&flash, 256, 8, 1);
  for (uint32_t n = 0; n < 2; ++n) {
    REQUIRE(!tfdgsu_checkpoint_save(&storage, &same_crc, mine.segments, kSegments));
  }
  flash.protected_slot = 1;
  REQUIRE(Save(&storage, &weights, 5) == kTfdgsuCheckpointOk);
  n_other += 13;
  FreeWeights(&weights);
  FreeWeights(&other);
  FreeWeights(&mine);
}

static void CheckSizes(void) {
  Weights weights = NewWeights(1024 - 74);
  TfdgsuCheckpointStorage storage = NewFlash(&flash, 512, 256, 2);
  REQUIRE(tfdgsu_checkpoint_bytes(weights.segments, kSegments) == 1024);
  REQUIRE(Save(&storage, &weights, 1) == kTfdgsuCheckpointOk && Save(&storage, &weights, 2) == kTfdgsuCheckpointOk);
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk && Holds(&weights, 2));
  Weights larger = NewWeights(1024 - 73);
  flash.steps = 0;
  REQUIRE(Save(&storage, &larger, 3) == kTfdgsuCheckpointTooLarge && flash.steps == 0);
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk && Holds(&weights, 2));
  // No variable at all, and none with bytes.
  const TfdgsuCheckpointSegment nothing[2] = {{NULL, 0}, {NULL, 0}};
  for (uint32_t n = 0; n < 3; ++n) {
    storage = NewFlash(&flash, 256, 16, 1);
    REQUIRE(tfdgsu_checkpoint_save(&storage, &kBundle, n ? nothing : NULL, n) == kTfdgsuCheckpointOk);
    REQUIRE(tfdgsu_checkpoint_restore(&storage, &kBundle, n ? nothing : NULL, n) == kTfdgsuCheckpointOk);
    ++n_other;
  }
  // Slots too small for any blob.
  storage = NewFlash(&flash, 16, 1, 2);
  REQUIRE(tfdgsu_checkpoint_restore(&storage, &kBundle, NULL, 0) == kTfdgsuCheckpointDamaged);
  REQUIRE(tfdgsu_checkpoint_save(&storage, &kBundle, NULL, 0) == kTfdgsuCheckpointTooLarge);
  FreeWeights(&weights);
  FreeWeights(&larger);
}

static void CheckArguments(void) {
  Weights weights = NewWeights(8);
  const TfdgsuCheckpointStorage good = NewFlash(&flash, 256, 8, 1);
  TfdgsuCheckpointStorage bad[10];
  for (int i = 0; i < 10; ++i) bad[i] = good;
  bad[0].erase = NULL;
  bad[1].program = NULL;
  bad[2].read = NULL;
  bad[3].page_bytes = 0;
  bad[4].program_bytes = 0;
  bad[5].program_bytes = 257;
  bad[6].program_bytes = 24;
  bad[7].slot_pages = 0;
  bad[8].slot_pages = 0x80000000u / 256;
  bad[9].slot_pages = 0xFFFFFFFFu;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(Save(&bad[i], &weights, 1) == kTfdgsuCheckpointBadStorage);
    REQUIRE(Restore(&bad[i], &weights) == kTfdgsuCheckpointBadStorage && Holds(&weights, 250));
    ++n_other;
  }
  const TfdgsuCheckpointSegment wrong[2] = {{NULL, 1}, {NULL, 0}};
  uint8_t byte = 0;
  const TfdgsuCheckpointSegment huge[2] = {{&byte, 0xFFFFFFF0u}, {&byte, 0xFFFFFFF0u}};
  TfdgsuCheckpointPlace* nowhere = NULL;
  REQUIRE(Save(NULL, &weights, 1) == kTfdgsuCheckpointBadStorage);
  REQUIRE(tfdgsu_checkpoint_save(&good, NULL, weights.segments, kSegments) == kTfdgsuCheckpointBadArgument);
  REQUIRE(tfdgsu_checkpoint_save(&good, &kBundle, NULL, 1) == kTfdgsuCheckpointBadArgument);
  REQUIRE(tfdgsu_checkpoint_save(&good, &kBundle, wrong, 2) == kTfdgsuCheckpointBadArgument);
  REQUIRE(tfdgsu_checkpoint_save(&good, &kBundle, huge, 2) == kTfdgsuCheckpointBadArgument);
  REQUIRE(tfdgsu_checkpoint_save(&good, &kBundle, huge, 1) == kTfdgsuCheckpointBadArgument);
  REQUIRE(tfdgsu_checkpoint_find(&good, &kBundle, NULL, 0, nowhere) == kTfdgsuCheckpointBadArgument);
  REQUIRE(flash.steps == 0);
  FreeWeights(&weights);
}

// Each erase and program call refused in turn, and a flash that programs nothing.
static int n_nothings;
static int ProgramNothing(void* context, uint32_t offset, const void* data, uint32_t n) {
  (void)context, (void)offset, (void)data, (void)n;
  ++n_nothings;
  return 0;
}

static int ReadNothing(void* context, uint32_t offset, void* data, uint32_t n) {
  (void)context, (void)offset, (void)data, (void)n;
  return 1;
}

// An interrupt that trains on while weights are saved.
static uint8_t* changing;
static int ProgramAndTrain(void* context, uint32_t offset, const void* data, uint32_t n) {
  ++*changing;
  return FlashProgram(context, offset, data, n);
}

// After some good reads, all of one slot or of both are bad.
static int64_t good_reads;
static int bad_slot;  // -1: both
static int ReadAnything(void* context, uint32_t offset, void* data, uint32_t n) {
  const int failed = FlashRead(context, offset, data, n);
  const int may_fail = bad_slot < 0 || (int)(offset / flash.slot_bytes) == bad_slot;
  if (good_reads-- <= 0 && may_fail) ((uint8_t*)data)[Random(&flash.random) % n] ^= 1;
  return failed;
}

static void CheckFailures(void) {
  Weights weights = NewWeights(710);
  TfdgsuCheckpointStorage storage = NewFlash(&flash, 256, 8, 4);
  unsigned n_kinds[2] = {0, 0};
  REQUIRE(Save(&storage, &weights, 1) == kTfdgsuCheckpointOk);
  for (int64_t call = 0;; ++call) {
    flash.calls_to_failure = call;
    flash.protected_slot = 0;
    const TfdgsuCheckpointStatus status = Save(&storage, &weights, 2);
    flash.protected_slot = -1;
    if (flash.calls_to_failure >= 0) break;
    REQUIRE(status == kTfdgsuCheckpointEraseFailed || status == kTfdgsuCheckpointProgramFailed);
    ++n_kinds[status == kTfdgsuCheckpointProgramFailed];
    flash.calls_to_failure = -1;
    REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk && Holds(&weights, 1));
    ++n_other;
  }
  REQUIRE(n_kinds[0] == 4 && n_kinds[1] == 5);  // 784 bytes in 4 pages: 3 * 256, 8, and 8 with the commit record
  flash.calls_to_failure = -1;
  storage.program = ProgramNothing;
  REQUIRE(Save(&storage, &weights, 3) == kTfdgsuCheckpointVerifyFailed);
  REQUIRE(n_nothings == 1);  // no commit record behind what didn't read back
  storage.program = ProgramAndTrain;
  changing = (uint8_t*)weights.segments[3].data + 709;
  REQUIRE(Save(&storage, &weights, 3) == kTfdgsuCheckpointVerifyFailed);
  storage.program = FlashProgram;
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk && Holds(&weights, 2));
  REQUIRE(Save(&storage, &weights, 4) == kTfdgsuCheckpointOk);
  storage.read = ReadNothing;
  REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointDamaged && Holds(&weights, 250));
  // Storage that goes bad in the middle: the segments are whole, untouched, or declared a mixture.
  storage.read = ReadAnything;
  unsigned n_unstable = 0, n_older = 0;
  bad_slot = -1;
  for (int64_t reads = 0; reads < 120; ++reads) {
    good_reads = reads;
    const TfdgsuCheckpointStatus status = Restore(&storage, &weights);
    n_unstable += status == kTfdgsuCheckpointUnstable;
    if (status == kTfdgsuCheckpointOk) REQUIRE(Holds(&weights, 4));
    if (status != kTfdgsuCheckpointOk && status != kTfdgsuCheckpointUnstable) REQUIRE(Holds(&weights, 250));
    ++n_other;
  }
  REQUIRE(n_unstable > 0 && n_unstable < 60);
  // If it is the newest slot alone that goes bad, the other one takes its place.
  TfdgsuCheckpointPlace place;
  storage.read = FlashRead;
  REQUIRE(!tfdgsu_checkpoint_find(&storage, &kBundle, weights.segments, kSegments, &place));
  bad_slot = (int)(place.offset / flash.slot_bytes);
  storage.read = ReadAnything;
  for (int64_t reads = 0; reads < 60; ++reads) {
    good_reads = reads;
    REQUIRE(Restore(&storage, &weights) == kTfdgsuCheckpointOk);
    REQUIRE(Holds(&weights, 2) || Holds(&weights, 4));
    n_older += Holds(&weights, 2) && reads > 26;  // 13 reads verify a slot
    ++n_other;
  }
  REQUIRE(n_older > 0);
  FreeWeights(&weights);
}

static void CheckNames(void) {
  for (int i = 0; i <= kTfdgsuCheckpointUnstable; ++i) {
    const char* name = tfdgsu_checkpoint_status_name((TfdgsuCheckpointStatus)i);
    REQUIRE(strcmp(name, "unknown") != 0);
    for (int k = 0; k < i; ++k) REQUIRE(strcmp(name, tfdgsu_checkpoint_status_name((TfdgsuCheckpointStatus)k)) != 0);
  }
  REQUIRE(strcmp(tfdgsu_checkpoint_status_name((TfdgsuCheckpointStatus)15), "unknown") == 0);
}

int main(void) {
  CheckBitRot();
  CheckSequences();
  CheckOthers();
  CheckSizes();
  CheckArguments();
  CheckFailures();
  CheckNames();
  printf("%lu flips, %lu others\n", n_flips, n_other);
  return 0;
}
