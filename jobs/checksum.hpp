#pragma once
// SHA-256 (FIPS 180-4, by OpenSSL) of files and of all regular files below directories, for `sha256sum -c`.
//
// A directory that holds a live run of mpifarm is passed over: its files change while they are read.

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <mpifarm.hpp>
#include <stdexcept>
#include <utility>

struct Checksum {
  static constexpr auto name = "checksum";
  static constexpr auto summary = "SHA-256 of files, and of all files below directories";

  struct Params {
    std::vector<std::string> path;  // files and directories, which may be symbolic links
  };
  struct Task {
    std::string path;  // any bytes but NUL
  };
  struct Result {
    std::string path, sha256;  // in 64 lower-case hexadecimal digits
    std::uint64_t bytes;
  };

  class FileWalk;

  // Throws BadInput when a path is neither a file nor a directory.
  explicit Checksum(const Params& params) : params_{params} {
    for (const std::string& path : params.path) {
      struct stat status {};
      if (::stat(path.c_str(), &status) != 0) refuse(path, mpifarm::errno_text(errno));
      if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        refuse(path, "neither a file nor a directory");
    }
  }

  FileWalk tasks() const;  // throws BadInput when there is no path
  Result compute(const Task& task, mpifarm::Context& context) const;

  // Throws MachineryFailure when the lines cannot be kept.
  void reduce(const Task&, const Result& result) {
    ++files_;
    bytes_ += result.bytes;
    if (!lines_) lines_ = temporary_file();
    line_.clear();
    append_line(line_, result);
    if (std::fwrite(line_.data(), 1, line_.size(), lines_.get()) != line_.size())
      fail("the temporary file", "written");
  }

  // Leaves SHA256SUMS in the run directory. Throws MachineryFailure.
  std::string conclude(const std::filesystem::path& run) {
    const std::filesystem::path sums = run / "SHA256SUMS";
    const std::filesystem::path building = run / "SHA256SUMS.new";
    write_lines(building);
    if (std::rename(building.c_str(), sums.c_str()) != 0) fail(sums.native(), "replaced");
    std::string text = std::to_string(files_) + " files, " + std::to_string(bytes_) + " bytes";
    if (files_ > 0) text += "; check with: sha256sum --quiet -c " + sums.native();
    return text;
  }

 private:
  class Sha256;
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  using Stream = std::unique_ptr<std::FILE, Closer>;

  [[noreturn]] static void refuse(const std::string& path, const std::string& reason) {
    throw mpifarm::BadInput{"--path cannot be read (" + quoted(path) + ": " + reason +
                            "); give files and directories that every rank can see"};
  }
  // From errno.
  [[noreturn]] static void fail(const std::string& path, const char* what) {
    throw mpifarm::MachineryFailure{path + " could not be " + what + " (" + mpifarm::errno_text(errno) +
                                    "); make room or set TMPDIR, then resume the run"};
  }
  [[noreturn]] static void fail_task(const std::string& path, const std::string& reason) {
    throw std::runtime_error{quoted(path) + " cannot be read (" + reason + ")"};
  }
  // On one line and in UTF-8, whatever the bytes of `path`.
  static std::string quoted(const std::string& path) {
    std::string text;
    mpifarm::describe::append_json_string(text, path);
    return text;
  }

  // As coreutils' sha256sum does: a name with a backslash or a line end is escaped, and its line
  // begins with a backslash.
  static void append_line(std::string& out, const Result& result) {
    if (result.path.find_first_of("\\\n\r") != std::string::npos) out += '\\';
    out.append(result.sha256).append("  ");
    for (const char c : result.path) {
      if (c == '\n')
        out += "\\n";
      else if (c == '\r')
        out += "\\r";
      else if (c == '\\')
        out += "\\\\";
      else
        out += c;
    }
    out += '\n';
  }

  // The lines wait in a file without a name, as `reduce` knows no run directory and memory is bounded.
  static Stream temporary_file() {
    const char* directory = std::getenv("TMPDIR");
    std::string path = directory != nullptr && *directory != '\0' ? directory : "/tmp";
    path += "/mpifarm-checksum-XXXXXX";
    const int fd = ::mkostemp(path.data(), O_CLOEXEC);
    if (fd < 0) fail(path, "created");
    ::unlink(path.c_str());
    return Stream{::fdopen(fd, "w+")};
  }

  void write_lines(const std::filesystem::path& path) const {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) fail(path.native(), "created");
    const Stream out{::fdopen(fd, "w")};
    if (lines_) {
      if (std::fseek(lines_.get(), 0, SEEK_SET) != 0) fail("the temporary file", "written");
      std::array<char, 1 << 16> block;
      while (const std::size_t size = std::fread(block.data(), 1, block.size(), lines_.get()))
        if (std::fwrite(block.data(), 1, size, out.get()) != size) fail(path.native(), "written");
      if (std::ferror(lines_.get()) != 0) fail("the temporary file", "read");
    }
    if (std::fflush(out.get()) != 0 || ::fsync(fd) != 0) fail(path.native(), "written");
  }

  Params params_;
  std::uint64_t files_ = 0, bytes_ = 0;
  Stream lines_;      // from the first reduce on
  std::string line_;  // keeps its memory
};
BOOST_DESCRIBE_STRUCT(Checksum::Params, (), (path))
BOOST_DESCRIBE_STRUCT(Checksum::Task, (), (path))
BOOST_DESCRIBE_STRUCT(Checksum::Result, (), (path, sha256, bytes))

// The tasks: the paths in the order given, directories depth first with their entries in byte order. Holds
// the names in the directories that it is inside of, no more. Symbolic links and special files inside are
// skipped, as are live runs. A directory that cannot be listed is a task, which fails. One pass.
class Checksum::FileWalk {
 public:
  class Iterator {
   public:
    using value_type = Task;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit Iterator(FileWalk& walk) : walk_{&walk} {}
    const Task& operator*() const { return walk_->task_; }
    Iterator& operator++() {
      walk_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return walk_->ended_; }

