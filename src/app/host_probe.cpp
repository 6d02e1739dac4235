#include "app/host_probe.hpp"

#include <algorithm>
#include <csignal>
#include <memory>
#include <span>
#include <thread>

#include "app/launcher_process.hpp"
#include "app/signals.hpp"
#include "base/clock.hpp"

namespace mpifarm::app {
namespace {

constexpr auto look = std::chrono::milliseconds{20};
constexpr auto patience = std::chrono::seconds{20};
constexpr auto patience_with_term = std::chrono::seconds{3};
constexpr std::size_t at_once = 32;

std::vector<std::string> silent_of(const LaunchPlan& plan, std::span<const std::string> hosts) {
  std::vector<std::unique_ptr<LauncherProcess>> probes;
  for (const std::string& host : hosts)
    probes.push_back(std::make_unique<LauncherProcess>(probe_words(plan, host), "", false));
  const auto any_runs = [&] {
    return std::ranges::any_of(probes, [](const auto& probe) { return probe->running(); });
  };
  for (const TimePoint until = Clock::now() + patience;
       any_runs() && Clock::now() < until && signals_caught() == 0;)
    std::this_thread::sleep_for(look);
  for (const auto& probe : probes)
    if (probe->running()) probe->kill(SIGTERM);
  for (const TimePoint until = Clock::now() + patience_with_term; any_runs() && Clock::now() < until;)
    std::this_thread::sleep_for(look);
  for (const auto& probe : probes)
    if (probe->running()) probe->kill(SIGKILL);
  std::vector<std::string> silent;
  for (std::size_t i = 0; i < hosts.size(); ++i)
    if (!probes[i]->succeeded()) silent.push_back(hosts[i]);
  return silent;
}

}  // namespace

std::vector<std::string> silent_hosts(const LaunchPlan& plan, const std::vector<std::string>& hosts) {
  std::vector<std::string> silent;
  for (std::span<const std::string> rest{hosts}; !rest.empty();) {
    const auto some = rest.first(std::min(at_once, rest.size()));
    const std::vector<std::string> found = silent_of(plan, some);
    silent.insert(silent.end(), found.begin(), found.end());
    rest = rest.subspan(some.size());
  }
  return silent;
}

}  // namespace mpifarm::app
