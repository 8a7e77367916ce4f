// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Start of a program on an emulated Cortex-M board: vector table, memory, FPU, then main with the
// arguments that semihosting hands over. A fault ends the program with status 70.

#include <stdint.h>
#include <string.h>

#include "semihosting.h"

extern uint32_t __stack_top[], __data_start[], __data_end[], __data_load[], __bss_start[], __bss_end[];

extern int main(int argc, char** argv);
extern void __libc_init_array(void);
void _exit(int status);

void Reset_Handler(void);
void _init(void);
void _fini(void);

// newlib calls both; there is nothing left to do for them.
void _init(void) {}
void _fini(void) {}

// C++ registers the destructors of statics with these. None is ever called, so none is remembered: newlib would need a
// heap for that.
extern void* __dso_handle;
void* __dso_handle = &__dso_handle;
int __aeabi_atexit(void* object, void (*destructor)(void*), void* dso);
int __aeabi_atexit(void* object, void (*destructor)(void*), void* dso) {
  (void)object;
  (void)destructor;
  (void)dso;
  return 0;
}

enum { kFaultStatus = 70, kMaxArguments = 8, kMaxCommandLine = 512 };

// Defined by counter_systick.c; none without it.
void SysTick_Handler(void) __attribute__((weak));

static void OnFault(void) { _exit(kFaultStatus); }

__attribute__((section(".vectors"), used)) static void (*const kVectors[16])(void) = {
    (void (*)(void))(uintptr_t)__stack_top,
    Reset_Handler,
    OnFault,  // NMI
    OnFault,  // hard fault
    OnFault,  // memory management
    OnFault,  // bus
    OnFault,  // usage
    OnFault,  // secure
    [15] = SysTick_Handler,
};

static void EnableFpu(void) {
  volatile uint32_t* const cpacr = (volatile uint32_t*)0xE000ED88u;
  *cpacr |= 0xFu << 20;  // full access to coprocessors 10 and 11, which are the FPU and MVE
  __asm volatile("dsb\n\tisb");
}

// Splits the command line at spaces. argv[0] is the program. Not by strtok: newlib's may allocate.
static int SplitArguments(char* line, char** argv) {
  int argc = 0;
  for (char* at = line; *at && argc < kMaxArguments; ++argc) {
    argv[argc] = at;
    while (*at && *at != ' ') ++at;
    while (*at == ' ') *at++ = '\0';
  }
  return argc;
}

static void Start(void) {
  static char line[kMaxCommandLine];
  static char* argv[kMaxArguments + 1];
  memcpy(__data_start, __data_load, (size_t)((char*)__data_end - (char*)__data_start));
  memset(__bss_start, 0, (size_t)((char*)__bss_end - (char*)__bss_start));
  __libc_init_array();
  BoardCommandLine(line, sizeof(line));
  const int argc = SplitArguments(line, argv);
  BoardExit(main(argc, argv));
}

void Reset_Handler(void) {
  EnableFpu();  // before any function that might use it
  Start();
}
