#include "support/synced.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace {

std::atomic<int> fsyncs = 0, fdatasyncs = 0;
thread_local int (*diverted)(int) = nullptr;

}  // namespace

// These stand before the C library's of the same names.
extern "C" int fsync(int file) {
  ++fsyncs;
  return diverted != nullptr ? diverted(file) : static_cast<int>(syscall(SYS_fsync, file));
}
extern "C" int fdatasync(int file) {
  ++fdatasyncs;
  return diverted != nullptr ? diverted(file) : static_cast<int>(syscall(SYS_fdatasync, file));
}

namespace mpifarm::support {

int fsync_calls() { return fsyncs; }
int fdatasync_calls() { return fdatasyncs; }
void divert_syncs(int (*to)(int file)) { diverted = to; }

}  // namespace mpifarm::support
