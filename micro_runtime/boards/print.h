// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// printf for firmware without a heap: newlib's allocates.

#ifndef TFDGSU_BOARDS_PRINT_H_
#define TFDGSU_BOARDS_PRINT_H_

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// To the host's standard output, at most 255 characters. Knows %s %c %d %i %u %x %p %f %%, with width, leading zeros, a
// number of decimals and the sizes h, l and z. Of %f, numbers beyond +-4e9 come out as "inf".
void BoardPrint(const char* format, ...) __attribute__((format(printf, 1, 2)));

// As vsnprintf; cuts what does not fit, returns the length without the cut.
int BoardFormat(char* text, size_t bytes, const char* format, va_list arguments);

#ifdef __cplusplus
}
#endif

#endif  // TFDGSU_BOARDS_PRINT_H_
