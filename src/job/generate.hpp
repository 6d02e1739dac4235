#pragma once
// A range made by a function: the easy way to a sequential source.

#include <cstddef>
#include <functional>
#include <iterator>
#include <utility>

namespace mpifarm {

// An input range; one pass, one thread. `next` sets the next item and returns true, or returns false at the
// end; it is called when the item is wanted, and its captures live as long as the range.
//
//   auto tasks() const { return mpifarm::Generated<Task>{[n = 0](Task& task) mutable { ... }}; }
template <class T>
class Generated {
 public:
  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    Iterator() = default;
    explicit Iterator(Generated& range) : range_{&range} {}
    const T& operator*() const { return range_->item_; }
    Iterator& operator++() {
      range_->more_ = range_->next_(range_->item_);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !range_->more_; }

   private:
    Generated* range_ = nullptr;
  };

  explicit Generated(std::function<bool(T&)> next) : next_{std::move(next)} {}

  Iterator begin() {
    more_ = next_(item_);
    return Iterator{*this};
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::function<bool(T&)> next_;
  T item_{};
  bool more_ = false;
};

}  // namespace mpifarm
