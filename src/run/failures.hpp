#pragma once
// What went wrong, grouped, for the summary.

#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/outcome.hpp"
#include "job/any_job.hpp"

namespace mpifarm {

struct FailureGroup {
  std::string status;   // failed, timed out, crashed
  std::string message;  // of the first
  std::uint64_t count = 0;
  std::uint64_t first_task = 0;    // the least id
  std::vector<std::string> hosts;  // where, as far as it is known; sorted; no more than 100
};
BOOST_DESCRIBE_STRUCT(FailureGroup, (), (status, message, count, first_task, hosts))

// Failures are of one group when they have the same status and cause, and messages that are equal but for
// words with digits and for what stands in quotes. Bounded: what comes when there are many groups already
// goes to one of its own. One thread.
class Failures {
 public:
  void add(TaskId id, Outcome outcome, std::string_view message, const FailureFacts& facts = {});
  void add(const Failures& other);

  // The largest first.
  std::vector<FailureGroup> groups() const;

 private:
  void add(const std::string& key, const FailureGroup& group);

  std::map<std::string, FailureGroup> groups_;
};

}  // namespace mpifarm
