#pragma once
// The outcomes of several runs, or shards of one, by TaskId.

#include <memory>
#include <vector>

#include "journal/ordered.hpp"
#include "run/manifest.hpp"
#include "run/run_directory.hpp"

namespace mpifarm::app {

// In bounded memory for each run. One thread.
class MergedOutcomes {
 public:
  // A run that keeps a journal. Throws as inspect_journal does.
  void add(const RunDirectory& run, const Manifest& manifest);

  // The next outcome; of one id in several runs, each. The views are valid until the next call.
  bool next(journal::TaskOutcome& outcome);

 private:
  struct Source {
    std::unique_ptr<journal::OrderedOutcomes> outcomes;
    journal::TaskOutcome head;
  };
  std::vector<Source> sources_;
  std::size_t taken_ = ~std::size_t{0};  // whose head the caller has
};

}  // namespace mpifarm::app
