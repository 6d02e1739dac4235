#pragma once
// Checksums of files and of all regular files below directories, as `sha256sum` and its like write and check
// them: SHA-256, SHA-1 (FIPS 180-4) and MD5 (RFC 1321) by OpenSSL, XXH3 (64 bits) by xxHash.

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mpifarm.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

struct Checksum {
  static constexpr auto name = "checksum";
  static constexpr auto summary = "Checksums of files, and of all files below directories";
  static constexpr mpifarm::ParamHelp help[] = {
      {"path", "a file, a directory or a glob"},
      {"algorithm", "of the checksums"},
      {"exclude", "leave out what matches the glob: the whole path if it has a slash, else the name"},
      {"follow", "follow symbolic links inside directories"},
      {"check", "verify this list of checksums, instead of --path"},
  };
  static constexpr auto source_params = {"path", "exclude", "follow", "check"};

  enum class Algorithm { sha256, sha1, md5, xxh3 };

  struct Params {
    std::vector<std::string> path;  // files, directories and globs
    Algorithm algorithm = Algorithm::sha256;
    std::vector<std::string> exclude;  // globs: with a slash of the whole path, else of the name
    bool follow = false;               // symbolic links inside directories
    std::string check;                 // a list of checksums to be verified, instead of --path
  };
  struct Task {
    std::string path;      // any bytes but NUL
    std::string expected;  // its checksum, whose length tells the algorithm; empty: none
    // When it was listed, so that a resume sees what changed; 0: not known.
    std::uint64_t bytes = 0;
    std::int64_t modified = 0;  // nanoseconds since 1970
  };
  struct Result {
    std::string path, checksum;  // in lower-case hexadecimal digits
    std::uint64_t bytes;
  };

  // Throws BadInput when a path is neither a file nor a directory.
  explicit Checksum(const Params& params) : params_{params} {
    params_.path = mpifarm::expand_paths("--path", params.path);
    if (!params.check.empty() && !params.path.empty())
      throw mpifarm::BadInput{"--check and --path exclude each other (\"" + params.check +
                              "\" says which files to read); leave one of the two out"};
    if (!params.check.empty() && !params.exclude.empty())
      throw mpifarm::BadInput{"--check and --exclude exclude each other (\"" + params.check +
                              "\" says which files to read); leave one of the two out"};
  }

  // Throws BadInput when there is nothing to read, or the list to be checked is none.
  mpifarm::Generated<Task> tasks() const {
    if (!params_.check.empty()) return listed_tasks();
    if (params_.path.empty())
      throw mpifarm::BadInput{
          "--path is missing (there is nothing to read); give a file or directory, many times if need be, or "
          "a "
          "list of them by --tasks"};
    const auto walk = std::make_shared<mpifarm::FileWalk>(
        params_.path, mpifarm::FileWalkOptions{params_.exclude, params_.follow});
    return mpifarm::Generated<Task>{[walk](Task& task) {
      if (!walk->next(task.path)) return false;
      if (task.path == "-") task.path = "./-";  // sha256sum takes "-" for its standard input
      struct stat status {};
      const bool there = ::stat(task.path.c_str(), &status) == 0;
      task.bytes = there ? static_cast<std::uint64_t>(status.st_size) : 0;
      task.modified = there ? mpifarm::modified_at(status) : 0;
      return true;
    }};
  }
  Result compute(const Task& task, mpifarm::Context& context) const;

  // Throws MachineryFailure when the lines cannot be kept.
  void reduce(const Task&, const Result& result) {
    ++files_;
    bytes_ += result.bytes;
    if (!params_.check.empty() || result.checksum.size() != facts(params_.algorithm).digits) return;
    if (!lines_) lines_ = temporary_file();
    line_.clear();
    append_line(line_, result);
    if (std::fwrite(line_.data(), 1, line_.size(), lines_.get()) != line_.size())
      fail("the temporary file", "written");
  }

