#pragma once
// A scheduler driven by hand: what it hands out, and answers to that. Every call ends with the invariants.

#include <map>
#include <string>
#include <vector>

#include "sched/scheduler.hpp"

namespace mpifarm::sched {

struct Given {
  Rank rank = 0;
  wire::Lease lease;
};

class Driver {
 public:
  explicit Driver(Options options) : scheduler{options} {}

  void join(Rank rank, unsigned slots, std::size_t host = 0) {
    scheduler.on_worker_joined(rank, slots, host);
    scheduler.check_invariants();
  }
  void lose(Rank rank) {
    Outbox out;
    scheduler.on_worker_lost(rank, out);
    scheduler.check_invariants();
    keep_records(out);
  }
  std::vector<Given> dispatch(bool credit = true) {
    Outbox out;
    scheduler.dispatch(now, credit, out);
    scheduler.check_invariants();
    keep_records(out);
    std::vector<Given> given;
    for (const auto& [rank, message] : out.messages) {
      const auto& assign = std::get<wire::Assign>(message);
      order = assign.order;
      for (const wire::Lease& lease : assign.leases) given.push_back({rank, lease});
    }
    return given;
  }
  // `statuses`: of the lease's next tasks, s(ucceeded), f(ailed) or c(rashed).
  void answer(const Given& given, std::uint64_t from, const std::string& statuses, Nanos busy = Nanos{1000}) {
    OutcomeBlock block{{given.lease.first.value + from}, statuses.size(), 0, {}};
    for (const char status : statuses) {
      const Outcome outcome = status == 's'   ? Outcome::succeeded
                              : status == 'f' ? Outcome::failed
                                              : Outcome::crashed;
      append_entry(block.entries, outcome, status == 's' ? "result" : "message");
      block.succeeded += status == 's' ? 1 : 0;
    }
    Outbox out;
    scheduler.on_outcomes(given.rank, {{{given.lease.id, block, busy, busy}}}, now, out);
    scheduler.check_invariants();
    keep_records(out);
  }
  void answer(const Given& given, char status = 's', Nanos busy = Nanos{1000}) {
    answer(given, 0, std::string(given.lease.count, status), busy);
  }
  void items(const std::vector<std::string>& texts, bool end) {
    Outbox out;
    scheduler.on_items(texts, end, out);
    scheduler.check_invariants();
    keep_records(out);
  }
  // Hands out and answers until nothing more is handed out; how often each position was given.
  std::map<std::uint64_t, int> work_off() {
    std::map<std::uint64_t, int> times;
    for (auto given = dispatch(); !given.empty(); given = dispatch())
      for (const Given& one : given) {
        for (std::uint64_t i = 0; i < one.lease.count; ++i) ++times[one.lease.first.value + i];
        answer(one);
      }
    commit_all();
    return times;
  }
  void commit_all() {
    for (; committed < records.size(); ++committed)
      if (const auto* outcomes = std::get_if<journal::Outcomes>(&records[committed]))
        scheduler.on_committed(outcomes->block.succeeded, outcomes->block.count - outcomes->block.succeeded);
    scheduler.check_invariants();
  }
  template <class Record>
  std::vector<Record> records_of() const {
    std::vector<Record> all;
    for (const journal::Record& record : records)
      if (const auto* one = std::get_if<Record>(&record)) all.push_back(*one);
    return all;
  }

  Scheduler scheduler;
  TimePoint now{};
  Order order;
  std::vector<journal::Record> records;
  std::size_t committed = 0;

 private:
  void keep_records(Outbox& out) {
    for (journal::Record& record : out.records) records.push_back(std::move(record));
  }
};

inline std::uint64_t tasks_in(const std::vector<Given>& given) {
  std::uint64_t tasks = 0;
  for (const Given& one : given) tasks += one.lease.count;
  return tasks;
}

// The descriptors of a lease, one by one.
inline std::vector<std::string> texts_of(BytesView descriptors) {
  std::vector<std::string> texts;
  for (std::uint64_t size = 0; !descriptors.empty() && take_varint(descriptors, size);) {
    texts.emplace_back(descriptors.substr(0, size));
    descriptors.remove_prefix(size);
  }
  return texts;
}

}  // namespace mpifarm::sched
