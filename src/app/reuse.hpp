#pragma once
// --reuse: a new run takes over what an old one of the job did.

#include "app/run_plan.hpp"

namespace mpifarm::app {

// Throws BadInput unless the plan's new run can take over from `old`: a run of the same job with a journal,
// with params that mean the same, which nobody computes at the moment; and the new run's source can be read
// twice.
void check_reuse(const RunPlan& plan, const RunDirectory& old);

// Whether the first segment is whole that take_over() wrote. If not, it is to be done again.
bool is_taken_over(const journal::Survey& survey);

// Writes the successes of the plan's `reuse` as the first segment of the new run's journal, which then is one
// that has been started before: for equal tasks (JobType::task_keys), the first of the one for the first of
// the other and so on. The run's directory is there, and its lock held. Memory: about 100 bytes a
// task.
void take_over(RunPlan& plan);

}  // namespace mpifarm::app
