#pragma once
// A job driven by one thread through its erased interface, as the farm drives it: tasks in order, each
// computed, its success folded, then concluded.

#include <filesystem>
#include <memory>
#include <mpifarm.hpp>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/outcome.hpp"
#include "base/pack.hpp"

namespace mpifarm::support {

template <class Job>
struct Computed {
  Outcome outcome = Outcome::succeeded;
  typename Job::Result result{};  // of a success
  std::string message;            // of a failure
  Bytes packed;                   // result or message
};

template <class Job>
class SerialFarm {
 public:
  using Flags = std::vector<describe::GivenFlag>;

  explicit SerialFarm(const Flags& flags, std::uint64_t seed = 7)
      : job_{type_.make(type_.params_from_flags(flags))}, seed_{seed} {}

  const JobType& type() const { return type_; }
  const AnyJob& job() const { return *job_; }

  // Packed, of either kind of source.
  std::vector<Bytes> descriptors() const {
    std::vector<Bytes> all;
    Bytes descriptor;
    if (const auto size = job_->size()) {
      for (std::uint64_t i = 0; i < *size; ++i) {
        job_->make_task({i}, descriptor);
        all.push_back(descriptor);
      }
    } else {
      const auto source = job_->open_source();
      while (source->pull(descriptor) == TaskSource::Pull::item) all.push_back(descriptor);
    }
    return all;
  }

  std::vector<typename Job::Task> tasks() const {
    std::vector<typename Job::Task> all;
    for (const auto& descriptor : descriptors()) all.push_back(unpack<typename Job::Task>(descriptor));
    return all;
  }

  Computed<Job> compute(std::uint64_t id, BytesView descriptor = {}, unsigned attempt = 1,
                        std::stop_token stop = {}) const {
    Context context{seed_, std::move(stop), nullptr};
    context.next_task({id}, attempt);
    Bytes entries;
    job_->compute(descriptor, context, entries);
    BytesView rest = entries;
    const OutcomeEntry entry = take_entry(rest);
    Computed<Job> computed{entry.outcome, {}, {}, Bytes{entry.payload}};
    if (entry.outcome == Outcome::succeeded)
      computed.result = unpack<typename Job::Result>(entry.payload);
    else
      computed.message = entry.payload;
    return computed;
  }

  // Computes every task; folds and returns them.
  std::vector<Computed<Job>> run() {
    std::vector<Computed<Job>> all;
    for (const Bytes& descriptor : descriptors()) {
      const std::uint64_t id = all.size();
      all.push_back(compute(id, descriptor));
      if (all.back().outcome == Outcome::succeeded) job_->reduce({id}, descriptor, all.back().packed);
    }
    return all;
  }

  std::string conclude(const std::filesystem::path& run_directory = {}) {
    return job_->conclude(run_directory);
  }

 private:
  const JobType& type_ = job_type<Job>();
  std::unique_ptr<AnyJob> job_;
  std::uint64_t seed_;
};

// The message of the BadInput that making a job with these flags throws; empty without one.
template <class Job>
std::string refusal(const typename SerialFarm<Job>::Flags& flags) {
  try {
    const SerialFarm<Job> farm{flags};
  } catch (const BadInput& error) {
    return error.what();
  }
  return {};
}

}  // namespace mpifarm::support
