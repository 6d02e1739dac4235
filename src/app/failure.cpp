#include "app/failure.hpp"

#include <cstdio>

#include "app/launcher.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/printable.hpp"

namespace mpifarm::app {

int tell(const std::exception& failure) {
  const bool bad_input = dynamic_cast<const BadInput*>(&failure) != nullptr;
  if (bad_input && !speaks_for_all()) return 0;  // mpirun would end rank 0 before it has said what is wrong
  log::set_footer({});
  std::fprintf(stderr, "mpifarm: %s\n", printable(failure.what()).c_str());
  if (bad_input) return static_cast<int>(ExitStatus::bad_input);
  const bool resumable = dynamic_cast<const Resumable*>(&failure) != nullptr;
  return static_cast<int>(resumable ? ExitStatus::resumable : ExitStatus::machinery);
}

int tell_unknown() {
  return tell(MachineryFailure{"something was thrown that is no std::exception; look for it in the job"});
}

}  // namespace mpifarm::app