  // Leaves SHA256SUMS or its like in the run directory. Throws MachineryFailure.
  std::string conclude(const std::filesystem::path& run) {
    std::string text = std::to_string(files_) + " files, " + std::to_string(bytes_) + " bytes";
    if (!params_.check.empty()) return text + " agree with " + params_.check;
    const std::filesystem::path sums = run / facts(params_.algorithm).sums;
    const std::filesystem::path building = sums.native() + ".new";
    write_lines(building);
    if (std::rename(building.c_str(), sums.c_str()) != 0) fail(sums.native(), "replaced");
    if (files_ > 0)
      text += std::string{"; check with: "} + facts(params_.algorithm).tool + " -c " + sums.native();
    return text;
  }

 private:
  class Hasher;

  struct Facts {
    const char *name, *sums, *tool;
    std::size_t digits;  // of a checksum
  };
  static const Facts& facts(Algorithm algorithm) {
    static constexpr std::array all{Facts{"SHA256", "SHA256SUMS", "sha256sum --quiet", 64},
                                    Facts{"SHA1", "SHA1SUMS", "sha1sum --quiet", 40},
                                    Facts{"MD5", "MD5SUMS", "md5sum --quiet", 32},
                                    Facts{"XXH3", "XXH3SUMS", "xxhsum --quiet", 16}};
    return all.at(static_cast<std::size_t>(algorithm));
  }
  static constexpr std::array algorithms{Algorithm::sha256, Algorithm::sha1, Algorithm::md5, Algorithm::xxh3};

  // By the number of its digits; nothing when it is no checksum.
  static std::optional<Algorithm> algorithm_of(std::string_view checksum) {
    if (checksum.find_first_not_of("0123456789abcdefABCDEF") != checksum.npos) return std::nullopt;
    for (const Algorithm algorithm : algorithms)
      if (facts(algorithm).digits == checksum.size()) return algorithm;
    return std::nullopt;
  }

  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using Stream = std::unique_ptr<std::FILE, Closer>;

  // From errno.
  [[noreturn]] static void fail(const std::string& path, const char* what) {
    throw mpifarm::MachineryFailure{path + " could not be " + what + " (" + mpifarm::errno_text(errno) +
                                    "); make room or set TMPDIR, then resume the run"};
  }

  mpifarm::Generated<Task> listed_tasks() const;
  static bool parse_line(std::string_view line, Task& task);
  static std::string unescaped(std::string_view path);

  // As coreutils' sha256sum does: a name with a backslash or a line end is escaped, and its line begins with
  // a backslash. XXH3 as xxhsum writes it.
  void append_line(std::string& out, const Result& result) const {
    const bool tagged = params_.algorithm == Algorithm::xxh3;
    if (result.path.find_first_of("\\\n\r") != std::string::npos) out += '\\';
    if (tagged)
      out.append("XXH3 (");
    else
      out.append(result.checksum).append("  ");
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
    if (tagged) out.append(") = ").append(result.checksum);
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
    Stream out{::fdopen(fd, "w")};
    if (lines_) {
      if (std::fseek(lines_.get(), 0, SEEK_SET) != 0) fail("the temporary file", "written");
      std::array<char, 1 << 16> block;
      while (const std::size_t size = std::fread(block.data(), 1, block.size(), lines_.get()))
        if (std::fwrite(block.data(), 1, size, out.get()) != size) fail(path.native(), "written");
      if (std::ferror(lines_.get()) != 0) fail("the temporary file", "read");
    }
    const bool arrived = std::fflush(out.get()) == 0 && ::fsync(fd) == 0;
    if (std::fclose(out.release()) != 0 || !arrived) fail(path.native(), "written");
  }

