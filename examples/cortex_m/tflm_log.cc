// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// What TFLM prints, which is errors only. Its own versions in the library use newlib's printf, which needs a heap.

#include "print.h"
#include "tensorflow/lite/micro/debug_log.h"

extern "C" void DebugLog(const char* format, va_list arguments) {
  char line[160];
  BoardFormat(line, sizeof(line), format, arguments);
  BoardPrint("%s", line);
}

extern "C" int DebugVsnprintf(char* text, size_t bytes, const char* format, va_list arguments) {
  return BoardFormat(text, bytes, format, arguments);
}
