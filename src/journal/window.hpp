#pragma once
// Buffered reading at offsets.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/file.hpp"

namespace mpifarm::journal {

// Reads a file at growing offsets through one buffer. Borrows the file, which may grow meanwhile. One thread.
class Window {
 public:
  Window(const FileDescriptor& file, std::filesystem::path path, std::size_t buffer_bytes = 1 << 20)
      : file_{&file}, path_{std::move(path)}, usual_{buffer_bytes} {}

  // `bytes` bytes from `offset`, or fewer where the file ends. Valid until the next call.
  BytesView view(std::uint64_t offset, std::size_t bytes) {
    if (offset < start_ || offset + bytes > start_ + filled_) fill(offset, bytes);
    const std::size_t skip = offset - start_;
    return {buffer_.get() + skip, std::min(bytes, filled_ - skip)};
  }
  // Reads anew what was read before: the file may have changed.
  void forget() { filled_ = 0; }

 private:
  // Leaves buffer_ starting at `offset`, with `bytes` bytes or up to the end of the file.
  void fill(std::uint64_t offset, std::size_t bytes);

  const FileDescriptor* file_;
  std::filesystem::path path_;
  std::unique_ptr<char[]> buffer_;
  std::size_t usual_, capacity_ = 0, filled_ = 0;
  std::uint64_t start_ = 0;  // offset of buffer_[0] in the file
};

}  // namespace mpifarm::journal