  Params params_;
  std::uint64_t files_ = 0, bytes_ = 0;
  Stream lines_;      // from the first reduce on
  std::string line_;  // keeps its memory
};
BOOST_DESCRIBE_ENUM(Checksum::Algorithm, sha256, sha1, md5, xxh3)
BOOST_DESCRIBE_STRUCT(Checksum::Params, (), (path, algorithm, exclude, follow, check))
BOOST_DESCRIBE_STRUCT(Checksum::Task, (), (path, expected, bytes, modified))
BOOST_DESCRIBE_STRUCT(Checksum::Result, (), (path, checksum, bytes))

// What a thread keeps from file to file.
class Checksum::Hasher {
 public:
  Hasher() : evp_{EVP_MD_CTX_new()}, xxh_{XXH3_createState()} {
    if (!evp_ || !xxh_) throw std::bad_alloc{};
  }

  std::span<char> buffer() { return {buffer_.get(), buffer_bytes}; }

  void start(Algorithm algorithm) {
    algorithm_ = algorithm;
    if (algorithm == Algorithm::xxh3)
      XXH3_64bits_reset(xxh_.get());
    else
      check(EVP_DigestInit_ex(evp_.get(), evp_algorithm(algorithm), nullptr));
  }
  void add_buffer(std::size_t bytes) {
    if (algorithm_ == Algorithm::xxh3)
      XXH3_64bits_update(xxh_.get(), buffer_.get(), bytes);
    else
      check(EVP_DigestUpdate(evp_.get(), buffer_.get(), bytes));
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    if (algorithm_ == Algorithm::xxh3) {
      XXH64_canonical_t canonical;
      XXH64_canonicalFromHash(&canonical, XXH3_64bits_digest(xxh_.get()));
      std::ranges::copy(canonical.digest, digest.begin());
    } else {
      check(EVP_DigestFinal_ex(evp_.get(), digest.data(), nullptr));
    }
    std::string text;
    for (std::size_t i = 0; i < facts(algorithm_).digits / 2; ++i) {
      text += "0123456789abcdef"[digest[i] >> 4];
      text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
  }

 private:
  static constexpr std::size_t buffer_bytes = 1 << 20;
  struct Freer {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };

  static const EVP_MD* evp_algorithm(Algorithm algorithm) {
    return algorithm == Algorithm::md5 ? EVP_md5() : algorithm == Algorithm::sha1 ? EVP_sha1() : EVP_sha256();
  }
  static void check(int done) {
    if (done != 1) throw std::runtime_error{"OpenSSL could not compute the checksum"};
  }

  Algorithm algorithm_ = Algorithm::sha256;
  std::unique_ptr<EVP_MD_CTX, Freer> evp_;
  std::unique_ptr<XXH3_state_t, Freer> xxh_;
  std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(buffer_bytes);
};

// Of a list's path, which was escaped.
inline std::string Checksum::unescaped(std::string_view path) {
  std::string text;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char next = path[i] == '\\' && i + 1 < path.size() ? path[++i] : '\0';
    text += next == 'n' ? '\n' : next == 'r' ? '\r' : path[i];
  }
  return text;
}

// "CHECKSUM  PATH", with a star before the path of a binary file, or "SHA256 (PATH) = CHECKSUM".
inline bool Checksum::parse_line(std::string_view line, Task& task) {
  const bool escaped = line.starts_with('\\');
  if (escaped) line.remove_prefix(1);
  const Facts* tagged = nullptr;
  for (const Algorithm algorithm : algorithms)
    if (line.starts_with(facts(algorithm).name + std::string{" ("})) tagged = &facts(algorithm);
  std::string_view path;
  if (tagged != nullptr) {
    const std::size_t begin = line.find('(') + 1, end = line.rfind(") = ");
    if (end == line.npos || end < begin) return false;
    path = line.substr(begin, end - begin);
    task.expected = line.substr(end + 4);
  } else {
    const std::size_t gap = line.find(' ');
    if (gap == line.npos || gap + 2 >= line.size() || (line[gap + 1] != ' ' && line[gap + 1] != '*'))
      return false;
    path = line.substr(gap + 2);
    task.expected = line.substr(0, gap);
  }
  task.path = escaped ? unescaped(path) : std::string{path};
  std::ranges::transform(task.expected, task.expected.begin(),
                         [](char c) { return c >= 'A' && c <= 'F' ? c + 32 : c; });
  const auto algorithm = algorithm_of(task.expected);
  if (!algorithm) return false;
  if (tagged != nullptr) return &facts(*algorithm) == tagged;
  return *algorithm != Algorithm::xxh3;  // without a tag, xxhsum's 16 digits are of another algorithm
}

