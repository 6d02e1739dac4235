#include "app/startup_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "app/launcher.hpp"
#include "app/master_word.hpp"
#include "base/amounts.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/processes.hpp"

namespace mpifarm::app {
namespace {

constexpr auto look = std::chrono::milliseconds{100};
constexpr auto longest_spawn = std::chrono::seconds{10};  // of all ranks of a host

// Whether the ranks of this host are children of the parent: else a wrapper stands between.
bool launcher_is_parent() {
  const std::string name = process_name(getppid());
  return name == "mpirun" || name == "mpiexec" || name == "orterun" || name == "orted";
}

[[noreturn]] void leave(const char* why) {
  if (speaks_for_all()) tell_launcher_unstarted();
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

// The launcher starts the ranks of a host one after the other, in their order. So those below this one are
// there from the beginning, and after a while all are.
void StartupWatch::watch() {
  const TimePoint begin = Clock::now();
  const Nanos longest = longest_start(launched_as().value_or(LaunchedAs{}).size);
  const int here = ranks_on_this_host();  // 0: the launcher does not say
  const bool ordered = here > 0 && launcher_is_parent();
  bool were_all_here = false;  // else they are not the parent's own children, or still to come
  std::unique_lock lock{mutex_};
  do {
    const auto living = static_cast<int>(living_children_of(getppid()).size());
    were_all_here = were_all_here || (here > 0 && living >= here);
    const Nanos elapsed = Clock::now() - begin;
    const int expected = were_all_here || (ordered && elapsed > longest_spawn) ? here : 0;
    if (living > 0 && living < std::max(expected, ordered ? rank_on_this_host() + 1 : 0))
      leave("a rank ended while MPI was starting");
    if (elapsed > longest)
      leave(("MPI does not start: nothing for " + duration_text(seconds(longest))).c_str());
  } while (!started_.wait_for(lock, look, [this] { return over_; }));
}

}  // namespace mpifarm::app
