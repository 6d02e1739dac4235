#pragma once
// The leases that are out, found by id in constant time and without allocation once the table has grown.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/interval_set.hpp"

namespace mpifarm::sched {

struct Lease {
  int rank = 0;
  Interval left;  // what it still owes, a suffix of what was handed out
  std::uint32_t attempt = 1;
  std::uint32_t place = 0;  // in its worker's list of leases
  bool copy = false;        // races a lease that has the task, too
  TimePoint given{};        // handed out then
  Bytes descriptors;        // of `left`
};

// An id is a place in the table and the number of leases that had the place before, so that the id of a lease
// that has ended finds nothing, whoever has its place now. One thread.
class LeaseTable {
 public:
  // The caller fills the lease in; its descriptors are empty.
  std::pair<LeaseId, Lease&> add() {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(entries_.size()));
      entries_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Entry& entry = entries_[index];
    entry.used = true;
    return {id_of(index), entry.lease};
  }
  // Null for one that has ended or never was. Good until the next add().
  Lease* find(LeaseId id) {
    const std::uint64_t index = id.value & 0xffffffff;
    if (index >= entries_.size()) return nullptr;
    Entry& entry = entries_[index];
    return entry.used && entry.generation == id.value >> 32 ? &entry.lease : nullptr;
  }
  const Lease* find(LeaseId id) const { return const_cast<LeaseTable*>(this)->find(id); }
  // `id` must be found.
  void remove(LeaseId id) {
    const auto index = static_cast<std::uint32_t>(id.value);
    Entry& entry = entries_[index];
    entry.used = false;
    ++entry.generation;
    if (!entry.lease.descriptors.empty()) entry.lease.descriptors = Bytes{};
    free_.push_back(index);
  }
  std::size_t size() const { return entries_.size() - free_.size(); }
  bool empty() const { return size() == 0; }
  // Calls `visit(LeaseId, const Lease&)` for each.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < entries_.size(); ++i)
      if (entries_[i].used) visit(id_of(static_cast<std::uint32_t>(i)), entries_[i].lease);
  }

 private:
  struct Entry {
    Lease lease;
    std::uint32_t generation = 0;
    bool used = false;
  };

  LeaseId id_of(std::uint32_t index) const {
    return {std::uint64_t{entries_[index].generation} << 32 | index};
  }

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
};

}  // namespace mpifarm::sched
