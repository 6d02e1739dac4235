#pragma once
// What a run is and what befalls it, all drawn from a seed.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mpifarm::chaos {

enum class Way {
  alone,
  plain,
  recovering,
  supervised
};  // no launcher; mpirun; with recovery; mpifarm launch
enum class Kind {
  worker_killed,
  worker_stopped,
  worker_paused,  // stopped, and woken after a while
  worker_crashed,
  task_exits,  // a task ends its rank by _exit
  two_workers_killed,
  rank_zero_killed,
  mpirun_killed,
  supervisor_killed,
  helper_killed,         // the process of a rank that starts isolated tasks
  isolated_task_killed,  // a process that computes tasks
};
inline constexpr std::size_t kinds = 11;

enum class When {
  starting,   // within the first second
  by_time,    // anywhere between the start of the process and about its end
  midway,     // when so much of the journal is there
  finishing,  // when the results are there, and shortly after
};

struct Moment {
  When when = When::by_time;
  double share = 0;  // of the time, or of the journal
  std::chrono::milliseconds delay{};
};

struct Disturbance {
  Kind kind = Kind::worker_killed;
  Moment moment;
  std::uint64_t choice = 0;           // which of the ranks
  std::chrono::milliseconds pause{};  // of a paused one
};

struct Start {
  Way way = Way::plain;
  int ranks = 2;  // 0: no launcher
  int threads = 1;
  bool continues = false;  // a later start: `run --continue` instead of `resume`
  std::optional<Disturbance> disturbance;
};

enum class Load { spin_waits, spin_computes, spin_list, squares_list, leaving, commands };

struct Shape {
  Load load = Load::spin_waits;
  std::uint64_t tasks = 0;
  double milliseconds = 0;  // the mean of a task

  friend auto operator<=>(const Shape&, const Shape&) = default;
};

struct Case {
  std::uint64_t seed = 0, number = 0;
  Shape shape;
  std::uint64_t leaves_at = 0;  // the task that ends its rank, where the load is leaving
  std::string order, batch, durability;
  bool over_tcp = false;
  bool isolated = false;
  bool sudden = false;          // mpirun kills what is left at once, not after a second
  std::array<Start, 3> starts;  // the later ones as far as they are needed; the last is never disturbed
};

// What the program can do that not every version can.
struct Abilities {
  bool isolates = false;
};

Case draw_case(std::uint64_t seed, std::uint64_t number, const Abilities& abilities);

// Ends or stops one or two worker ranks and nothing else.
bool befalls_workers(Kind kind);
const char* name_of(Kind kind);
const char* name_of(Way way);
std::string describe(const Disturbance& disturbance);
std::string describe(const Case& drawn);  // one line

}  // namespace mpifarm::chaos
