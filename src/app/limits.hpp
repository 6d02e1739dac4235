#pragma once
// What a task may take, where it is computed, and how many may fail before the run stops: as text on the
// command line, in the manifest, and as the numbers that follow.

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "run/manifest.hpp"
#include "wire/messages.hpp"

namespace mpifarm::app {

// When failures end a run, in GNU parallel's words.
struct Halt {
  enum class When : std::uint8_t { never, soon, now };  // soon: running tasks may end
  When when = When::never;
  double failed = 1;     // so many
  bool percent = false;  // of a hundred tasks

  // `failed_tasks` for good in this start, `tasks` in all; 0 when that is not known yet.
  bool is_due(std::uint64_t failed_tasks, std::uint64_t tasks) const;
};

// Throws BadInput naming `flag`.
Halt parse_halt(const std::string& flag, const std::string& text);
void check_isolate(const std::string& flag, const std::string& text);

// Nothing: as the run has it.
struct LimitOptions {
  std::optional<std::string> isolate;  // auto, thread or process
  std::optional<double> timeout_seconds;
  std::optional<std::uint64_t> memory_bytes;
  std::optional<unsigned> crash_limit;
  std::optional<std::string> halt;
  std::optional<unsigned> slots_per_task;
};

// The manifest's own, with what is given now instead. Throws BadInput for what does not go together.
void take_limits(const LimitOptions& options, ManifestFields& manifest);
wire::Isolation isolation_of(const ManifestFields& manifest);
unsigned crash_limit_of(const ManifestFields& manifest, bool repeatable);

}  // namespace mpifarm::app
