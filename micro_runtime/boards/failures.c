// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// What TFLM calls when it can't go on: assert() and abort(). newlib's own versions print with stdio and raise signals,
// both of which need a heap.

#include <stdlib.h>

#include "print.h"
#include "semihosting.h"

enum { kFailureStatus = 71 };

void __assert_func(const char* file, int line, const char* function, const char* expression)
    __attribute__((noreturn));

void __assert_func(const char* file, int line, const char* function, const char* expression) {
  BoardPrint("%s:%d: %s: %s does not hold\n", file, line, function ? function : "", expression);
  BoardExit(kFailureStatus);
}

void abort(void) {
  BoardPrint("aborted\n");
  BoardExit(kFailureStatus);
}
