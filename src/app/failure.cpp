#include "app/failure.hpp"

#include <cstdio>

#include "app/launcher.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/printable.hpp"

namespace mpifarm::app {

ExitStatus status_of(const std::exception& failure) {
  if (dynamic_cast<const BadInput*>(&failure) != nullptr) return ExitStatus::bad_input;
  return dynamic_cast<const Resumable*>(&failure) != nullptr ? ExitStatus::resumable : ExitStatus::machinery;
}

int tell(const std::exception& failure) {
  const ExitStatus status = status_of(failure);
  if (status == ExitStatus::bad_input && !speaks_to_user())
    return 0;  // mpirun would end rank 0 before it has said what is wrong
  log::set_footer({});
  std::fprintf(stderr, "mpifarm: %s\n", printable(failure.what()).c_str());
  return static_cast<int>(status);
}

int tell_unknown() {
  return tell(MachineryFailure{"something was thrown that is no std::exception; look for it in the job"});
}

}  // namespace mpifarm::app
