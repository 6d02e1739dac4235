#pragma once
// The results file and the job's conclusion, fed while the run goes on or from the journal at its end.

#include <memory>
#include <string>
#include <vector>

#include "app/run_plan.hpp"
#include "node/folder.hpp"
#include "run/results.hpp"

namespace mpifarm::app {

class Outputs {
 public:
  // The plan must outlive it. `live`: fed as outcomes are committed, where that is possible.
  Outputs(const RunPlan& plan, bool live);

  // Takes committed outcomes; null when everything comes from the journal, or nothing is wanted.
  Folder* folder() { return folder_.get(); }
  // Of the results file in the run directory; empty when there is none.
  std::string results_name() const;
  // The run is complete and its journal closed: finishes the files and returns what the job concludes.
  // `known`: tasks in all; `order` maps them.
  std::string finish(std::uint64_t known, const Order& order);

 private:
  void feed_from_journal(std::uint64_t from, std::uint64_t known, const Order& order);

  const RunPlan& plan_;
  std::unique_ptr<AnyJob> job_;  // of reduce and conclude alone
  std::vector<std::unique_ptr<OutcomeSink>> sinks_;
  ResultsFile* results_ = nullptr;
  std::unique_ptr<Folder> folder_;
};

}  // namespace mpifarm::app
