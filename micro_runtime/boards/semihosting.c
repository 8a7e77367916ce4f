// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// newlib's system calls by Arm semihosting (Arm document 2021-10, "Semihosting for AArch32 and AArch64"):
// files of the host, its console, exit status. Memory comes from the linker script.

#include "semihosting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

enum {
  kOpen = 0x01,
  kClose = 0x02,
  kWrite = 0x05,
  kRead = 0x06,
  kSeek = 0x0A,
  kLength = 0x0C,
  kCommandLine = 0x15,
  kExitExtended = 0x20,
};
enum { kStoppedApplicationExit = 0x20026 };
enum { kFirstFile = 3, kMaxFiles = 8 };

// Handles and positions of open files; the first are stdin, stdout, stderr.
static struct {
  int32_t handle, position;
  int is_open;
} files[kMaxFiles];

extern char __heap_start[], __heap_end[];

static int32_t Call(int32_t operation, const void* arguments) {
  register int32_t r0 __asm("r0") = operation;
  register const void* r1 __asm("r1") = arguments;
  __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static int32_t OpenHandle(const char* path, int32_t mode) {
  const intptr_t arguments[3] = {(intptr_t)path, mode, (intptr_t)strlen(path)};
  return Call(kOpen, arguments);
}

// The handle of a file; the console is opened when it is first used. -1: not open.
static int32_t HandleOf(int fd) {
  if (fd < 0 || fd >= kMaxFiles) return -1;
  if (!files[fd].is_open && fd < kFirstFile) {
    static const int32_t kModes[kFirstFile] = {0, 4, 8};  // ":tt" for reading, writing, appending (stderr)
    files[fd].handle = OpenHandle(":tt", kModes[fd]);
    files[fd].is_open = files[fd].handle >= 0;
  }
  return files[fd].is_open ? files[fd].handle : -1;
}

static int Fail(int error) {
  errno = error;
  return -1;
}

int _open(const char* path, int flags, int mode);
int _close(int fd);
int _read(int fd, char* data, int bytes);
int _write(int fd, const char* data, int bytes);
off_t _lseek(int fd, off_t offset, int whence);
int _fstat(int fd, struct stat* status);
int _isatty(int fd);
void* _sbrk(ptrdiff_t bytes);
int _kill(int pid, int signal);
int _getpid(void);
void _exit(int status) __attribute__((noreturn));

// Binary modes: "rb" is 1, "wb" 5, "ab" 9; each plus 2 for "+".
int _open(const char* path, int flags, int mode) {
  (void)mode;
  int32_t wanted = 1;
  if (flags & O_APPEND) {
    wanted = 9;
  } else if (flags & O_TRUNC) {
    wanted = 5;
  }
  if ((flags & O_ACCMODE) == O_RDWR) wanted += 2;
  for (int fd = kFirstFile; fd < kMaxFiles; ++fd) {
    if (files[fd].is_open) continue;
    files[fd].handle = OpenHandle(path, wanted);
    if (files[fd].handle < 0) return Fail(ENOENT);
    files[fd].position = 0;
    files[fd].is_open = 1;
    return fd;
  }
  return Fail(EMFILE);
}

int _close(int fd) {
  const intptr_t handle = HandleOf(fd);
  if (handle < 0) return Fail(EBADF);
  files[fd].is_open = 0;
  return Call(kClose, &handle) == 0 ? 0 : Fail(EIO);
}

// Both calls return how many bytes were NOT moved.
static int Move(int32_t operation, int fd, intptr_t data, int bytes) {
  const int32_t handle = HandleOf(fd);
  if (handle < 0) return Fail(EBADF);
  const intptr_t arguments[3] = {handle, data, bytes};
  const int32_t left = Call(operation, arguments);
  if (left < 0 || left > bytes) return Fail(EIO);
  files[fd].position += bytes - left;
  return bytes - left;
}

int _read(int fd, char* data, int bytes) { return Move(kRead, fd, (intptr_t)data, bytes); }

int _write(int fd, const char* data, int bytes) { return Move(kWrite, fd, (intptr_t)data, bytes); }

off_t _lseek(int fd, off_t offset, int whence) {
  const intptr_t handle = HandleOf(fd);
  if (handle < 0 || fd < kFirstFile) return Fail(ESPIPE);
  int32_t target = (int32_t)offset;
  if (whence == SEEK_CUR) target += files[fd].position;
  if (whence == SEEK_END) target += Call(kLength, &handle);
  const intptr_t arguments[2] = {handle, target};
  if (Call(kSeek, arguments) != 0) return Fail(EINVAL);
  files[fd].position = target;
  return target;
}

int _fstat(int fd, struct stat* status) {
  memset(status, 0, sizeof(*status));
  status->st_mode = fd < kFirstFile ? S_IFCHR : S_IFREG;
  return 0;
}

int _isatty(int fd) { return fd < kFirstFile; }

void* _sbrk(ptrdiff_t bytes) {
  static char* end = __heap_start;
  if (bytes > __heap_end - end) {
    errno = ENOMEM;
    return (void*)-1;
  }
  char* const begin = end;
  end += bytes;
  return begin;
}

int _kill(int pid, int signal) {
  (void)pid;
  (void)signal;
  return Fail(EINVAL);
}

int _getpid(void) { return 1; }

void _exit(int status) {
  const intptr_t arguments[2] = {kStoppedApplicationExit, status};
  Call(kExitExtended, arguments);
  for (;;) {
  }
}

void BoardCommandLine(char* line, size_t bytes) {
  intptr_t arguments[2] = {(intptr_t)line, (intptr_t)bytes - 1};
  line[0] = '\0';
  if (Call(kCommandLine, arguments) != 0) line[0] = '\0';
}

// A strong reference would link stdio, and its heap, to programs that have neither.
extern int fflush(FILE* file) __attribute__((weak));

void BoardCloseAll(void) {
  if (fflush) fflush(NULL);
}

int BoardWriteFile(const char* path, const void* data, size_t bytes) {
  const intptr_t handle = OpenHandle(path, 5);  // "wb"
  if (handle < 0) return -1;
  const intptr_t arguments[3] = {handle, (intptr_t)data, (intptr_t)bytes};
  const int32_t left = Call(kWrite, arguments);
  return Call(kClose, &handle) == 0 && left == 0 ? 0 : -1;
}

void BoardWriteConsole(const char* text, size_t bytes) { _write(1, text, (int)bytes); }

void BoardExit(int status) {
  BoardCloseAll();
  _exit(status);
}
