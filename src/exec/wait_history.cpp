#include "exec/wait_history.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <new>

#include "base/error.hpp"

namespace mpifarm::exec {

WaitHistory& wait_history() {
  static WaitHistory& only = [&]() -> WaitHistory& {
    void* memory =
        mmap(nullptr, sizeof(WaitHistory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      throw MachineryFailure{"no memory could be shared (" + errno_text(errno) + "); give the rank more"};
    return *new (memory) WaitHistory;
  }();
  return only;
}

}  // namespace mpifarm::exec
