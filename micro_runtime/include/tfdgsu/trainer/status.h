// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// What every call of the trainer returns.

#ifndef TFDGSU_TRAINER_STATUS_H_
#define TFDGSU_TRAINER_STATUS_H_

// TFDGSU_STATUS(Name): what it means.
#define TFDGSU_STATUSES(TFDGSU_STATUS)                                                            \
  TFDGSU_STATUS(Ok)                                                                               \
  /* The bundle. */                                                                               \
  TFDGSU_STATUS(NotABundle)         /* no tfdgsu header, or more than one */                      \
  TFDGSU_STATUS(BundleVersion)      /* written by another format version */                       \
  TFDGSU_STATUS(BundleLength)       /* cut or joined */                                           \
  TFDGSU_STATUS(BundleDamaged)      /* the CRC-32 differs */                                      \
  TFDGSU_STATUS(BundleMisaligned)   /* must start at a multiple of 16 */                          \
  TFDGSU_STATUS(BundleUnsupported)  /* its signatures are none that this library knows */         \
  /* The arena. */                                                                                \
  TFDGSU_STATUS(ArenaMisaligned)    /* must start at a multiple of 16 */                          \
  TFDGSU_STATUS(ArenaTooSmall)      /* less than the bundle's header says */                      \
  /* The interpreter; TFLM prints more through its DebugLog. */                                   \
  TFDGSU_STATUS(OpMissing)          /* the resolver lacks an op of the bundle */                  \
  TFDGSU_STATUS(AllocationFailed)                                                                 \
  TFDGSU_STATUS(InvokeFailed)                                                                     \
  TFDGSU_STATUS(ResetFailed)                                                                      \
  /* Arguments; nothing ran. */                                                                   \
  TFDGSU_STATUS(NotInitialised)     /* Init was not called, or failed */                          \
  TFDGSU_STATUS(AlreadyInitialised)                                                               \
  TFDGSU_STATUS(NullPointer)                                                                      \
  TFDGSU_STATUS(WrongSize)          /* another number of elements than the bundle's */            \
  TFDGSU_STATUS(WrongType)                                                                        \
  TFDGSU_STATUS(NotFinite)          /* an input holds NaN or infinity */                          \
  TFDGSU_STATUS(LabelOutOfRange)                                                                  \
  TFDGSU_STATUS(BadLearningRate)    /* must be finite and not negative */                         \
  TFDGSU_STATUS(NoSuchVariable)                                                                   \
  /* The loss is NaN or infinite; the weights are as they were. */                                \
  TFDGSU_STATUS(LossNotFinite)

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
#define TFDGSU_STATUS(name) kTfdgsuStatus##name,
  TFDGSU_STATUSES(TFDGSU_STATUS)
#undef TFDGSU_STATUS
  kTfdgsuStatusCount
} TfdgsuStatus;

// "BundleDamaged" of kTfdgsuStatusBundleDamaged; "Unknown" of a number that is none.
const char* TfdgsuStatusName(TfdgsuStatus status);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // TFDGSU_TRAINER_STATUS_H_
