#include "node/folder.hpp"

#include <utility>

#include "base/error.hpp"
#include "base/outcome.hpp"

namespace mpifarm {
namespace {

std::size_t bytes_of(const journal::Outcomes& outcomes) {
  return outcomes.block.entries.size() + outcomes.descriptors.size() + sizeof outcomes;
}

}  // namespace

Folder::Folder(std::vector<OutcomeSink*> sinks, std::size_t window_bytes, const Order& order)
    : sinks_{std::move(sinks)}, order_{order}, window_bytes_{window_bytes}, thread_{[this] { serve(); }} {}

Folder::~Folder() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock{mutex_};
    closing_ = true;
    inbox_.clear();
  }
  arrived_.notify_one();
  thread_.join();
}

void Folder::submit(journal::Outcomes outcomes) {
  {
    const std::scoped_lock lock{mutex_};
    inbox_bytes_ += bytes_of(outcomes);
    inbox_.push_back(std::move(outcomes));
  }
  arrived_.notify_one();
}

std::size_t Folder::backlog_bytes() const {
  const std::scoped_lock lock{mutex_};
  return inbox_bytes_;
}

std::uint64_t Folder::finish() {
  {
    const std::scoped_lock lock{mutex_};
    closing_ = true;
  }
  arrived_.notify_one();
  thread_.join();
  if (failure_) std::rethrow_exception(failure_);
  return next_;
}

void Folder::serve() {
  std::unique_lock lock{mutex_};
  while (true) {
    arrived_.wait(lock, [this] { return closing_ || !inbox_.empty(); });
    if (inbox_.empty()) return;
    std::vector<journal::Outcomes> batch = std::exchange(inbox_, {});
    lock.unlock();
    std::size_t bytes = 0;
    for (journal::Outcomes& outcomes : batch) {
      bytes += bytes_of(outcomes);
      try {
        if (!failure_ && !overflowed_) fold(std::move(outcomes));
      } catch (...) {
        failure_ = std::current_exception();  // read after the thread has ended
      }
    }
    lock.lock();
    inbox_bytes_ -= bytes;
  }
}

void Folder::fold(journal::Outcomes outcomes) {
  if (outcomes.block.first.value != next_) {
    early_bytes_ += bytes_of(outcomes);
    early_.emplace(outcomes.block.first.value, std::move(outcomes));
    if (early_bytes_ > window_bytes_) {
      overflowed_ = true;
      early_.clear();
      early_bytes_ = 0;
    }
    return;
  }
  feed(outcomes);
  while (!early_.empty() && early_.begin()->first == next_) {
    const auto node = early_.extract(early_.begin());
    early_bytes_ -= bytes_of(node.mapped());
    feed(node.mapped());
  }
}

void Folder::feed(const journal::Outcomes& outcomes) {
  BytesView entries = outcomes.block.entries;
  BytesView descriptors = outcomes.descriptors;
  for (std::uint64_t i = 0; i < outcomes.block.count; ++i) {
    const OutcomeEntry entry = take_entry(entries);
    journal::TaskOutcome outcome{order_.id({next_}), entry.outcome, entry.payload, {}};
    if (!outcomes.descriptors.empty() && !take_sized(descriptors, outcome.descriptor))
      throw CorruptData{"outcomes have fewer descriptors than entries"};
    for (OutcomeSink* sink : sinks_) sink->take(outcome);
    ++next_;
  }
}

}  // namespace mpifarm
