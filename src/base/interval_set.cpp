#include "base/interval_set.hpp"

#include <algorithm>
#include <iterator>

namespace mpifarm {

void IntervalSet::insert(Interval interval) {
  if (interval.begin >= interval.end) return;
  auto next = ends_.upper_bound(interval.begin);
  if (next != ends_.begin() && std::prev(next)->second >= interval.begin) {
    --next;
    interval.begin = next->first;
  }
  while (next != ends_.end() && next->first <= interval.end) {
    interval.end = std::max(interval.end, next->second);
    count_ -= next->second - next->first;
    next = ends_.erase(next);
  }
  ends_.emplace_hint(next, interval.begin, interval.end);
  count_ += interval.size();
}

bool IntervalSet::insert_new(Interval interval) {
  if (interval.begin >= interval.end) return true;
  const auto next = ends_.upper_bound(interval.begin);
  const bool follows = next != ends_.begin();
  const auto before = follows ? std::prev(next) : next;
  if ((follows && before->second > interval.begin) || (next != ends_.end() && next->first < interval.end))
    return false;
  count_ += interval.size();
  const bool joins_next = next != ends_.end() && next->first == interval.end;
  if (follows && before->second == interval.begin) {
    before->second = joins_next ? next->second : interval.end;
    if (joins_next) ends_.erase(next);
  } else if (joins_next) {  // its begin is its key
    auto node = ends_.extract(next);
    node.key() = interval.begin;
    ends_.insert(std::move(node));
  } else {
    ends_.emplace_hint(next, interval.begin, interval.end);
  }
  return true;
}

void IntervalSet::erase(Interval interval) {
  if (interval.begin >= interval.end) return;
  auto next = ends_.upper_bound(interval.begin);
  if (next != ends_.begin()) --next;
  while (next != ends_.end() && next->first < interval.end) {
    const Interval old{next->first, next->second};
    if (old.end <= interval.begin) {
      ++next;
      continue;
    }
    next = ends_.erase(next);
    count_ -= old.size();
    if (old.begin < interval.begin) {
      ends_.emplace_hint(next, old.begin, interval.begin);
      count_ += interval.begin - old.begin;
    }
    if (old.end > interval.end) {
      ends_.emplace_hint(next, interval.end, old.end);
      count_ += old.end - interval.end;
    }
  }
}

bool IntervalSet::contains(std::uint64_t number) const {
  const auto next = ends_.upper_bound(number);
  return next != ends_.begin() && std::prev(next)->second > number;
}

bool IntervalSet::intersects(Interval interval) const {
  if (interval.begin >= interval.end) return false;
  const auto next = ends_.lower_bound(interval.end);
  return next != ends_.begin() && std::prev(next)->second > interval.begin;
}

std::uint64_t IntervalSet::same_end(Interval interval) const {
  const auto next = ends_.upper_bound(interval.begin);
  if (next != ends_.begin() && std::prev(next)->second > interval.begin)
    return std::min(std::prev(next)->second, interval.end);
  return next == ends_.end() ? interval.end : std::min(next->first, interval.end);
}

std::optional<Interval> IntervalSet::first_missing(Interval interval) const {
  auto next = ends_.upper_bound(interval.begin);
  if (next != ends_.begin()) interval.begin = std::max(interval.begin, std::prev(next)->second);
  if (next != ends_.end()) interval.end = std::min(interval.end, next->first);
  if (interval.begin >= interval.end) return std::nullopt;
  return interval;
}

Interval IntervalSet::take_front(std::uint64_t most) {
  const auto front = ends_.begin();
  const Interval taken{front->first, std::min(front->second, front->first + most)};
  erase(taken);
  return taken;
}

}  // namespace mpifarm
