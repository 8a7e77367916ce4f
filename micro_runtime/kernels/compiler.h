// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// What tells compilers to keep in registers what fits there. Without them results are the same.

#ifndef TFDGSU_KERNELS_COMPILER_H_
#define TFDGSU_KERNELS_COMPILER_H_

// Arrays whose every index is a constant go to registers, which takes loops unrolled whole.
#if defined(__clang__)
#define TFDGSU_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define TFDGSU_UNROLL _Pragma("GCC unroll 16")
#else
#define TFDGSU_UNROLL
#endif
// Loads behind it stay behind it.
#if defined(__GNUC__)
#define TFDGSU_IN_ORDER __asm__ volatile("" ::: "memory")
#else
#define TFDGSU_IN_ORDER (void)0
#endif
// What is inlined shares the registers of what is around it.
#if defined(__GNUC__)
#define TFDGSU_INLINE static inline __attribute__((always_inline))
#define TFDGSU_APART static __attribute__((noinline))
#else
#define TFDGSU_INLINE static inline
#define TFDGSU_APART static
#endif
// Compilers that compute addresses ahead have no registers left for them.
#if defined(__GNUC__)
#define TFDGSU_KEEP(address) __asm__ volatile("" : "+r"(address))
#else
#define TFDGSU_KEEP(address) (void)0
#endif

// Whether more loops with constant bounds are worth their flash: not where vectors of 4 lanes are better.
#if defined(__arm__) && !defined(__ARM_FEATURE_MVE) && !defined(__ARM_NEON) && !defined(__OPTIMIZE_SIZE__)
enum { kTfdgsuHasSpecialLoops = 1 };
#else
enum { kTfdgsuHasSpecialLoops = 0 };
#endif

#endif  // TFDGSU_KERNELS_COMPILER_H_
