#pragma once
// How the ranks learn, before anything is computed, whether all of them see the run directory.

#include <filesystem>

#include "run/run_directory.hpp"

namespace mpifarm {

// A file of a name that nobody has used, as long as this object lives: in the run directory, or before there
// is one, in the nearest directory above it that is there.
class SharedMark {
 public:
  explicit SharedMark(const RunDirectory& run);
  ~SharedMark();
  SharedMark(const SharedMark&) = delete;
  SharedMark& operator=(const SharedMark&) = delete;

  // Absolute; empty where none could be made: what makes the run directory says why.
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Asked on another rank. A file system of many hosts may show a new file late: it is waited for some seconds.
// An empty path is seen everywhere.
bool sees_mark(const std::filesystem::path& mark);

}  // namespace mpifarm
