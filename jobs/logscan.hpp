#pragma once
// Counts the lines that match regular expressions, as `grep -caE` does, in files of any size: cut into byte
// ranges, so that one large file keeps every core busy. Expressions by RE2
// (https://github.com/google/re2/wiki/Syntax), in UTF-8; what \w and \b take for a word is ASCII.
//
// A task is a path and a range. Its lines are those that begin in the range, so that each line is counted
// once, whatever the ranges.

#include <fcntl.h>
#include <re2/re2.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <mpifarm.hpp>
#include <stdexcept>
#include <utility>

struct Logscan {
  static constexpr auto name = "logscan";
  static constexpr auto summary = "Count the lines of files that match regular expressions";
  static constexpr mpifarm::ParamHelp help[] = {
      {"path", "a file, a directory or a glob; gzip files are read as what they hold"},
      {"pattern", "count the lines that match this RE2 expression"},
      {"top",
       "also the N most frequent values of each pattern's first group; all distinct ones are held in memory"},
      {"ignore_case", "A matches a"},
      {"exclude", "leave out what matches the glob: the whole path if it has a slash, else the name"},
      {"follow", "follow symbolic links inside directories"},
      {"range_bytes", "how large files are cut"},
  };
  static constexpr auto source_params = {"path", "exclude", "follow", "range_bytes"};

  struct Params {
    std::vector<std::string> path;     // files, directories and globs; gzip files are read as what they hold
    std::vector<std::string> pattern;  // each is counted by itself
    std::uint64_t top = 0;             // also the most frequent values of each pattern's first group
    bool ignore_case = false;
    std::vector<std::string> exclude;  // globs: with a slash of the whole path, else of the name
    bool follow = false;               // symbolic links inside directories
    std::uint64_t range_bytes = 4 << 20;
  };
  struct Task {
    std::string path;
    std::uint64_t offset = 0;   // where the range begins
    std::uint64_t bytes = 0;    // its length; 0: to the end of the file
    std::int64_t modified = 0;  // when the file was, in nanoseconds since 1970; 0: not known
  };
  struct Result {
    std::string path;
    std::uint64_t offset, lines;                               // lines that begin in the range
    std::vector<std::uint64_t> counts;                         // of lines that match, a pattern each
    std::vector<std::map<std::string, std::uint64_t>> values;  // of the first groups, with `top`
  };

  // Throws BadInput for a pattern that is none, with the place, and for a path that cannot be read.
  explicit Logscan(const Params& params);

  mpifarm::Generated<Task> tasks() const;
  Result compute(const Task& task, mpifarm::Context& context) const;
  void reduce(const Task&, const Result& result);
  std::string conclude() const;  // "COUNT<tab>PATTERN" a line, then the top values

 private:
  class Lines;

  void count(std::string_view lines, Result& result) const;
  static const char* beyond_lines(std::string_view pattern);
  static Task task_of(const std::string& path, bool& whole);

  Params params_;
  std::vector<std::unique_ptr<re2::RE2>> patterns_;
  std::vector<std::uint64_t> counts_;
  std::vector<std::map<std::string, std::uint64_t>> values_;
};
BOOST_DESCRIBE_STRUCT(Logscan::Params, (), (path, pattern, top, ignore_case, exclude, follow, range_bytes))
BOOST_DESCRIBE_STRUCT(Logscan::Task, (), (path, offset, bytes, modified))
BOOST_DESCRIBE_STRUCT(Logscan::Result, (), (path, offset, lines, counts, values))

// The lines of one task, some at a time.
class Logscan::Lines {
 public:
  // Throws what makes the task fail.
  explicit Lines(const Task& task)
      : task_{task}, fd_{::open(task.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)} {
    if (task.path.find('\0') != task.path.npos) mpifarm::fail_to_read(task.path, "its name has a NUL in it");
    struct stat status {};
    if (fd_.get() < 0 || ::fstat(fd_.get(), &status) != 0)
      mpifarm::fail_to_read(task.path, mpifarm::errno_text(errno));
    if (S_ISDIR(status.st_mode)) mpifarm::fail_to_read(task.path, "a directory that could not be listed");
    if (!S_ISREG(status.st_mode)) mpifarm::fail_to_read(task.path, "not a regular file");
    if (task.modified != 0 && mpifarm::modified_at(status) != task.modified)
      mpifarm::fail_to_read(task.path, "changed since it was listed");
    if (task.offset == 0 && task.bytes == 0 && is_gzip(fd_.get())) {
      gzip_.reset(::gzdopen(::dup(fd_.get()), "rb"));
      if (!gzip_) throw std::bad_alloc{};
      ::gzbuffer(gzip_.get(), block_bytes);
    }
    if (task.bytes > 0 && task.bytes < end_ - task.offset) end_ = task.offset + task.bytes;
    begin_ = task.offset > 0 ? task.offset - 1 : 0;
    if (task.offset > 0) skip_line();
  }

