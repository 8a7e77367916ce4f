// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Which file defines a kernel that has several: the portable one, the one in dsp/ or the one in mve/. Builds compile
// all C files of the three folders; the others are empty. With -DTFDGSU_PORTABLE all kernels are portable.

#ifndef TFDGSU_KERNELS_VARIANT_H_
#define TFDGSU_KERNELS_VARIANT_H_

#define TFDGSU_IS_PORTABLE 0
#define TFDGSU_IS_DSP 1  // pairs of int16 in general registers: Cortex-M4, M7, M33
#define TFDGSU_IS_MVE 2  // vectors of 128 bits, Helium: Cortex-M55, M85

// dsp/ and mve/ take the first byte of a word for its lowest, and dsp/ has assembly that only Thumb-2 knows.
#if defined(TFDGSU_PORTABLE) || !defined(__thumb2__) || defined(__ARM_BIG_ENDIAN)
#define TFDGSU_INTEGER_VARIANT TFDGSU_IS_PORTABLE
#elif defined(__ARM_FEATURE_MVE)
#define TFDGSU_INTEGER_VARIANT TFDGSU_IS_MVE
#elif defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32) && defined(__ARM_FEATURE_UNALIGNED)
#define TFDGSU_INTEGER_VARIANT TFDGSU_IS_DSP
#else
#define TFDGSU_INTEGER_VARIANT TFDGSU_IS_PORTABLE
#endif

#define TFDGSU_CONV_2D_ROW_I8 TFDGSU_INTEGER_VARIANT
#define TFDGSU_DEPTHWISE_CONV_2D_ROW_I8 TFDGSU_INTEGER_VARIANT

#endif  // TFDGSU_KERNELS_VARIANT_H_
