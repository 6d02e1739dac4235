#include "job/file_walk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <stdexcept>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "describe/value.hpp"

namespace mpifarm {
namespace {

struct Closer {
  void operator()(DIR* directory) const { closedir(directory); }
};

[[noreturn]] void refuse(const std::string& flag, const std::string& path, const std::string& reason) {
  throw BadInput{flag + " cannot be read (" + quoted_path(path) + ": " + reason +
                 "); give files and directories that every rank can see"};
}

bool has_wildcard(const std::string& path) { return path.find_first_of("*?[") != std::string::npos; }

std::vector<std::string> matches_of(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0)
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  std::ranges::sort(paths);
  return paths;
}

// A living master of this host keeps its lock file locked.
bool holds_live_run(int directory) {
  if (faccessat(directory, "run.json", F_OK, 0) != 0) return false;
  const FileDescriptor lock{openat(directory, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  return lock.get() >= 0 && flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace

std::string quoted_path(const std::string& path) {
  std::string text;
  describe::append_json_string(text, path);
  return text;
}

void fail_to_read(const std::string& path, const std::string& reason) {
  throw std::runtime_error{quoted_path(path) + " cannot be read (" + reason + ")"};
}

std::vector<std::string> expand_paths(const std::string& flag, const std::vector<std::string>& paths) {
  std::vector<std::string> expanded;
  for (const std::string& path : paths) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
      const int error = errno;
      if (error != ENOENT || !has_wildcard(path)) refuse(flag, path, errno_text(error));
      const std::vector<std::string> matches = matches_of(path);
      if (matches.empty()) refuse(flag, path, "nothing matches");
      expanded.insert(expanded.end(), matches.begin(), matches.end());
      continue;
    }
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
      refuse(flag, path, "neither a file nor a directory");
    expanded.push_back(path);
  }
  return expanded;
}

bool FileWalk::next(std::string& path) {
  while (!levels_.empty() || next_path_ < paths_.size()) {
    bool is_directory = false;
    if (levels_.empty()) {
      path_ = paths_[next_path_++];
      struct stat status {};
      is_directory = stat(path_.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    } else {
      Level& level = levels_.back();
      if (level.next == level.entries.size()) {
        levels_.pop_back();
        continue;
      }
      const Entry& entry = level.entries[level.next++];
      path_.resize(level.prefix_bytes);
      path_ += entry.name;
      is_directory = entry.is_directory;
      if (excluded(path_, level.prefix_bytes)) continue;
    }
    if (is_directory && enter()) continue;
    path = path_;
    return true;
  }
  return false;
}

bool FileWalk::excluded(const std::string& path, std::size_t name_at) const {
  return std::ranges::any_of(options_.exclude, [&](const std::string& pattern) {
    const bool whole = pattern.find('/') != std::string::npos;
    return fnmatch(pattern.c_str(), path.c_str() + (whole ? 0 : name_at), 0) == 0;
  });
}

// Lists the directory at the path. False when it cannot be opened.
bool FileWalk::enter() {
  const std::unique_ptr<DIR, Closer> directory{opendir(path_.c_str())};
  struct stat status {};
  if (!directory || fstat(dirfd(directory.get()), &status) != 0) return false;
  const bool inside = std::ranges::any_of(levels_, [&](const Level& level) {
    return level.device == status.st_dev && level.inode == status.st_ino;
  });
  if (path_.back() != '/') path_ += '/';
  Level level{path_.size(), status.st_dev, status.st_ino, {}};
  const bool live = holds_live_run(dirfd(directory.get()));
  if (live) log::warning(path_ + " is passed over: it holds a run of mpifarm that is going on");
  if (!inside && !live) {
    errno = 0;
    while (const dirent* found = readdir(directory.get())) {
      add(level, found->d_name, found->d_type, dirfd(directory.get()));
      errno = 0;
    }
    if (errno != 0) level.entries.push_back({"", false});  // the directory itself, which its reader refuses
  }
  std::ranges::sort(level.entries, {}, &Entry::name);
  levels_.push_back(std::move(level));
  return true;
}

void FileWalk::add(Level& level, const char* name, unsigned type, int directory) const {
  const std::string_view text = name;
  if (text == "." || text == "..") return;
  if (type == DT_UNKNOWN || (type == DT_LNK && options_.follow)) {  // some file systems do not say
    struct stat status {};
    const bool gone = fstatat(directory, name, &status, options_.follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0;
    type = gone ? unsigned{DT_REG} : IFTODT(status.st_mode);
  }
  if (type == DT_REG || type == DT_DIR) level.entries.push_back({std::string{text}, type == DT_DIR});
}

}  // namespace mpifarm
