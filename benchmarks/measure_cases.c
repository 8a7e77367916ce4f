// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Runs the ops of a file of cases on an emulated board: measure_cases CASES RESULTS. Prints for each the ticks of the
// counter and the bytes of stack that its Invoke took. Constants lie in flash, as on a device.

#include "counter.h"
#include "run_case.h"

// Of micro_runtime/boards/ram_256k.ld: the stack lies between the heap's end and the top.
extern uint32_t __heap_end[];
extern char __data_load[], __data_start[], __data_end[];

enum { kFlashBytes = 256 * 1024 };

static const uint32_t kPattern = 0xC0DEFACEu;

static TfLiteStatus Invoke(const struct TFLMRegistration* op, TfLiteContext* context, TfLiteNode* node) {
  const uint32_t* stack;
  __asm volatile("mov %0, sp" : "=r"(stack));
  for (volatile uint32_t* word = __heap_end; word < stack; ++word) *word = kPattern;
  BoardStartCounter();
  const TfLiteStatus status = op->invoke(context, node);
  const uint32_t ticks = BoardTicks();
  const volatile uint32_t* word = __heap_end;
  while (word < stack && *word == kPattern) ++word;
  if (word == __heap_end) {
    fprintf(stderr, "stack overflow\n");
    exit(8);
  }
  printf("%lu %lu\n", (unsigned long)ticks, (unsigned long)((uintptr_t)stack - (uintptr_t)word));
  return status;
}

int main(int argc, char** argv) {
  // Behind the program, whose last bytes are the initial values of its data.
  const uintptr_t end = (uintptr_t)__data_load + (uintptr_t)(__data_end - __data_start);
  const Driver driver = {Invoke, (char*)((end + 15) / 16 * 16), kFlashBytes};
  return RunCases(argc, argv, &driver);
}
