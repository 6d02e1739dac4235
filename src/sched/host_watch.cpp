#include "sched/host_watch.hpp"

#include <algorithm>
#include <utility>

namespace mpifarm::sched {
namespace {

constexpr std::uint64_t least_row = 10;
constexpr std::uint64_t enough = 3;  // attempts elsewhere that tell

}  // namespace

void HostWatch::on_joined(std::size_t host, unsigned slots) {
  if (host >= hosts_.size()) hosts_.resize(host + 1);
  hosts_[host].slots += slots;
}

void HostWatch::on_lost(std::size_t host, unsigned slots) {
  hosts_[host].slots -= slots;
  trust_all_if_none_is_left();
}

void HostWatch::on_attempts(std::size_t host, std::uint64_t succeeded, std::uint64_t failed) {
  Host& here = hosts_[host];
  if (succeeded > 0) {
    here.failed_in_a_row = 0;
    if (here.state == State::suspected) trust(here);
  } else if (here.failed_in_a_row == 0) {
    here.succeeded_before = succeeded_;
    here.failed_before = failed_;
  }
  succeeded_ += succeeded;
  failed_ += failed;
  if (succeeded == 0) here.failed_in_a_row += failed;
  if (here.state == State::trusted && here.failed_in_a_row >= std::max(here.slots, least_row)) {
    here.state = State::suspected;
    ++barred_;
  }
  if (barred_ == 0) return;
  for (Host& one : hosts_)
    if (one.state == State::suspected) judge(one);
  trust_all_if_none_is_left();
}

void HostWatch::judge(Host& host) {
  const std::uint64_t succeeded = succeeded_ - host.succeeded_before;
  const std::uint64_t failed = failed_ - host.failed_before - host.failed_in_a_row;
  if (succeeded >= enough && succeeded > failed) {
    host.state = State::fenced;
    fenced_.push_back(static_cast<std::size_t>(&host - hosts_.data()));
  } else if (failed >= enough) {
    trust(host);
  }
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
