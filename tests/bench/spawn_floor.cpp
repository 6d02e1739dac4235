// How fast this machine starts programs and sees them end, which no farm of commands can beat.
//   spawn_floor COMMANDS THREADS      runs /usr/bin/true COMMANDS times, one at a time on each thread
// Prints one JSON object. posix_spawn(3), waitpid(2), and no farm in it.

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

bool run_true() {
  std::array<char, 14> program{"/usr/bin/true"};
  const std::array<char*, 2> words{program.data(), nullptr};
  pid_t process = -1;
  int status = -1;
  return posix_spawn(&process, program.data(), nullptr, nullptr, words.data(), environ) == 0 &&
         waitpid(process, &status, 0) == process && status == 0;
}

// How many succeeded.
std::int64_t run_all(std::int64_t commands, int threads) {
  std::atomic<std::int64_t> begun = 0, succeeded = 0;
  const auto work = [&] {
    while (begun++ < commands)
      if (run_true()) ++succeeded;
  };
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) workers.emplace_back(work);
  }  // joined
  return succeeded;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: spawn_floor COMMANDS THREADS\n");
    return 2;
  }
  const std::int64_t commands = std::atoll(argv[1]);
  const auto start = std::chrono::steady_clock::now();
  const std::int64_t succeeded = run_all(commands, std::atoi(argv[2]));
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  std::printf("{\"tasks_per_second\": %.6g, \"succeeded\": %lld}\n",
              static_cast<double>(commands) / wall.count(), static_cast<long long>(succeeded));
  return 0;
}
