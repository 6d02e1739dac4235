#pragma once
// Where what commands write is kept.

#include <cstdint>

#include "base/bytes.hpp"
#include "base/ids.hpp"

namespace mpifarm::exec {

enum class Stream : std::uint32_t { standard_output = 1, standard_error = 2 };

// Where the kept bytes of a stream are.
struct KeptStream {
  std::uint64_t last = 0;   // what its keeper needs to find them; 0: nothing was kept
  std::uint64_t bytes = 0;  // that the command wrote, kept or not
};

// For one command after the other. One thread. Each throws MachineryFailure when something cannot be written.
class OutputKeeper {
 public:
  virtual ~OutputKeeper() = default;

  virtual void begin(TaskId) {}
  // The stream's next bytes; moves `stream.last` on.
  virtual void append(TaskId task, Stream kind, KeptStream& stream, BytesView bytes) = 0;
  // The command has ended: what was appended stays.
  virtual void finish(TaskId) {}
};

}  // namespace mpifarm::exec