  // Whole lines with their line ends, which the file's last may lack; false when there are no more. Valid
  // until the next call.
  bool next(std::string_view& lines) {
    buffer_.erase(0, std::exchange(taken_, 0));
    while (!finished_ && begin_ < end_) {
      if (const std::size_t size = whole_lines(); size > 0) {
        lines = std::string_view{buffer_}.substr(0, size);
        taken_ = size;
        begin_ += size;
        return true;
      }
      read_more();
    }
    return false;
  }

  static bool is_gzip(int fd) {
    unsigned char magic[2];
    return ::pread(fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
  }

 private:
  static constexpr std::size_t block_bytes = 1 << 20, most_bytes = 1 << 30;
  struct Closer {
    void operator()(gzFile_s* file) const { ::gzclose(file); }
  };
  struct File {
    explicit File(int descriptor) : fd{descriptor} {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
      if (fd >= 0) ::close(fd);
    }
    int get() const { return fd; }
    int fd;
  };

  // Bytes at the front of the buffer that are whole lines beginning before the end of the range; 0 when more
  // has to be read.
  std::size_t whole_lines() {
    const std::uint64_t last_start = end_ - begin_ - 1;  // where in the buffer a line may still begin
    if (last_start < buffer_.size()) {
      const std::size_t line_end = buffer_.find('\n', last_start);
      if (line_end != buffer_.npos) return finished_ = true, line_end + 1;
    }
    if (ended_) return finished_ = true, buffer_.size();
    if (last_start < buffer_.size()) return 0;
    return buffer_.rfind('\n') + 1;  // npos + 1 is 0
  }

  // Leaves the line that the byte before the range belongs to.
  void skip_line() {
    while (true) {
      const std::size_t line_end = buffer_.find('\n');
      const std::size_t used = line_end == buffer_.npos ? buffer_.size() : line_end + 1;
      buffer_.erase(0, used);
      begin_ += used;
      if (line_end != buffer_.npos || ended_ || begin_ >= end_) return;
      read_more();
    }
  }

  void read_more() {
    const std::size_t before = buffer_.size();
    const std::size_t wanted =
        std::clamp(before, block_bytes, most_bytes);  // a long line is searched few times
    buffer_.resize(before + wanted);
    ssize_t size = 0;
    do {
      if (gzip_)
        size = ::gzread(gzip_.get(), buffer_.data() + before, static_cast<unsigned>(wanted));
      else
        size = ::pread(fd_.get(), buffer_.data() + before, wanted, static_cast<off_t>(begin_ + before));
    } while (size < 0 && !gzip_ && errno == EINTR);
    if (gzip_ && (size < 0 || (size == 0 && !whole_gzip())))
      mpifarm::fail_to_read(task_.path, "its gzip data are damaged");
    if (size < 0) mpifarm::fail_to_read(task_.path, mpifarm::errno_text(errno));
    buffer_.resize(before + static_cast<std::size_t>(size));
    ended_ = size == 0;
  }
  // At the end: not in the middle of a member.
  bool whole_gzip() const {
    int error = Z_OK;
    ::gzerror(gzip_.get(), &error);
    return error == Z_OK || error == Z_STREAM_END;
  }

  const Task& task_;
  File fd_;
  std::unique_ptr<gzFile_s, Closer> gzip_;
  std::string buffer_;
  std::uint64_t begin_ = 0;  // of the buffer, in the file
  std::uint64_t end_ = ~std::uint64_t{0};
  std::size_t taken_ = 0;  // of the buffer, handed out last
  bool ended_ = false;     // of the file
  bool finished_ = false;
};

inline Logscan::Logscan(const Params& params) : params_{params} {
  params_.path = mpifarm::expand_paths("--path", params.path);
  if (params.pattern.empty())
    throw mpifarm::BadInput{
        "--pattern is missing (there is nothing to count); give one, many times if need be"};
  if (params.range_bytes == 0)
    throw mpifarm::BadInput{"--range-bytes is 0 (\"0\"); give the length of a task's range, such as 4194304"};
  re2::RE2::Options options;
  options.set_never_nl(true);
  options.set_case_sensitive(!params.ignore_case);
  options.set_log_errors(false);
  options.set_max_mem(64 << 20);
  for (const std::string& pattern : params.pattern) {
    const re2::RE2 alone{pattern, options};
    if (!alone.ok()) {
      const std::size_t at = pattern.find(alone.error_arg());
      throw mpifarm::BadInput{"--pattern is no expression (\"" + pattern + "\", at character " +
                              std::to_string(at == pattern.npos ? 1 : at + 1) + ": " + alone.error() +
                              "); see https://github.com/google/re2/wiki/Syntax"};
    }
    if (const char* part = beyond_lines(pattern))
      throw mpifarm::BadInput{"--pattern looks beyond its line (\"" + pattern + "\" has " + part +
                              "); use ^ and $, which are those of each line"};
    if (params.top > 0 && alone.NumberOfCapturingGroups() == 0)
      throw mpifarm::BadInput{"--top needs a group to take values from (--pattern \"" + pattern +
                              "\" has none); put the value in round brackets"};
    patterns_.push_back(std::make_unique<re2::RE2>("(?m)" + pattern, options));  // ^ and $ of each line
  }
  counts_.resize(patterns_.size());
  values_.resize(params.top > 0 ? patterns_.size() : 0);
}

// What in an expression speaks of the whole text, which is cut at will; null when nothing does.
inline const char* Logscan::beyond_lines(std::string_view pattern) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\n') return "a line end";
    if (pattern.substr(i).starts_with("(?") && i + 2 < pattern.size()) {
      const std::string_view flags = pattern.substr(i + 2, pattern.substr(i + 2).find_first_not_of("imsU-"));
      if (flags.find('-') != flags.npos && flags.find('m', flags.find('-')) != flags.npos) return "(?-m)";
    }
    if (pattern[i] != '\\') continue;
    ++i;
    if (i < pattern.size() && (pattern[i] == 'A' || pattern[i] == 'z'))
      return pattern[i] == 'A' ? "\\A" : "\\z";
    if (i < pattern.size() && pattern[i] == 'n') return "\\n";
  }
  return nullptr;
}