// The list is read to its end first, so that one that is none is refused before anything runs.
inline mpifarm::Generated<Checksum::Task> Checksum::listed_tasks() const {
  const auto refuse = [this](const std::string& why) {
    throw mpifarm::BadInput{"--check cannot be read (" + params_.check + why +
                            "); give what sha256sum or its like has written"};
  };
  const auto next = [](std::ifstream& file, Task& task) {
    std::string line;
    while (std::getline(file, line))
      if (!line.empty() && line != "\r" && line[0] != '#')
        return parse_line(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line, task) ? 1 : -1;
    return 0;
  };
  std::error_code ignored;
  if (std::filesystem::exists(params_.check, ignored) &&
      !std::filesystem::is_regular_file(params_.check, ignored))
    refuse(": it is no regular file");
  std::ifstream file{params_.check};
  if (!file) refuse(": " + mpifarm::errno_text(errno));
  Task task;
  std::uint64_t number = 1;
  int found = next(file, task);
  for (; found > 0; ++number) found = next(file, task);
  if (found < 0) refuse(": entry " + std::to_string(number) + " is no checksum and path");
  if (number == 1) refuse(": it lists nothing");
  const auto again = std::make_shared<std::ifstream>(params_.check);
  return mpifarm::Generated<Task>{[again, next](Task& wanted) { return next(*again, wanted) > 0; }};
}

inline Checksum::Result Checksum::compute(const Task& task, mpifarm::Context& context) const {
  const auto algorithm = task.expected.empty() ? params_.algorithm : algorithm_of(task.expected);
  if (!algorithm) throw std::runtime_error{"\"" + task.expected + "\" is no checksum of a known length"};
  if (task.path.find('\0') != task.path.npos) mpifarm::fail_to_read(task.path, "its name has a NUL in it");
  struct File {
    int fd;
    ~File() {
      if (fd >= 0) ::close(fd);
    }
  };
  // Without O_NONBLOCK a pipe that took the file's place would hang the task.
  const File file{::open(task.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  struct stat status {};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0)
    mpifarm::fail_to_read(task.path, mpifarm::errno_text(errno));
  if (S_ISDIR(status.st_mode)) mpifarm::fail_to_read(task.path, "a directory that could not be listed");
  if (!S_ISREG(status.st_mode)) mpifarm::fail_to_read(task.path, "not a regular file");

  thread_local Hasher hasher;
  const std::span<char> buffer = hasher.buffer();
  if (static_cast<std::uint64_t>(status.st_size) > buffer.size())
    ::posix_fadvise(file.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  hasher.start(*algorithm);
  std::uint64_t bytes = 0;
  while (true) {
    if (context.stop_requested()) throw std::runtime_error{"stopped before its end"};
    const ssize_t size = ::read(file.fd, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) mpifarm::fail_to_read(task.path, mpifarm::errno_text(errno));
    if (size == 0) break;
    hasher.add_buffer(static_cast<std::size_t>(size));
    bytes += static_cast<std::uint64_t>(size);
  }
  Result result{task.path, hasher.hex(), bytes};
  if (!task.expected.empty() && result.checksum != task.expected)
    throw std::runtime_error{mpifarm::quoted_path(task.path) + " does not agree (" + result.checksum +
                             ", expected " + task.expected + ")"};
  return result;
}
