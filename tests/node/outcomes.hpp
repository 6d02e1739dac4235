#pragma once
// Blocks of outcomes, and a sink that keeps what it is given.

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "journal/records.hpp"
#include "run/sink.hpp"

namespace mpifarm {

// `count` successes from `first` whose payload is the position, padded to `bytes`; every `fail_every`-th
// failed.
inline journal::Outcomes numbered_outcomes(std::uint64_t first, std::uint64_t count, std::size_t bytes = 0,
                                           std::uint64_t fail_every = 0) {
  journal::Outcomes outcomes{{{first}, count, 0, {}}, {}};
  for (std::uint64_t position = first; position < first + count; ++position) {
    const bool failed = fail_every > 0 && position % fail_every == 0;
    std::string payload = std::to_string(position);
    payload.resize(std::max(bytes, payload.size()), '.');
    append_entry(outcomes.block.entries, failed ? Outcome::failed : Outcome::succeeded, payload);
    outcomes.block.succeeded += failed ? 0 : 1;
  }
  return outcomes;
}

class KeepingSink final : public OutcomeSink {
 public:
  void take(const journal::TaskOutcome& outcome) override {
    ids.push_back(outcome.id.value);
    payloads.emplace_back(outcome.payload);
    descriptors.emplace_back(outcome.descriptor);
    if (outcome.id.value == throw_at) throw MachineryFailure{"the sink is full"};
  }

  std::vector<std::uint64_t> ids;
  std::vector<std::string> payloads, descriptors;
  std::uint64_t throw_at = ~std::uint64_t{0};
};

}  // namespace mpifarm
