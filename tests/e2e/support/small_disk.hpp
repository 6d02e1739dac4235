#pragma once
// A disk that is soon full.

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include "support/files.hpp"

namespace mpifarm::e2e {

// A file system of a few pages, seen by this process and what it starts.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& size) {
    mounted_ = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               mount("none", work_.path().c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(work_.path().c_str(), MNT_DETACH);
  }
  // False where nobody may mount: tests then use a limit on file sizes, or are skipped.
  bool mounted() const { return mounted_; }
  void grow(const std::string& size = "64m") const {
    if (!mounted_) return;
    EXPECT_EQ(mount("none", work_.path().c_str(), nullptr, MS_REMOUNT, ("size=" + size).c_str()), 0);
  }
  const std::filesystem::path& path() const { return work_.path(); }

 private:
  Workspace work_;
  bool mounted_ = false;
};

}  // namespace mpifarm::e2e
