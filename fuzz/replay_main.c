// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target on the inputs in some files, for compilers without libFuzzer.

#include "expect.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    FILE* file = fopen(argv[i], "rb");
    EXPECT(file && fseek(file, 0, SEEK_END) == 0);
    const long size = ftell(file);
    EXPECT(size >= 0);
    rewind(file);
    uint8_t* data = (uint8_t*)NewBlock((size_t)size);
    EXPECT(fread(data, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
  }
  printf("%d inputs\n", argc - 1);
  return 0;
}
