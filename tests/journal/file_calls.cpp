#include "file_calls.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>

#include "support/synced.hpp"

namespace mpifarm::journal {

namespace {

thread_local FileCalls* current = nullptr;

}  // namespace

// What the C library's names reach.
struct Calls {
  static int open(const char* path, int flags, mode_t mode) {
    if (current != nullptr && (flags & O_CREAT) != 0) return current->create(path, flags, mode);
    return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  }
  static ssize_t write(int file, const void* data, std::size_t bytes) {
    return current != nullptr ? current->write(file, data, bytes) : syscall(SYS_write, file, data, bytes);
  }
  static int sync(int file) { return current->sync(file); }
  static int truncate(int file, off_t bytes) {
    return current != nullptr ? current->truncate(file, bytes)
                              : static_cast<int>(syscall(SYS_ftruncate, file, bytes));
  }
  static int rename(const char* from, const char* to) {
    return current != nullptr ? current->rename(from, to) : static_cast<int>(syscall(SYS_rename, from, to));
  }
};

FileCalls::Diversion::Diversion(FileCalls* to) {
  current = to;
  support::divert_syncs(Calls::sync);
}

FileCalls::Diversion::~Diversion() {
  support::divert_syncs(nullptr);
  current = nullptr;
}

int FileCalls::create(const char* path, int flags, mode_t mode) {
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
ssize_t FileCalls::write(int file, const void* data, std::size_t bytes) {
  return syscall(SYS_write, file, data, bytes);
}
int FileCalls::sync(int file) { return static_cast<int>(syscall(SYS_fsync, file)); }
int FileCalls::truncate(int file, off_t bytes) {
  return static_cast<int>(syscall(SYS_ftruncate, file, bytes));
}
int FileCalls::rename(const char* from, const char* to) {
  return static_cast<int>(syscall(SYS_rename, from, to));
}

}  // namespace mpifarm::journal

// These stand before the C library's of the same names.
extern "C" int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  return mpifarm::journal::Calls::open(path, flags, mode);
}
extern "C" ssize_t write(int file, const void* data, std::size_t bytes) {
  return mpifarm::journal::Calls::write(file, data, bytes);
}
extern "C" int ftruncate(int file, off_t bytes) noexcept {
  return mpifarm::journal::Calls::truncate(file, bytes);
}
extern "C" int rename(const char* from, const char* to) noexcept {
  return mpifarm::journal::Calls::rename(from, to);
}
