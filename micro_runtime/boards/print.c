// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Contract: print.h.

#include "print.h"

#include <stdint.h>
#include <string.h>

#include "semihosting.h"

enum { kLineBytes = 256, kMaxDecimals = 9, kDefaultDecimals = 6, kMaxDigits = 10 };

// n characters were written or cut.
typedef struct {
  char* text;
  size_t bytes, n;
} Sink;

// What stands between % and the letter.
typedef struct {
  int32_t width, decimals;
  char pad;
} Field;

static void Put(Sink* sink, char character) {
  if (sink->n + 1 < sink->bytes) sink->text[sink->n] = character;
  ++sink->n;
}

static void PutText(Sink* sink, const char* text) {
  while (*text) Put(sink, *text++);
}

static void PutUnsigned(Sink* sink, uint32_t value, uint32_t base, int32_t width, char pad) {
  char digits[kMaxDigits];
  int32_t n = 0;
  do {
    digits[n++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value > 0);
  for (int32_t i = n; i < width; ++i) Put(sink, pad);
  while (n > 0) Put(sink, digits[--n]);
}

static void PutSigned(Sink* sink, int32_t value, const Field* field) {
  const uint32_t magnitude = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
  if (value < 0) Put(sink, '-');
  PutUnsigned(sink, magnitude, 10, field->width - (value < 0), field->pad);
}

static void PutFloat(Sink* sink, double value, int32_t decimals) {
  if (value < 0) Put(sink, '-');
  const double magnitude = value < 0 ? -value : value;
  if (value != value || magnitude >= 4e9) {
    PutText(sink, value != value ? "nan" : "inf");
    return;
  }
  uint32_t scale = 1;
  for (int32_t i = 0; i < decimals; ++i) scale *= 10;
  uint32_t whole = (uint32_t)magnitude;
  uint32_t fraction = (uint32_t)((magnitude - whole) * scale + 0.5);
  if (fraction == scale) {
    fraction = 0;
    ++whole;
  }
  PutUnsigned(sink, whole, 10, 0, ' ');
  if (decimals == 0) return;
  Put(sink, '.');
  PutUnsigned(sink, fraction, 10, decimals, '0');
}

static int32_t ReadNumber(const char** format) {
  int32_t number = 0;
  while (**format >= '0' && **format <= '9') number = 10 * number + (*(*format)++ - '0');
  return number;
}

static Field ReadField(const char** format) {
  Field field = {0, kDefaultDecimals, **format == '0' ? '0' : ' '};
  field.width = ReadNumber(format);
  if (**format == '.') {
    ++*format;
    field.decimals = ReadNumber(format);
    if (field.decimals > kMaxDecimals) field.decimals = kMaxDecimals;
  }
  while (**format && strchr("hlz", **format)) ++*format;  // all as wide as int on 32 bit
  return field;
}

int BoardFormat(char* text, size_t bytes, const char* format, va_list arguments) {
  Sink sink = {text, bytes, 0};
  while (*format) {
    if (*format != '%') {
      Put(&sink, *format++);
      continue;
    }
    ++format;
    const Field field = ReadField(&format);
    const char kind = *format;
    if (kind) ++format;
    if (kind == 's') {
      const char* const word = va_arg(arguments, const char*);
      PutText(&sink, word ? word : "(null)");
    } else if (kind == 'c') {
      Put(&sink, (char)va_arg(arguments, int));
    } else if (kind == 'd' || kind == 'i') {
      PutSigned(&sink, va_arg(arguments, int), &field);
    } else if (kind == 'u') {
      PutUnsigned(&sink, va_arg(arguments, unsigned), 10, field.width, field.pad);
    } else if (kind == 'x' || kind == 'p') {
      PutUnsigned(&sink, va_arg(arguments, unsigned), 16, field.width, field.pad);
    } else if (kind == 'f') {
      PutFloat(&sink, va_arg(arguments, double), field.decimals);
    } else if (kind) {
      Put(&sink, kind);
    }
  }
  if (bytes > 0) text[sink.n < bytes ? sink.n : bytes - 1] = '\0';
  return (int)sink.n;
}

void BoardPrint(const char* format, ...) {
  char line[kLineBytes];
  va_list arguments;
  va_start(arguments, format);
  BoardFormat(line, sizeof(line), format, arguments);
  va_end(arguments);
  BoardWriteConsole(line, strlen(line));
}
