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

// Writes out what stdio holds back, if the program has stdio.
void BoardCloseAll(void);

// Writes a file of the host, without stdio. 0: done.
int BoardWriteFile(const char* path, const void* data, size_t bytes);

// Writes to the host's standard output, without stdio.
void BoardWriteConsole(const char* text, size_t bytes);

// Ends the emulator with a status.
void BoardExit(int status) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif  // TFDGSU_BOARDS_SEMIHOSTING_H_
