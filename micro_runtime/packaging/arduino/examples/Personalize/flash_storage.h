// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// Checkpoints in the last pages of the chip's own flash, by mbed's driver (Nano 33 BLE and other boards of the
// mbed cores).

#ifndef TFDGSU_EXAMPLES_PERSONALIZE_FLASH_STORAGE_H_
#define TFDGSU_EXAMPLES_PERSONALIZE_FLASH_STORAGE_H_

#include <FlashIAP.h>
#include <tfdgsu.h>

class FlashStorage {
 public:
  // Room for blobs of `blob_bytes`, twice. False: the driver fails, or the sketch reaches that far.
  bool Begin(uint32_t blob_bytes) {
    if (flash_.init() != 0) return false;
    const uint32_t end = flash_.get_flash_start() + flash_.get_flash_size();
    storage_.context = this;
    storage_.erase = Erase;
    storage_.program = Program;
    storage_.read = Read;
    storage_.page_bytes = flash_.get_sector_size(end - 1);
    storage_.program_bytes = flash_.get_page_size();
    if (storage_.page_bytes == 0) return false;
    storage_.slot_pages = (blob_bytes + storage_.page_bytes - 1) / storage_.page_bytes;
    const uint32_t bytes = 2 * storage_.slot_pages * storage_.page_bytes;
    if (bytes > end - FLASHIAP_APP_ROM_END_ADDR) return false;
    start_ = end - bytes;
    return true;
  }

  const TfdgsuCheckpointStorage& storage() const { return storage_; }

 private:
  static int Erase(void* context, uint32_t page) {
    FlashStorage* self = static_cast<FlashStorage*>(context);
    const uint32_t n = self->storage_.page_bytes;
    return self->flash_.erase(self->start_ + page * n, n);
  }
  static int Program(void* context, uint32_t offset, const void* data, uint32_t n) {
    FlashStorage* self = static_cast<FlashStorage*>(context);
    return self->flash_.program(data, self->start_ + offset, n);
  }
  static int Read(void* context, uint32_t offset, void* data, uint32_t n) {
    FlashStorage* self = static_cast<FlashStorage*>(context);
    return self->flash_.read(data, self->start_ + offset, n);
  }

  mbed::FlashIAP flash_;
  TfdgsuCheckpointStorage storage_ = {};
  uint32_t start_ = 0;
};

#endif  // TFDGSU_EXAMPLES_PERSONALIZE_FLASH_STORAGE_H_
