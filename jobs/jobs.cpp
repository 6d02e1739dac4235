#include "jobs/jobs.hpp"

#include "jobs/checksum.hpp"
#include "jobs/logscan.hpp"
#include "jobs/mandelbrot.hpp"
#include "jobs/pi.hpp"
#include "jobs/spin.hpp"
#include "jobs/squares.hpp"

const mpifarm::Jobs& all_jobs() {
  using mpifarm::job_type;
  static const mpifarm::Jobs jobs{&job_type<Checksum>(), &job_type<Logscan>(), &job_type<Mandelbrot>(),
                                  &job_type<Pi>(),       &job_type<Spin>(),    &job_type<Squares>()};
  return jobs;
}
