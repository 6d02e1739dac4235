#include "drawing.hpp"

#include <fmt/format.h>

#include <random>

namespace mpifarm::chaos {
namespace {

using std::chrono::milliseconds;

class Draw {
 public:
  Draw(std::uint64_t seed, std::uint64_t number) {
    std::seed_seq words{seed, seed >> 32, number, number >> 32};
    random_.seed(words);
  }
  std::uint64_t word() { return random_(); }
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  int between(int least, int most) {
    return least + static_cast<int>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  double share() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  bool chance(double probability) { return share() < probability; }
  template <class Choices>
  auto of(const Choices& choices) {
    return std::data(choices)[below(std::size(choices))];
  }

 private:
  std::mt19937_64 random_;
};

// A second or two on a few slots each.
constexpr std::array shapes{Shape{Load::spin_waits, 300, 18},   Shape{Load::spin_waits, 600, 9},
                            Shape{Load::spin_waits, 1000, 5},   Shape{Load::spin_waits, 2000, 2.5},
                            Shape{Load::spin_computes, 500, 4}, Shape{Load::spin_list, 400, 12},
                            Shape{Load::spin_list, 1500, 3},    Shape{Load::squares_list, 300'000, 0.001},
                            Shape{Load::commands, 60, 80}};
constexpr Shape leaving_shape{Load::leaving, 600, 8};

constexpr milliseconds longest_pause{3000};

Moment draw_moment(Draw& draw) {
  const double which = draw.share();
  Moment moment;
  moment.when = which < 0.25   ? When::starting
                : which < 0.55 ? When::by_time
                : which < 0.85 ? When::midway
                               : When::finishing;
  moment.share = draw.share();
  moment.delay = milliseconds{draw.between(0, moment.when == When::starting    ? 1000
                                              : moment.when == When::finishing ? 300
                                                                               : 20)};
  return moment;
}

std::vector<Kind> kinds_for(const Start& start, bool isolated) {
  std::vector<Kind> possible{Kind::worker_killed,    Kind::worker_killed,  Kind::worker_stopped,
                             Kind::worker_paused,    Kind::worker_crashed, Kind::task_exits,
                             Kind::rank_zero_killed, Kind::mpirun_killed};
  if (start.ranks > 2) possible.push_back(Kind::two_workers_killed);
  if (start.way == Way::supervised) possible.push_back(Kind::supervisor_killed);
  if (isolated) possible.insert(possible.end(), {Kind::helper_killed, Kind::isolated_task_killed});
  return possible;
}

Disturbance draw_disturbance(Draw& draw, const Start& start, bool isolated) {
  Disturbance drawn;
  drawn.kind = draw.of(kinds_for(start, isolated));
  drawn.moment = draw_moment(draw);
  drawn.choice = draw.word();
  drawn.pause = milliseconds{draw.between(1, static_cast<int>(longest_pause.count()))};
  return drawn;
}

Start draw_start(Draw& draw, bool first) {
  Start start;
  start.way = first || draw.chance(0.75) ? draw.of(std::array{Way::plain, Way::recovering, Way::supervised})
                                         : Way::alone;
  start.ranks = start.way == Way::alone ? 0 : draw.between(2, 5);
  start.threads = draw.chance(0.25) ? 2 : 1;
  start.continues = draw.chance(0.5);
  return start;
}

const char* name_of(Load load) {
  constexpr std::array names{"spin --wait",          "spin",    "spin --wait --tasks LIST",
                             "squares --tasks LIST", "leaving", "exec"};
  return names.at(static_cast<std::size_t>(load));
}

std::string describe(const Moment& moment) {
  constexpr std::array names{"starting", "by time", "midway", "finishing"};
  std::string text = names.at(static_cast<std::size_t>(moment.when));
  if (moment.when == When::by_time || moment.when == When::midway)
    text += fmt::format(" {:.2f}", moment.share);
  return text + fmt::format(" + {} ms", moment.delay.count());
}

}  // namespace

Case draw_case(std::uint64_t seed, std::uint64_t number, const Abilities& abilities) {
  Draw draw{seed, number};
  Case drawn;
  drawn.seed = seed;
  drawn.number = number;
  drawn.shape = draw.of(shapes);
  drawn.order = draw.of(std::array{"fifo", "fifo", "lifo", "shuffle"});
  drawn.batch = draw.of(std::array{"auto", "1"});
  drawn.durability = draw.of(std::array{"batch", "sync"});
  drawn.over_tcp = draw.chance(0.3);
  drawn.isolated = draw.chance(0.25) && abilities.isolates;
  drawn.sudden = draw.chance(0.5);
  for (std::size_t i = 0; i < drawn.starts.size(); ++i) {
    Start& start = drawn.starts[i];
    start = draw_start(draw, i == 0);
    const bool again = draw.chance(0.25);
    const Disturbance disturbance = draw_disturbance(draw, start, drawn.isolated);
    if (i == 0 || (i == 1 && again && start.way != Way::alone && disturbance.kind != Kind::task_exits))
      start.disturbance = disturbance;
  }
  if (drawn.starts[0].disturbance->kind == Kind::task_exits) {
    drawn.shape = leaving_shape;
    drawn.isolated = false;
  }
  if (drawn.shape.load == Load::commands) drawn.isolated = true;  // they always are
  drawn.leaves_at = draw.below(drawn.shape.tasks);
  return drawn;
}

bool befalls_workers(Kind kind) {
  return kind == Kind::worker_killed || kind == Kind::worker_stopped || kind == Kind::worker_paused ||
         kind == Kind::worker_crashed || kind == Kind::two_workers_killed;
}

const char* name_of(Kind kind) {
  constexpr std::array<const char*, kinds> names{
      "worker killed",     "worker stopped",     "worker paused",       "worker crashed",
      "task calls _exit",  "two workers killed", "rank 0 killed",       "mpirun killed",
      "supervisor killed", "helper killed",      "isolated task killed"};
  return names.at(static_cast<std::size_t>(kind));
}

const char* name_of(Way way) {
  constexpr std::array names{"alone", "mpirun", "mpirun with recovery", "launch"};
  return names.at(static_cast<std::size_t>(way));
}

std::string describe(const Disturbance& disturbance) {
  std::string text = name_of(disturbance.kind);
  if (disturbance.kind == Kind::worker_paused) text += fmt::format(" {} ms", disturbance.pause.count());
  if (disturbance.kind != Kind::task_exits) text += ", " + describe(disturbance.moment);
  return text;
}

std::string describe(const Case& drawn) {
  std::string text =
      fmt::format("seed {} run {}: {} {} tasks of {} ms, {}, batch {}, {}{}{}{}", drawn.seed, drawn.number,
                  name_of(drawn.shape.load), drawn.shape.tasks, drawn.shape.milliseconds, drawn.order,
                  drawn.batch, drawn.durability, drawn.over_tcp ? ", tcp" : "",
                  drawn.isolated ? ", isolated" : "", drawn.sudden ? ", sudden" : "");
  for (const Start& start : drawn.starts) {
    text += fmt::format("; {}", name_of(start.way));
    if (start.way != Way::alone) text += fmt::format(" on {}", start.ranks);
    text += fmt::format(" x {}{}", start.threads, start.continues ? " --continue" : "");
    if (start.disturbance) text += " (" + describe(*start.disturbance) + ")";
  }
  if (drawn.shape.load == Load::leaving) text += fmt::format("; task {} leaves", drawn.leaves_at);
  return text;
}

}  // namespace mpifarm::chaos
