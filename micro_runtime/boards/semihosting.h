// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// What a program on an emulated board gets from its host, beside newlib's system calls.

#ifndef TFDGSU_BOARDS_SEMIHOSTING_H_
#define TFDGSU_BOARDS_SEMIHOSTING_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// The command line, an empty string if there is none or it is too long.
void BoardCommandLine(char* line, size_t bytes);

// Writes out what stdio holds back.
void BoardCloseAll(void);

#ifdef __cplusplus
}
#endif

#endif  // TFDGSU_BOARDS_SEMIHOSTING_H_
