#include "app/signals.hpp"

#include <atomic>
#include <csignal>

namespace mpifarm::app {
namespace {

std::atomic<int> caught = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch nothing else");

void count(int) { caught.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = count;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is then an error like a full disk
}

int signals_caught() { return caught.load(std::memory_order_relaxed); }

}  // namespace mpifarm::app
