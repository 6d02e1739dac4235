#pragma once
// The files below paths, listed lazily: what sequential jobs over files pull their tasks from.

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mpifarm {

struct FileWalkOptions {
  std::vector<std::string>
      exclude;          // globs (fnmatch): with a slash of the whole path, else of the name alone
  bool follow = false;  // symbolic links inside directories
};

// When the file was last modified: nanoseconds since 1970.
inline std::int64_t modified_at(const struct stat& status) {
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

// On one line and in UTF-8, whatever its bytes.
std::string quoted_path(const std::string& path);

// Throws std::runtime_error naming the file: what makes a task fail.
[[noreturn]] void fail_to_read(const std::string& path, const std::string& reason);

// What `flag` gave, with every glob replaced by what it matches, in byte order. Throws BadInput naming flag
// and path for one that is neither a file nor a directory, and a glob that matches nothing.
std::vector<std::string> expand_paths(const std::string& flag, const std::vector<std::string>& paths);

// The regular files: `paths` in their order, directories depth first with their entries in byte order. Holds
// the names in the directories that it is inside of, no more. Special files inside are passed over, and so
// are symbolic links unless followed (then a link to a directory that the walk is inside of is). A directory
// that cannot be listed is given as if it were a file, for its reader to fail. A directory that holds a live
// run of mpifarm is passed over: its files change while they are read. One thread.
class FileWalk {
 public:
  explicit FileWalk(std::vector<std::string> paths, FileWalkOptions options = {})
      : paths_{std::move(paths)}, options_{std::move(options)} {}

  // The next path; false at the end.
  bool next(std::string& path);

 private:
  struct Entry {
    std::string name;
    bool is_directory;
  };
  struct Level {
    std::size_t prefix_bytes;  // of the path: the directory, with a slash at its end
    dev_t device;
    ino_t inode;
    std::vector<Entry> entries;
    std::size_t next = 0;
  };

  bool enter();
  void add(Level& level, const char* name, unsigned type, int directory) const;
  bool excluded(const std::string& path, std::size_t name_at) const;

  std::vector<std::string> paths_;
  FileWalkOptions options_;
  std::size_t next_path_ = 0;
  std::vector<Level> levels_;  // the directories that the walk is inside of
  std::string path_;
};

}  // namespace mpifarm
