#pragma once
// Brings a scheduler to where earlier starts of a run left it.

#include <memory>
#include <string>
#include <vector>

#include "job/any_job.hpp"
#include "journal/reader.hpp"
#include "journal/survey.hpp"
#include "node/committer.hpp"
#include "sched/scheduler.hpp"

namespace mpifarm {

// What earlier starts did.
struct Replayed {
  OutcomeTotals totals;  // of what was committed
  journal::Spent spent;  // summed over the starts
};

// Feeds every record to the scheduler's on_replayed. Throws Damaged for what does not fit the run.
Replayed replay(const journal::Survey& survey, const JobType& type, const sched::Options& options,
                sched::Scheduler& scheduler);

// A sequential source that is compared, as it is pulled, with what earlier starts had pulled: throws BadInput
// naming the first task that is not the same.
class CheckedSource final : public TaskSource {
 public:
  // Borrows `type`. `advice`: what to do about a source that has changed.
  CheckedSource(const journal::Survey& survey, std::unique_ptr<TaskSource> source, const JobType& type,
                std::string advice = "bring it back as it was, or start a new run");

  Pull pull(Bytes& descriptor) override;
  std::optional<WholeFacts> whole() const override { return source_->whole(); }
  // Pulls as far as earlier starts did, and throws if it has to.
  void check_all();

 private:
  bool known_follows();
  [[noreturn]] void refuse(const std::string& how) const;
  [[noreturn]] void refuse(std::string how, BytesView descriptor) const;

  std::unique_ptr<TaskSource> source_;
  const JobType& type_;
  std::string advice_;
  journal::Reader reader_;
  std::vector<std::uint64_t> keys_;  // of the record that stands
  std::size_t next_key_ = 0;
  bool end_known_ = false;
  std::uint64_t task_ = 0;
};

}  // namespace mpifarm
