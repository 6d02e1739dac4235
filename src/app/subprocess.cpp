#include "app/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/clock.hpp"
#include "base/file.hpp"

extern char**
    environ;  // NOLINT(readability-redundant-declaration): the C library declares it only with GNU extensions

namespace mpifarm::app {
namespace {

// -1 when it cannot be started.
pid_t start(const std::vector<std::string>& words, int output) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t streams;
  posix_spawn_file_actions_init(&streams);
  posix_spawn_file_actions_addopen(&streams, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&streams, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&streams, output, STDERR_FILENO);
  pid_t process = -1;
  const int error = posix_spawnp(&process, arguments[0], &streams, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&streams);
  return error == 0 ? process : -1;
}

// False when the time is up.
bool read_all(int descriptor, TimePoint until, std::string& text) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd event{descriptor, POLLIN, 0};
    const int ready = left > 0 ? poll(&event, 1, static_cast<int>(left)) : 0;
    if (ready == 0) return false;
    std::array<char, 4096> part;
    const ssize_t count = ready > 0 ? read(descriptor, part.data(), part.size()) : -1;
    if (count == 0) return true;
    if (count > 0) text.append(part.data(), static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) return true;
  }
}

}  // namespace

Answer ask(const std::vector<std::string>& words, std::chrono::seconds patience) {
  const TimePoint until = Clock::now() + patience;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  const FileDescriptor ours{ends[0]};
  FileDescriptor theirs{ends[1]};
  const pid_t process = start(words, theirs.get());
  theirs = FileDescriptor{};
  if (process < 0) return {};
  Answer answer;
  const bool in_time = read_all(ours.get(), until, answer.output);
  if (!in_time) kill(process, SIGKILL);
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) continue;
  if (in_time && WIFEXITED(status)) answer.status = WEXITSTATUS(status);
  return answer;
}

}  // namespace mpifarm::app
