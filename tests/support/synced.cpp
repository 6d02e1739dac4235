#include "support/synced.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace {

std::atomic<int> fsyncs = 0, fdatasyncs = 0;

}  // namespace

// These stand before the C library's of the same names.
extern "C" int fsync(int file) {
  ++fsyncs;
  return static_cast<int>(syscall(SYS_fsync, file));
}
extern "C" int fdatasync(int file) {
  ++fdatasyncs;
  return static_cast<int>(syscall(SYS_fdatasync, file));
}

namespace mpifarm::support {

int fsync_calls() { return fsyncs; }
int fdatasync_calls() { return fdatasyncs; }

}  // namespace mpifarm::support
