// farm_instructions scheduler-range|scheduler-descriptors|codec TASKS: for an instruction counter to count.

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "bench/farm_steps.hpp"

int main(int argc, char** argv) {
  constexpr std::uint64_t batch = 10;
  if (argc != 3) return 2;
  const std::string_view part = argv[1];
  const std::uint64_t tasks = std::strtoull(argv[2], nullptr, 10);
  std::uint64_t done = 0;
  if (part == "codec")
    while (done < tasks) done += mpifarm::bench::exchange_messages(10, batch);
  else
    done = mpifarm::bench::schedule(tasks, batch, part == "scheduler-descriptors");
  std::printf("%llu\n", static_cast<unsigned long long>(done));
  return done == tasks ? 0 : 1;
}
