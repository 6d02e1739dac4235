#include "app/startup_watch.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "app/launcher.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"

namespace mpifarm::app {
namespace {

constexpr auto look = std::chrono::milliseconds{100};
constexpr auto longest_start = std::chrono::minutes{5};

// Processes that this one's parent has, this one included.
int siblings() {
  int count = 0;
  std::error_code gone;
  const std::filesystem::path threads = "/proc/" + std::to_string(getppid()) + "/task";
  std::filesystem::directory_iterator thread{threads, gone};
  for (; !gone && thread != std::filesystem::directory_iterator{}; thread.increment(gone)) {
    std::ifstream children{thread->path() / "children"};
    for (pid_t child = 0; children >> child;) {
      std::string stat;  // "PID (NAME) STATE ..."
      std::getline(std::ifstream{"/proc/" + std::to_string(child) + "/stat"}, stat);
      const auto name_end = stat.rfind(") ");
      if (name_end != std::string::npos && stat[name_end + 2] != 'Z') ++count;
    }
  }
  return count;
}

[[noreturn]] void leave(const char* why) {
  std::fprintf(stderr, "mpifarm: rank %d leaves (%s); start it again\n",
               launched_as().value_or(LaunchedAs{}).rank, why);
  std::_Exit(static_cast<int>(ExitStatus::machinery));
}

}  // namespace

StartupWatch::StartupWatch() {
  const auto launched = launched_as();
  if (launched && launched->size > 1 && survives_losses()) thread_ = std::thread{[this] { watch(); }};
}

StartupWatch::~StartupWatch() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock{mutex_};
    over_ = true;
  }
  started_.notify_one();
  thread_.join();
}

void StartupWatch::watch() {
  const TimePoint deadline = Clock::now() + longest_start;
  const int here = ranks_on_this_host();  // 0: the launcher does not say
  bool were_all_here = false;             // else they are not the parent's own children, or still to come
  std::unique_lock lock{mutex_};
  while (!started_.wait_for(lock, look, [this] { return over_; })) {
    const int living = siblings();
    were_all_here = were_all_here || (here > 0 && living >= here);
    if (were_all_here && living < here) leave("a rank ended while MPI was starting");
    if (Clock::now() > deadline) leave("MPI does not start: nothing for 5 minutes");
  }
}

}  // namespace mpifarm::app
