// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// What the sketches use of mbed's driver for the chip's own flash.

#ifndef TFDGSU_TESTS_ARDUINO_SHIMS_FLASHIAP_H_
#define TFDGSU_TESTS_ARDUINO_SHIMS_FLASHIAP_H_

#include <stdint.h>

#define FLASHIAP_APP_ROM_END_ADDR 0x40000u

namespace mbed {

class FlashIAP {
 public:
  int init();
  int erase(uint32_t address, uint32_t n);
  int program(const void* data, uint32_t address, uint32_t n);
  int read(void* data, uint32_t address, uint32_t n);
  uint32_t get_flash_start() const;
  uint32_t get_flash_size() const;
  uint32_t get_sector_size(uint32_t address) const;
  uint32_t get_page_size() const;
};

}  // namespace mbed

#endif  // TFDGSU_TESTS_ARDUINO_SHIMS_FLASHIAP_H_
