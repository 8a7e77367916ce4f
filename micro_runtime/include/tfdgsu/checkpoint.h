// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Checkpoints in NOR flash that survive a power cut at any moment: two slots, written in turn. Design:
// docs/design/0004-checkpoints.md.
//
// Common to all:
//  - C99, no TFLM, no heap, no globals; for little-endian machines.
//  - The whole stack of any call stays below TFDGSU_CHECKPOINT_STACK_BYTES, callbacks not counted.
//  - Not reentrant for one storage: the caller keeps two calls apart, and doesn't train meanwhile.
//  - A status other than kTfdgsuCheckpointOk says what failed; nothing is printed.
//
// The blob, little-endian, the same in a slot and in a `.tfdw` file:
//    0  u8[8]  "TFDGSW\r\n"
//    8  u32    format version, 2
//   12  u32    bytes of the whole blob
//   16  u32    length of the bundle's file
//   20  u32    CRC-32 of the bundle's file, as its metadata header states it
//   24  u32    sequence number; the later one of two counts, modulo 2^32
//   28  u32    n, number of variables
//   32  u32[n] bytes of each variable
//  ...  u8[]   the variables back to back, in the order of the bundle's metadata
//  end  u32    CRC-32 (zlib's) of everything before: the commit record, programmed last
// Magic, version, length and the CRC at the end have these places in every later version.

#ifndef TFDGSU_CHECKPOINT_H_
#define TFDGSU_CHECKPOINT_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  kTfdgsuCheckpointHeaderBytes = 32,
  kTfdgsuCheckpointMaxProgramBytes = 256
};

// Upper bound of the stack on Cortex-M and x86-64, built with optimization; a test adds it up.
#define TFDGSU_CHECKPOINT_STACK_BYTES 768

// X(suffix, name, meaning). A slot that may not be restored has the status of its kind, from Empty to
// OtherVariables; of two such slots the one later in this list is reported.
#define TFDGSU_CHECKPOINT_STATUSES(X)                                                            \
  X(Ok, "ok", "done")                                                                            \
  X(Empty, "empty", "no slot was ever written")                                                  \
  X(Damaged, "damaged", "a torn save, or bits that changed")                                     \
  X(OtherVersion, "other_version", "intact, of another version of this library")                 \
  X(OtherBundle, "other_bundle", "intact, of another bundle")                                    \
  X(OtherVariables, "other_variables", "intact, of this bundle, but the segments differ")        \
  X(BadStorage, "bad_storage", "sizes that the storage can't have; nothing was done")            \
  X(BadArgument, "bad_argument", "a null pointer or sizes beyond 32 bits; nothing was done")     \
  X(TooLarge, "too_large", "the blob doesn't fit a slot; nothing was done")                      \
  X(EraseFailed, "erase_failed", "the older checkpoint may be gone, the newest is intact")       \
  X(ProgramFailed, "program_failed", "the older checkpoint is gone, the newest is intact")       \
  X(VerifyFailed, "verify_failed", "what was programmed reads otherwise; the newest is intact")  \
  X(Unstable, "unstable", "storage reads otherwise at every attempt; the variables are a mixture, reset them")

typedef enum {
#define TFDGSU_CHECKPOINT_ENUM(suffix, name, meaning) kTfdgsuCheckpoint##suffix,
  TFDGSU_CHECKPOINT_STATUSES(TFDGSU_CHECKPOINT_ENUM)
#undef TFDGSU_CHECKPOINT_ENUM
} TfdgsuCheckpointStatus;

// Two slots of slot_pages pages each, slot 1 behind slot 0. Offsets count from the start of slot 0.
// Callbacks return 0 for success.
typedef struct {
  void* context;  // handed to every callback
  // Sets all bytes of a page (0 <= page < 2 * slot_pages) to 0xFF.
  int (*erase)(void* context, uint32_t page);
  // Clears bits: each unit of an erased page is programmed at most once, and never without an erase
  // before. offset and n are multiples of program_bytes, n is at most 256, data is aligned to 8; no call
  // crosses the end of a slot, but one may cross the end of a page.
  int (*program)(void* context, uint32_t offset, const void* data, uint32_t n);
  // Any offset and length within a slot. May fail, for instance at units whose ECC a power cut tore;
  // the slot then counts as damaged.
  int (*read)(void* context, uint32_t offset, void* data, uint32_t n);
  uint32_t page_bytes;     // of the unit of erasure; a multiple of program_bytes
  uint32_t program_bytes;  // of the unit of programming, 1 to 256
  uint32_t slot_pages;     // at least 1; both slots together are smaller than 4 GiB
} TfdgsuCheckpointStorage;

