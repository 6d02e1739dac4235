#pragma once
// Keeps a rank from beginning another task after one of its tasks has failed, until rank 0 has answered:
// where a limit on failures is in force (--halt), rank 0 may be about to end the run.

#include <atomic>
#include <cstdint>

namespace mpifarm {

// In memory that a rank shares with its children. Any thread or process of the rank.
class FailureGate {
 public:
  // Before anything is computed. Until then nothing is kept from beginning.
  void arm() { armed_ = true; }
  bool is_armed() const { return armed_.load(std::memory_order_relaxed); }
  // Whether a task may begin.
  bool is_open() const { return !is_armed() || failed_.load() <= answered_.load(); }
  // An attempt has failed; called before its slot begins anything else.
  void on_failure() {
    if (is_armed()) ++failed_;
  }
  // Takes back so many of them: they will never be reported, as they were lost with their process: they are
  // computed again.
  void forget(std::uint64_t failures) {
    if (is_armed()) failed_ -= static_cast<std::int64_t>(failures);
  }
  // Rank 0 has seen so many failed attempts of this rank, and goes on.
  void answer(std::uint64_t failures) { answered_ = static_cast<std::int64_t>(failures); }

 private:
  std::atomic<bool> armed_{false};
  std::atomic<std::int64_t> failed_{0}, answered_{0};
};

}  // namespace mpifarm
