#pragma once
// A set of 64-bit numbers kept as disjoint half-open intervals: as small as the set is contiguous.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace mpifarm {

struct Interval {
  std::uint64_t begin = 0, end = 0;  // half-open
  std::uint64_t size() const { return end - begin; }
  friend bool operator==(const Interval&, const Interval&) = default;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& begin& end;
  }
};

// Operations cost O(log intervals). One thread at a time.
class IntervalSet {
 public:
  void insert(Interval interval);
  // Unless a number of it is there already: then it returns false and changes nothing.
  bool insert_new(Interval interval);
  void erase(Interval interval);
  bool contains(std::uint64_t number) const;
  bool intersects(Interval interval) const;
  // The end of the longest stretch from the beginning of `interval`, which is not empty, that is in the set
  // as a whole, or not at all.
  std::uint64_t same_end(Interval interval) const;
  // The first stretch of `interval` that is missing from the set; nothing when there is none.
  std::optional<Interval> first_missing(Interval interval) const;
  // Calls `visit(Interval)` for every stretch of `interval` that is missing; it must not change the set.
  template <class Visit>
  void for_each_missing(Interval interval, Visit visit) const {
    for (auto gap = first_missing(interval); gap; gap = first_missing({gap->end, interval.end})) visit(*gap);
  }
  // Removes and returns at most `most` numbers from the lowest interval. The set must not be empty; most
  // >= 1.
  Interval take_front(std::uint64_t most);

  std::uint64_t count() const { return count_; }  // numbers in the set
  bool empty() const { return count_ == 0; }
  const std::map<std::uint64_t, std::uint64_t>& intervals() const { return ends_; }  // begin -> end
  std::vector<Interval> to_vector() const {
    std::vector<Interval> all;
    for (const auto& [begin, end] : ends_) all.push_back({begin, end});
    return all;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ends_;
  std::uint64_t count_ = 0;
};

}  // namespace mpifarm