// One variable, in the order of the bundle's metadata. data may be NULL if bytes is 0. save only reads it.
typedef struct {
  void* data;
  uint32_t bytes;
} TfdgsuCheckpointSegment;

// Which bundle the variables belong to: what its metadata header says of the whole file.
typedef struct {
  uint32_t file_bytes;
  uint32_t crc32;
} TfdgsuBundleId;

// Where a valid blob lies, to send it off the device: as a file it is a `.tfdw`.
typedef struct {
  uint32_t offset;
  uint32_t bytes;
  uint32_t sequence;
} TfdgsuCheckpointPlace;

// Reads the id out of a bundle in memory, without checking its CRC. BadArgument if it is no bundle.
TfdgsuCheckpointStatus tfdgsu_checkpoint_bundle_id(const void* bundle, uint32_t bytes, TfdgsuBundleId* id);

// Bytes of the blob, to size slots by; 0 if they exceed 32 bits.
uint32_t tfdgsu_checkpoint_bytes(const TfdgsuCheckpointSegment* segments, uint32_t n_segments);

// Writes all segments as the newest checkpoint: erases the slot that does not hold the newest one, then
// programs it, reads it back, programs the commit record, reads it back. Whatever happens, the newest
// checkpoint of this bundle stays as it is until the new one is complete. A slot of another bundle is
// taken first. May return BadStorage, BadArgument, TooLarge, EraseFailed, ProgramFailed, VerifyFailed.
TfdgsuCheckpointStatus tfdgsu_checkpoint_save(const TfdgsuCheckpointStorage* storage, const TfdgsuBundleId* bundle,
                                              const TfdgsuCheckpointSegment* segments, uint32_t n_segments);

// Overwrites all segments with the newest valid checkpoint. A slot is verified before the first segment
// is changed, and again while it is copied; if it reads otherwise then, the other slot is taken. Every
// status but Ok and Unstable leaves the segments as they are. May return Empty to OtherVariables,
// BadStorage, BadArgument, Unstable.
TfdgsuCheckpointStatus tfdgsu_checkpoint_restore(const TfdgsuCheckpointStorage* storage, const TfdgsuBundleId* bundle,
                                                 const TfdgsuCheckpointSegment* segments, uint32_t n_segments);

// As restore, but only says where the newest valid checkpoint is; the segments' data are not touched.
TfdgsuCheckpointStatus tfdgsu_checkpoint_find(const TfdgsuCheckpointStorage* storage, const TfdgsuBundleId* bundle,
                                              const TfdgsuCheckpointSegment* segments, uint32_t n_segments,
                                              TfdgsuCheckpointPlace* place);

// Writes the blob into memory, to send it off the device: byte for byte what Session.save writes of the same
// variables. *bytes is its length, with TooLarge too. May return BadArgument, TooLarge.
TfdgsuCheckpointStatus tfdgsu_checkpoint_export(const TfdgsuBundleId* bundle, const TfdgsuCheckpointSegment* segments,
                                                uint32_t n_segments, void* buffer, uint32_t buffer_bytes,
                                                uint32_t* bytes);

// Overwrites all segments with a blob that arrived from elsewhere: of tfdgsu_checkpoint_export, of Session.save
// or copied out of a slot. data must not change meanwhile and needs no alignment. Every status but Ok leaves the
// segments as they are. May return Damaged to OtherVariables, BadArgument.
TfdgsuCheckpointStatus tfdgsu_checkpoint_import(const TfdgsuBundleId* bundle, const TfdgsuCheckpointSegment* segments,
                                                uint32_t n_segments, const void* data, uint32_t bytes);

// "ok", "damaged" and so on; "unknown" for a number that is no status.
const char* tfdgsu_checkpoint_status_name(TfdgsuCheckpointStatus status);

#ifdef __cplusplus
}
#endif

#endif  // TFDGSU_CHECKPOINT_H_
