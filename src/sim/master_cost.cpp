#include "sim/master_cost.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/numbers.hpp"
#include "journal/writer.hpp"
#include "sched/scheduler.hpp"
#include "wire/codec.hpp"

namespace mpifarm::sim {
namespace {

constexpr double mpi_message = 1e-6;  // a receive or a send of one frame, with its progress
constexpr std::size_t result_bytes = 16;

struct Exchange {
  std::uint64_t leases = 0, batch = 1;
  bool alone = false;  // each lease in a message of its own
};

// Seconds that the master spends on so many leases: hand-out, encoding, decoding, outcome, commit.
double seconds_of(const Exchange& exchange) {
  constexpr int ranks = 16;
  const Bytes entries = successes(exchange.batch, Bytes(result_bytes, 'x'));
  sched::Scheduler scheduler{{.count = exchange.leases * exchange.batch,
                              .batching = {.batch = exchange.batch, .prefetch = 15 * exchange.batch}}};
  for (int rank = 0; rank < ranks; ++rank) scheduler.on_worker_joined(rank, 1);
  sched::Outbox out;
  Nanos spent{};
  std::vector<std::pair<int, Bytes>> answers;
  while (!scheduler.finished()) {
    TimePoint start = Clock::now();
    scheduler.dispatch({}, true, out);
    std::vector<Bytes> sent;
    sent.reserve(out.messages.size());
    for (const auto& [rank, message] : out.messages) sent.push_back(wire::encode(message));
    spent += Clock::now() - start;

    answers.clear();
    for (const auto& [rank, message] : std::exchange(out.messages, {})) {  // the workers', at no cost
      wire::Outcomes outcomes;
      for (const wire::Lease& lease : std::get<wire::Assign>(message).leases) {
        outcomes.leases.push_back(
            {lease.id, {lease.first, lease.count, lease.count, entries}, Nanos{1'000'000}, Nanos{1'000'000}});
        if (exchange.alone) answers.emplace_back(rank, wire::encode(std::exchange(outcomes, {})));
      }
      if (!exchange.alone) answers.emplace_back(rank, wire::encode(wire::ToMaster{std::move(outcomes)}));
    }
    start = Clock::now();
    for (const auto& [rank, bytes] : answers) {
      wire::ToMaster message = wire::decode_to_master(bytes);
      scheduler.on_outcomes(rank, std::move(std::get<wire::Outcomes>(message)), {}, out);
      for (const journal::Record& record : out.records)
        scheduler.on_committed(std::get<journal::Outcomes>(record).block.succeeded, 0);
      out.records.clear();
    }
    spent += Clock::now() - start;
  }
  return seconds(spent);
}

double best_of(const Exchange& exchange) {
  double best = seconds_of(exchange);
  for (int again = 0; again < 2; ++again) best = std::min(best, seconds_of(exchange));
  return best;
}

double commit_seconds() {
  constexpr std::uint64_t batch = 1000, batches = 300;
  journal::Writer writer{std::make_unique<journal::NullStorage>(), {}};
  const journal::Record record =
      journal::Outcomes{{{0}, batch, batch, successes(batch, Bytes(result_bytes, 'x'))}, {}};
  Digest digest;
  const TimePoint start = Clock::now();
  for (std::uint64_t i = 0; i < batches; ++i) {
    writer.append(record);
    writer.flush();
    BytesView entries = std::get<journal::Outcomes>(record).block.entries;
    for (std::uint64_t task = 0; task < batch; ++task) digest.add_success(task, take_entry(entries).payload);
  }
  const double spent = seconds(Clock::now() - start);
  return digest == Digest{} ? 0 : spent / (batch * batches);
}

}  // namespace

std::string MasterCost::text() const {
  std::string text;
  for (const double part : {message, lease, task, commit}) {
    if (!text.empty()) text += ',';
    append_number(text, std::round(part * 1e10) / 1e4);
  }
  return text;
}

MasterCost measure_master_cost() {
  constexpr std::uint64_t leases = 40'000, large = 1000;
  const double together = best_of({leases, 1, false}) / leases;
  const double alone = best_of({leases, 1, true}) / leases;
  constexpr std::uint64_t large_leases = leases / 100;
  const double batched = best_of({large_leases, large, false}) / large_leases;
  MasterCost cost;
  cost.task = std::max(0.0, (batched - together) / (large - 1));
  cost.lease = together;
  cost.message = mpi_message + std::max(0.0, alone - together);
  cost.commit = commit_seconds();
  return cost;
}

MasterCost parse_master_cost(std::string_view text) {
  if (text == "auto") return measure_master_cost();
  std::array<double, 4> parts{};
  std::string_view rest = text;
  for (double& part : parts) {
    const bool last = &part == &parts.back();
    const std::size_t comma = rest.find(',');
    const bool well = last == (comma == rest.npos) && parse_number(rest.substr(0, comma), part).empty() &&
                      part >= 0 && part <= 1e6;
    if (!well)
      throw BadInput{
          "--master-cost is no cost (\"" + std::string{text} +
          "\"); give auto, or microseconds (0 to 1e6) a message, a lease, a task and a commit, as in "
          "1.2,0.3,0.01,0.03"};
    if (!last) rest.remove_prefix(comma + 1);
  }
  return {parts[0] * 1e-6, parts[1] * 1e-6, parts[2] * 1e-6, parts[3] * 1e-6};
}

}  // namespace mpifarm::sim
