#pragma once
// A job whose tasks do what a test says.

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/outcome.hpp"
#include "job/any_job.hpp"

namespace mpifarm::support {

// A job that does with each task what the test says: returns the payload, or throws.
class ScriptedJob final : public AnyJob {
 public:
  using Script = std::function<Bytes(BytesView descriptor, Context& context)>;
  explicit ScriptedJob(Script script) : script_{std::move(script)} {}

  std::optional<std::uint64_t> size() const override { return 0; }
  void make_task(TaskId, Bytes&) const override {}
  std::unique_ptr<TaskSource> open_source() const override { return nullptr; }
  void compute(BytesView descriptor, Context& context, Bytes& entries) const override {
    try {
      append_entry(entries, Outcome::succeeded, script_(descriptor, context));
    } catch (const std::exception& error) {
      append_entry(entries, Outcome::failed, error.what());
    }
  }
  void reduce(TaskId, BytesView, BytesView) override {}
  std::string conclude(const std::filesystem::path&) override { return {}; }

 private:
  Script script_;
};

}  // namespace mpifarm::support
