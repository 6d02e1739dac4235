#include "app/signals.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <list>
#include <utility>

#include "base/error.hpp"

namespace mpifarm::app {
namespace {

std::atomic<int> caught = 0, of_time = 0;
std::atomic<const std::string*> last_words = nullptr;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<const std::string*>::is_always_lock_free,
              "a signal handler may touch nothing else");

void take(int signal) {
  if (const std::string* text = last_words.load()) {
    if (write(STDERR_FILENO, text->data(), text->size()) < 0) {
    }  // nobody is left to tell
    _exit(static_cast<int>(ExitStatus::resumable));
  }
  if (signal == SIGUSR1) of_time.fetch_add(1, std::memory_order_relaxed);
  caught.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = take;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) sigaction(signal, &action, nullptr);
  struct sigaction before {};
  sigaction(SIGHUP, nullptr, &before);
  if (before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);  // nohup
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is then an error like a full disk
}

void leave_on_signal(std::string text) {
  static std::list<std::string> texts;  // a handler may still read an earlier one
  last_words = text.empty() ? nullptr : &texts.emplace_back("mpifarm: " + std::move(text) + "\n");
}

bool only_time_signals() { return of_time.load(std::memory_order_relaxed) == signals_caught(); }

int signals_caught() { return caught.load(std::memory_order_relaxed); }

}  // namespace mpifarm::app
