#pragma once
// Brings a scheduler to where earlier starts of a run left it.

#include "base/hash.hpp"
#include "job/any_job.hpp"
#include "journal/survey.hpp"
#include "sched/scheduler.hpp"

namespace mpifarm {

// Feeds every record to the scheduler's on_replayed; returns the digest of what was committed.
Digest replay(const journal::Survey& survey, const JobType& type, const sched::Options& options,
              sched::Scheduler& scheduler);

// Sequential sources: pulls the tasks that earlier starts had pulled, and throws BadInput naming the first
// that is not the same.
void check_sequential_source(const journal::Survey& survey, const AnyJob& job, const JobType& type);

}  // namespace mpifarm