   private:
    FileWalk* walk_ = nullptr;
  };

  explicit FileWalk(std::vector<std::string> paths) : paths_{std::move(paths)} {}

  Iterator begin() {
    advance();
    return Iterator{*this};
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  struct Entry {
    std::string name;
    bool is_directory;
  };
  struct Level {
    std::size_t prefix_bytes;  // of the path: the directory, with a slash at its end
    std::vector<Entry> entries;
    std::size_t next = 0;
  };

  // Makes the next task, or ends.
  void advance() {
    std::string& path = task_.path;
    while (!levels_.empty() || next_path_ < paths_.size()) {
      bool is_directory = false;
      if (levels_.empty()) {
        path = paths_[next_path_++];
        struct stat status {};
        is_directory = ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
        if (path == "-") path = "./-";  // sha256sum takes "-" for its standard input
      } else {
        Level& level = levels_.back();
        if (level.next == level.entries.size()) {
          levels_.pop_back();
          continue;
        }
        const Entry& entry = level.entries[level.next++];
        path.resize(level.prefix_bytes);
        path += entry.name;
        is_directory = entry.is_directory;
      }
      if (!is_directory || !enter()) return;
    }
    ended_ = true;
  }

  // Lists the directory at the path. False when it cannot be opened.
  bool enter() {
    std::string& path = task_.path;
    const std::unique_ptr<DIR, Closer> directory{::opendir(path.c_str())};
    if (!directory) return false;
    if (path.back() != '/') path += '/';
    if (holds_live_run(::dirfd(directory.get()))) return levels_.push_back({path.size(), {}}), true;
    Level level{path.size(), {}};
    errno = 0;
    while (const dirent* found = ::readdir(directory.get())) {
      add(level.entries, *found, ::dirfd(directory.get()));
      errno = 0;
    }
    if (errno != 0) level.entries.push_back({"", false});  // the directory itself is a task that fails
    std::ranges::sort(level.entries, {}, &Entry::name);
    levels_.push_back(std::move(level));
    return true;
  }

  static bool holds_live_run(int directory) {
    return ::faccessat(directory, "run.json", F_OK, 0) == 0 && ::faccessat(directory, "lock", F_OK, 0) == 0;
  }

  static void add(std::vector<Entry>& entries, const dirent& found, int directory) {
    const std::string_view name = found.d_name;
    if (name == "." || name == "..") return;
    unsigned type = found.d_type;
    if (type == DT_UNKNOWN) {  // some file systems do not say
      struct stat status {};
      const bool gone = ::fstatat(directory, found.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0;
      type = gone ? unsigned{DT_REG} : IFTODT(status.st_mode);
    }
    if (type == DT_REG || type == DT_DIR) entries.push_back({std::string{name}, type == DT_DIR});
  }

  std::vector<std::string> paths_;
  std::size_t next_path_ = 0;
  std::vector<Level> levels_;  // the directories that the walk is inside of
  Task task_;
  bool ended_ = false;
};

// What a thread keeps from file to file.
class Checksum::Sha256 {
 public:
  Sha256() : context_{EVP_MD_CTX_new()} {
    if (!context_) throw std::bad_alloc{};
    check(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
  }

  std::span<char> buffer() { return {buffer_.get(), buffer_bytes}; }
  void start() { check(EVP_DigestInit_ex(context_.get(), nullptr, nullptr)); }  // the same algorithm again
  void add_buffer(std::size_t bytes) { check(EVP_DigestUpdate(context_.get(), buffer_.get(), bytes)); }

  std::string hex() {
    std::array<unsigned char, 32> digest{};
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
    std::string text;
    for (const unsigned char byte : digest) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  }

 private:
  static constexpr std::size_t buffer_bytes = 1 << 20;
  struct Freer {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  static void check(int done) {
    if (done != 1) throw std::runtime_error{"OpenSSL could not compute SHA-256"};
  }

  std::unique_ptr<EVP_MD_CTX, Freer> context_;
  std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(buffer_bytes);
};

inline Checksum::FileWalk Checksum::tasks() const {
  if (params_.path.empty())
    throw mpifarm::BadInput{
        "--path is missing (there is nothing to read); give a file or directory, many times if need be, or a "
        "list of them by --tasks"};
  return FileWalk{params_.path};
}

inline Checksum::Result Checksum::compute(const Task& task, mpifarm::Context& context) const {
  struct File {
    int fd;
    ~File() {
      if (fd >= 0) ::close(fd);
    }
  };
  // Without O_NONBLOCK a pipe that took the file's place would hang the task.
  const File file{::open(task.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  struct stat status {};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) fail_task(task.path, mpifarm::errno_text(errno));
  if (S_ISDIR(status.st_mode)) fail_task(task.path, "a directory that could not be listed");
  if (!S_ISREG(status.st_mode)) fail_task(task.path, "not a regular file");

  thread_local Sha256 sha256;
  const std::span<char> buffer = sha256.buffer();
  if (static_cast<std::uint64_t>(status.st_size) > buffer.size())
    ::posix_fadvise(file.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  sha256.start();
  std::uint64_t bytes = 0;
  while (true) {
    if (context.stop_requested()) throw std::runtime_error{"stopped before its end"};
    const ssize_t size = ::read(file.fd, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) fail_task(task.path, mpifarm::errno_text(errno));
    if (size == 0) return {task.path, sha256.hex(), bytes};
    sha256.add_buffer(static_cast<std::size_t>(size));
    bytes += static_cast<std::uint64_t>(size);
  }
}
