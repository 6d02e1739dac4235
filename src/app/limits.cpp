#include "app/limits.hpp"

#include "base/error.hpp"
#include "base/numbers.hpp"

namespace mpifarm::app {
namespace {

[[noreturn]] void refuse_halt(const std::string& flag, const std::string& text) {
  throw BadInput{flag + " is not understood (\"" + text +
                 "\"); use never, soon, now, or such as soon,fail=3 or now,fail=10%"};
}

}  // namespace

bool Halt::is_due(std::uint64_t failed_tasks, std::uint64_t tasks) const {
  if (when == When::never || failed_tasks == 0) return false;
  const auto count = static_cast<double>(failed_tasks);
  return percent ? tasks > 0 && count * 100 >= failed * static_cast<double>(tasks) : count >= failed;
}

Halt parse_halt(const std::string& flag, const std::string& text) {
  const std::size_t comma = text.find(',');
  const std::string when = text.substr(0, comma);
  Halt halt;
  if (when == "soon")
    halt.when = Halt::When::soon;
  else if (when == "now")
    halt.when = Halt::When::now;
  else if (when != "never")
    refuse_halt(flag, text);
  if (comma == std::string::npos) return halt;
  std::string why = text.substr(comma + 1);
  if (halt.when == Halt::When::never || !why.starts_with("fail=")) refuse_halt(flag, text);
  why.erase(0, std::string_view{"fail="}.size());
  halt.percent = why.ends_with('%');
  if (halt.percent) why.pop_back();
  std::uint64_t whole = 0;
  const bool understood = halt.percent ? parse_number(why, halt.failed).empty() && halt.failed <= 100
                                       : parse_number(why, whole).empty();
  if (!halt.percent) halt.failed = static_cast<double>(whole);
  if (!understood || !(halt.failed > 0)) refuse_halt(flag, text);
  return halt;
}

void check_isolate(const std::string& flag, const std::string& text) {
  if (text != "auto" && text != "thread" && text != "process")
    throw BadInput{flag + " is not known (\"" + text + "\"); use thread, process or auto"};
}

void take_limits(const LimitOptions& options, ManifestFields& manifest) {
  if (options.isolate) manifest.isolate = *options.isolate;
  if (options.timeout_seconds) manifest.timeout_seconds = *options.timeout_seconds;
  if (options.memory_bytes) manifest.memory_bytes = *options.memory_bytes;
  if (options.crash_limit) manifest.crash_limit = *options.crash_limit;
  if (options.halt) manifest.halt = *options.halt;
  if (options.slots_per_task) manifest.slots_per_task = *options.slots_per_task;
  if (manifest.memory_bytes > 0 && manifest.isolate == "thread")
    throw BadInput{
        "--memory cannot limit one of many threads (--isolate thread); leave --isolate out, or say process"};
}

wire::Isolation isolation_of(const ManifestFields& manifest) {
  if (manifest.isolate == "thread") return wire::Isolation::none;
  const bool limited = manifest.timeout_seconds > 0 || manifest.memory_bytes > 0;
  return manifest.isolate == "process" || limited ? wire::Isolation::all : wire::Isolation::suspects;
}

// A crash may be the doing of an earlier task of the same process, so a task is tried once more; but not one
// with side effects.
unsigned crash_limit_of(const ManifestFields& manifest, bool repeatable) {
  if (manifest.crash_limit > 0) return manifest.crash_limit;
  return repeatable ? 2 : 1;
}

}  // namespace mpifarm::app