// The first task of a file; `whole` when it is not to be cut.
inline Logscan::Task Logscan::task_of(const std::string& path, bool& whole) {
  Task task{.path = path};
  whole = true;
  struct stat status {};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return task;  // computing it says why
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    task.modified = mpifarm::modified_at(status);
    whole = Lines::is_gzip(fd);
    if (!whole) task.bytes = static_cast<std::uint64_t>(status.st_size);
  }
  ::close(fd);
  return task;
}

inline mpifarm::Generated<Logscan::Task> Logscan::tasks() const {
  if (params_.path.empty())
    throw mpifarm::BadInput{
        "--path is missing (there is nothing to read); give a file or directory, many times if need be, or a "
        "list of them by --tasks"};
  const auto walk = std::make_shared<mpifarm::FileWalk>(
      params_.path, mpifarm::FileWalkOptions{params_.exclude, params_.follow});
  return mpifarm::Generated<Task>{
      [walk, range = params_.range_bytes, left = std::uint64_t{0}](Task& task) mutable {
        if (left > 0) {
          task.offset += task.bytes;
        } else {
          std::string path;
          if (!walk->next(path)) return false;
          bool whole = false;
          task = task_of(path, whole);
          left = task.bytes;
          if (whole || left == 0) return true;
        }
        task.bytes = std::min(range, left);
        left -= task.bytes;
        return true;
      }};
}

inline void Logscan::count(std::string_view lines, Result& result) const {
  result.lines +=
      static_cast<std::uint64_t>(std::ranges::count(lines, '\n')) + (lines.back() == '\n' ? 0 : 1);
  const re2::StringPiece text{lines.data(), lines.size()};
  const int wanted = params_.top > 0 ? 2 : 1;
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    re2::StringPiece found[2];
    for (std::size_t at = 0; at < lines.size();) {
      if (!patterns_[i]->Match(text, at, lines.size(), re2::RE2::UNANCHORED, found, wanted)) break;
      const auto match = static_cast<std::size_t>(found[0].data() - text.data());
      if (match == lines.size() && lines.back() == '\n') break;  // nothing, behind the last line
      ++result.counts[i];
      if (params_.top > 0 && found[1].data() != nullptr)
        ++result.values[i][std::string{found[1].data(), found[1].size()}];
      const std::size_t line_end = lines.find('\n', match);
      at = line_end == lines.npos ? lines.size() : line_end + 1;
    }
  }
}

inline Logscan::Result Logscan::compute(const Task& task, mpifarm::Context& context) const {
  Result result{task.path, task.offset, 0, std::vector<std::uint64_t>(patterns_.size()), {}};
  result.values.resize(values_.size());
  Lines lines{task};
  for (std::string_view some; lines.next(some);) {
    if (context.stop_requested()) throw std::runtime_error{"stopped before its end"};
    count(some, result);
  }
  return result;
}

inline void Logscan::reduce(const Task&, const Result& result) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += result.counts[i];
  for (std::size_t i = 0; i < values_.size(); ++i)
    for (const auto& [value, count] : result.values[i]) values_[i][value] += count;
}

inline std::string Logscan::conclude() const {
  std::string text;
  for (std::size_t i = 0; i < counts_.size(); ++i)
    text += std::to_string(counts_[i]) + '\t' + params_.pattern[i] + '\n';
  for (std::size_t i = 0; i < values_.size(); ++i) {
    std::vector<std::pair<std::uint64_t, std::string>> most;
    for (const auto& [value, count] : values_[i]) most.emplace_back(count, value);
    std::ranges::sort(most, [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    if (most.size() > params_.top) most.resize(params_.top);
    for (const auto& [count, value] : most)
      text += std::to_string(count) + '\t' + params_.pattern[i] + '\t' + value + '\n';
  }
  return text;
}
