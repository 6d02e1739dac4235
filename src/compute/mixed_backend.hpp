#pragma once
// Threads for what is trusted, child processes for what is to be isolated, which are not started before the
// first such assignment.

#include <functional>
#include <memory>
#include <vector>

#include "compute/backend.hpp"

namespace mpifarm {

// Both may compute at once in as many slots each: isolated assignments are few.
class MixedBackend final : public Backend {
 public:
  using MakeBackend = std::function<std::unique_ptr<Backend>()>;

  // `make_processes` is called once, by start(), or never.
  MixedBackend(std::unique_ptr<Backend> threads, MakeBackend make_processes)
      : threads_{std::move(threads)}, make_processes_{std::move(make_processes)} {}

  unsigned slots() const override { return threads_->slots(); }
  void start(std::vector<Assignment> assignments) override {
    std::vector<Assignment> isolated;
    std::erase_if(assignments, [&](Assignment& assignment) {
      if (!assignment.isolated) return false;
      isolated.push_back(std::move(assignment));
      return true;
    });
    threads_->start(std::move(assignments));
    if (isolated.empty()) return;
    if (!processes_) processes_ = make_processes_();
    processes_->start(std::move(isolated));
  }
  void collect(std::vector<Completion>& completions) override {
    threads_->collect(completions);
    if (processes_) processes_->collect(completions);
  }
  void flush() override {
    threads_->flush();
    if (processes_) processes_->flush();
  }
  void drain() override {
    threads_->drain();
    if (processes_) processes_->drain();
  }
  void stop() override {
    threads_->stop();
    if (processes_) processes_->stop();
  }
  bool busy() const override { return threads_->busy() || (processes_ && processes_->busy()); }
  Nanos queue_lasts() const override { return threads_->queue_lasts(); }

 private:
  std::unique_ptr<Backend> threads_, processes_;
  MakeBackend make_processes_;
};

}  // namespace mpifarm
