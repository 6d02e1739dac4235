#include "app/master_word.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"

namespace mpifarm::app {
namespace {

constexpr auto sign_interval = std::chrono::seconds{2};
constexpr std::size_t line_bytes =
    40;  // always as many: a line is replaced in one write, and never seen in part

// An empty path when no file can be made there.
std::filesystem::path make_file(const std::filesystem::path& directory, const std::string& name) {
  std::string path = directory / name;
  const FileDescriptor file{mkostemp(path.data(), O_CLOEXEC)};
  return file.get() < 0 ? std::filesystem::path{} : std::filesystem::path{path};
}

// Written where it is: another host that has looked for the file before would not see a new one for a while.
bool write_line(const std::filesystem::path& path, std::string line) {
  line.resize(line_bytes - 1, ' ');
  line += '\n';
  const FileDescriptor file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  return file.get() >= 0 &&
         pwrite(file.get(), line.data(), line.size(), 0) == static_cast<ssize_t>(line.size());
}

// Taken out of the environment: what a task starts is not to speak for this run.
const std::string& file_of_supervisor() {
  static const std::string path = [] {
    const char* given = std::getenv(master_word_variable);
    std::string taken = given == nullptr ? "" : given;
    unsetenv(master_word_variable);
    return taken;
  }();
  return path;
}

void tell(const std::string& line) {
  if (!file_of_supervisor().empty() && !write_line(file_of_supervisor(), line))
    log::debug(file_of_supervisor() + " cannot be written (" + errno_text(errno) + ")");
}

}  // namespace

const char* const master_word_variable = "MPIFARM_LAUNCH_FILE";

MasterWordFile::MasterWordFile(const std::filesystem::path& run) {
  const std::filesystem::path whole = std::filesystem::absolute(run).lexically_normal();
  const std::filesystem::path trimmed = whole.has_filename() ? whole : whole.parent_path();
  std::error_code ignored;
  std::filesystem::create_directories(trimmed.parent_path(), ignored);
  path_ = make_file(trimmed.parent_path(), "." + trimmed.filename().string() + ".launch-XXXXXX");
  if (path_.empty()) path_ = make_file(std::filesystem::temp_directory_path(), "mpifarm-launch-XXXXXX");
  if (path_.empty()) throw_errno(std::filesystem::temp_directory_path() / "mpifarm-launch-XXXXXX", "created");
}

MasterWordFile::~MasterWordFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

MasterWord MasterWordFile::read() const {
  MasterWord word;
  std::ifstream file{path_};
  std::string phase;
  file >> phase;
  if (phase == "unstarted") word.phase = MasterWord::Phase::unstarted;
  if (phase == "begun") word.phase = MasterWord::Phase::begun;
  if (phase == "alive" && file >> word.turns) word.phase = MasterWord::Phase::alive;
  int stopped = 0;
  if (phase == "ended" && file >> word.end.status >> stopped) {
    word.phase = MasterWord::Phase::ended;
    word.end.stopped = static_cast<Stopped>(stopped);
  }
  return word;
}

void MasterWordFile::clear() const {
  if (!write_line(path_, "none")) throw_errno(path_, "written");
}

void tell_launcher_begun(bool speaks) {
  if (!file_of_supervisor().empty() && speaks) tell("begun");
}

void tell_launcher_unstarted() { tell("unstarted"); }

void tell_launcher(EndOfRun end) {
  tell("ended " + std::to_string(end.status) + ' ' + std::to_string(static_cast<int>(end.stopped)));
}

SignsOfLife::SignsOfLife(const std::atomic<std::uint64_t>& turns) : turns_{turns} {
  if (file_of_supervisor().empty()) return;
  tell("alive 0");
  thread_ = std::thread{[this] {
    std::uint64_t told = 0;
    for (std::unique_lock lock{mutex_}; !ends_; ending_.wait_for(lock, sign_interval)) {
      const std::uint64_t now = turns_.load(std::memory_order_relaxed);
      if (now != told) tell("alive " + std::to_string(now));
      told = now;
    }
  }};
}

SignsOfLife::~SignsOfLife() {
  {
    const std::scoped_lock lock{mutex_};
    ends_ = true;
  }
  ending_.notify_one();
  if (thread_.joinable()) thread_.join();
}

}  // namespace mpifarm::app
