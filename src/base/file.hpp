#pragma once
// Files by POSIX calls, with errors as MachineryFailure (path and reason).

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "base/bytes.hpp"

namespace mpifarm {

// Owns an open file.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_{fd} {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();

  int get() const { return fd_; }
  // Closes it now. False with errno set when the file system says, late, that something was not written.
  bool close();

 private:
  int fd_ = -1;
};

// Throws MachineryFailure "PATH could not be WHAT (REASON); ..." from errno.
[[noreturn]] void throw_errno(const std::filesystem::path& path, const char* what);

FileDescriptor open_to_read(const std::filesystem::path& path);
std::uint64_t file_bytes(const FileDescriptor& file, const std::filesystem::path& path);
// Writes all of `bytes` at the file's offset.
void write_all(const FileDescriptor& file, BytesView bytes, const std::filesystem::path& path);
// Makes creations and renames in `directory` durable.
void sync_directory(const std::filesystem::path& directory);
// Makes what was written to `path` durable.
void sync_file(const std::filesystem::path& path);
// Makes the first `bytes` of `path` durable and removes what lies behind them.
void cut_file(const std::filesystem::path& path, std::uint64_t bytes);

// Sees to it that what was written to an open file has arrived: a full disk may be told only when the file is
// synced or closed. Pipes and terminals have it already. False with errno set when it has not.
bool settle_output(int descriptor);
// The name of the file that a descriptor stands for, as the kernel has it; "stdout" for a pipe and the like.
std::string output_name(int descriptor);

// The whole of a small file.
Bytes read_file(const std::filesystem::path& path);
// Replaces a small file at once: readers see the old or the new, never a part. Mode 0600.
void replace_file(const std::filesystem::path& path, BytesView text);

}  // namespace mpifarm
