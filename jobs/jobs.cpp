#include "jobs/jobs.hpp"

#include <algorithm>

#include "jobs/checksum.hpp"
#include "jobs/exec.hpp"
#include "jobs/logscan.hpp"
#include "jobs/mandelbrot.hpp"
#include "jobs/pi.hpp"
#include "jobs/spin.hpp"
#include "jobs/squares.hpp"

namespace {

mpifarm::Jobs make_list() {
  using mpifarm::job_type;
  mpifarm::Jobs jobs;
  jobs.push_back(&job_type<Checksum>());
  jobs.push_back(&mpifarm::exec_job());
  jobs.push_back(&job_type<Logscan>());
  jobs.push_back(&job_type<Mandelbrot>());
  jobs.push_back(&job_type<Pi>());
  jobs.push_back(&job_type<Spin>());
  jobs.push_back(&job_type<Squares>());
  std::ranges::sort(jobs, {}, &mpifarm::JobType::name);
  return jobs;
}

}  // namespace

const mpifarm::Jobs& all_jobs() {
  static const mpifarm::Jobs jobs = make_list();
  return jobs;
}
