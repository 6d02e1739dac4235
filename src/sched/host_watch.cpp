#include "sched/host_watch.hpp"

#include <algorithm>
#include <utility>

namespace mpifarm::sched {
namespace {

constexpr std::uint64_t least_row = 10;
constexpr std::uint64_t enough_successes = 10, enough_failures = 3;  // of other hosts, to tell
constexpr std::uint64_t successes_a_failure = 10;                    // where the tasks are well
constexpr unsigned most_failed_probes = 3;

}  // namespace

void HostWatch::on_joined(std::size_t host, unsigned slots) {
  if (host >= hosts_.size()) hosts_.resize(host + 1);
  hosts_[host].slots += slots;
}

void HostWatch::on_lost(std::size_t host, unsigned slots) {
  hosts_[host].slots -= slots;
  hosts_[host].probe_is_out = false;  // it may have been there
  trust_all_if_none_is_left();
}

void HostWatch::on_attempts(std::size_t host, std::uint64_t succeeded, std::uint64_t failed) {
  Host& here = hosts_[host];
  here.succeeded += succeeded;
  here.failed += failed;
  succeeded_ += succeeded;
  failed_ += failed;
  here.failed_in_a_row = succeeded > 0 ? 0 : here.failed_in_a_row + failed;
  if (here.state == State::trusted && here.failed_in_a_row >= std::max(here.slots, least_row))
    suspect(here);
  else if (here.state == State::suspected && succeeded > 0)  // of what it held
    trust(here);
  else if (here.state == State::probed && succeeded + failed > 0)
    on_probe_end(here, succeeded == 0);
  if (barred_ == 0) return;
  for (Host& one : hosts_)
    if (one.state == State::suspected || one.state == State::probed) judge(one);
  trust_all_if_none_is_left();
}

void HostWatch::suspect(Host& host) {
  host.state = State::suspected;
  host.succeeded_before = succeeded_ - host.succeeded;
  host.failed_before = failed_ - host.failed;
  host.probe_is_out = false;
  host.failed_probes = 0;
  ++barred_;
}

void HostWatch::judge(Host& host) {
  const std::uint64_t succeeded = succeeded_ - host.succeeded - host.succeeded_before;
  const std::uint64_t failed = failed_ - host.failed - host.failed_before;
  if (failed >= enough_failures && failed * successes_a_failure > succeeded)
    trust(host);
  else if (succeeded >= enough_successes && failed * successes_a_failure <= succeeded)
    host.state = State::probed;
}

void HostWatch::on_probe_end(Host& host, bool failed) {
  if (!failed) return trust(host);
  if (!std::exchange(host.probe_is_out, false) || ++host.failed_probes < most_failed_probes) return;
  host.state = State::fenced;
  fenced_.push_back(static_cast<std::size_t>(&host - hosts_.data()));
}

void HostWatch::trust(Host& host) {
  host.state = State::trusted;
  host.failed_in_a_row = 0;
  --barred_;
}

void HostWatch::trust_all_if_none_is_left() {
  if (std::ranges::any_of(hosts_,
                          [](const Host& host) { return host.slots > 0 && host.state == State::trusted; }))
    return;
  for (Host& host : hosts_)
    if (host.state != State::trusted) trust(host);
}

std::vector<std::size_t> HostWatch::take_fenced() { return std::exchange(fenced_, {}); }

}  // namespace mpifarm::sched
