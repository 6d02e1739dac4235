#pragma once
// While MPI starts no rank can speak, and under recovery Open MPI waits for ever for one that has died. So
// the ranks of a host look whether all that their launcher started are still there.

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.hpp"

namespace mpifarm::app {

// That MPI is given to start so many ranks: some of a host need a second, thousands a few minutes.
inline Nanos longest_start(int ranks) {
  return std::chrono::minutes{2} + ranks * std::chrono::milliseconds{100};
}

// Lives as long as MPI starts. When a rank of this host ends meanwhile, or it takes too long, this
// process ends with ExitStatus::machinery and a line that says so. Does nothing where the launcher ends all
// ranks by itself.
class StartupWatch {
 public:
  StartupWatch();
  ~StartupWatch();
  StartupWatch(const StartupWatch&) = delete;
  StartupWatch& operator=(const StartupWatch&) = delete;

 private:
  void watch();

  std::mutex mutex_;
  std::condition_variable started_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace mpifarm::app
