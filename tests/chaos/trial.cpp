#include "trial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <thread>

#include "strike.hpp"

namespace mpifarm::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr milliseconds look{3};
constexpr seconds longest_start{90};
constexpr seconds longest_start_of_mpi{300};  // after which the ranks that wait for one give up
constexpr seconds longest_alone{20};          // of an mpirun without ranks
constexpr seconds longest_leaving{10};        // of what is left when the command has ended
constexpr double seconds_of_mpi = 0.9;        // to begin and to end

// With one start.
class Patience {
 public:
  explicit Patience(Way way) : way_{way} {}

  bool ended(bool may_take_minutes) const {
    return steady_clock::now() >
           begun_ + longest_start + (may_take_minutes ? longest_start_of_mpi : seconds{0});
  }
  // Open MPI 4.1's mpirun sometimes stays when its ranks have ended, and always as long as one is stopped
  // that rank 0 no longer watches. Whoever started it by hand can end it.
  bool mpirun_hangs() {
    const auto now = steady_clock::now();
    if (way_ == Way::supervised || now < next_look_) return false;
    next_look_ = now + seconds{1};
    const std::vector<Seen> all = descendants();
    const auto idle = [&](const Seen& process) { return process.state == 'Z' || process.state == 'T'; };
    const bool alone = std::ranges::all_of(all, [&](const Seen& process) {
      const bool is_mpirun = process.rank < 0 && (process.name == "orterun" || process.name == "mpirun");
      const auto parent = std::ranges::find(all, process.parent, &Seen::id);
      return is_mpirun || idle(process) || (parent != all.end() && idle(*parent));
    });
    if (!alone) ranks_seen_ = now;
    return now > ranks_seen_ + longest_alone;
  }

 private:
  Way way_;
  steady_clock::time_point begun_ = steady_clock::now(), next_look_ = begun_, ranks_seen_ = begun_;
};

}  // namespace

Trial::Trial(const Case& drawn, Loads& loads, std::filesystem::path place)
    : drawn_{drawn},
      undisturbed_{loads.undisturbed(drawn.shape)},
      job_{loads.job(drawn.shape, place)},
      place_{std::move(place)},
      run_{place_ / "run"} {
  if (drawn.shape.load == Load::leaving)
    job_ = e2e::operator+(job_, {"--at", std::to_string(drawn.leaves_at), "--once", place_ / "left"});
}

void Trial::wrong(const std::string& text) { report_.wrong.push_back(where_ + ": " + text); }

Report Trial::carry_out() {
  for (std::size_t number = 0; number < drawn_.starts.size() && !state_.complete; ++number) {
    where_ = fmt::format("start {}", number + 1);
    start(number);
  }
  where_ = "in the end";
  if (!state_.complete) {
    wrong("the run is not complete");
  } else {
    check_answer();
    check_resume_of_complete_run();
  }
  return report_;
}

Expected Trial::expected_of(const Start& start, const State& before) const {
  const double left =
      1 - static_cast<double>(before.journal.outcomes) / static_cast<double>(drawn_.shape.tasks);
  const double task_seconds = static_cast<double>(drawn_.shape.tasks) * drawn_.shape.milliseconds / 1000;
  return {seconds_of_mpi + left * task_seconds / (std::max(start.ranks, 1) * start.threads),
          static_cast<std::uint64_t>(left * static_cast<double>(undisturbed_.journal_bytes))};
}

void Trial::start(std::size_t number) {
  const Start& start = drawn_.starts.at(number);
  Happened happened;
  happened.before = state_;
  const auto begun = steady_clock::now();
  supervise(start, command_of(drawn_, start, job_, run_, !state_.is_run, number > 0), number, happened);
  report_.mpirun_hung += happened.mpirun_hung;
  state_ = state_of(run_, drawn_.shape.tasks);
  happened.after = state_;
  report_.story.push_back(
      told(start, happened) +
      fmt::format(", {:.1f} s", std::chrono::duration<double>(steady_clock::now() - begun).count()));
  for (const std::string& text : wrong_with(start, happened)) wrong(text);
  check_committed(state_);
  if (start.disturbance) report_.disturbances.emplace_back(start.disturbance->kind, happened.hit.has_value());
  if (!state_.complete || !ends_in_order(start, happened)) return;
  if (std::filesystem::exists(run_ / "lock")) wrong("it left its lock");
  const std::string out =
      comparable_conclusion(e2e::read_text(place_ / fmt::format("start-{}.out", number + 1)), run_);
  if (out != undisturbed_.conclusion) wrong("it printed \"" + out + "\", not its conclusion");
}

std::string Trial::told(const Start& start, const Happened& happened) const {
  const char* hit = !start.disturbance     ? "undisturbed"
                    : !happened.hit        ? "missed"
                    : happened.hit_running ? "hit"
                                           : "hit before it ran";
  return fmt::format("{}: {}{}{}, status {}, {} of {} on record{}", where_, hit,
                     happened.hit_rank_zero ? " with rank 0" : "",
                     happened.mpirun_hung ? ", mpirun hung" : "", happened.status,
                     happened.after.journal.outcomes, drawn_.shape.tasks,
                     happened.after.complete ? ", complete" : "");
}

void Trial::supervise(const Start& start, const e2e::Command& command, std::size_t number,
                      Happened& happened) {
  e2e::Process process{command};
  std::optional<Strike> strike;
  if (start.disturbance)
    strike.emplace(*start.disturbance, start.way, expected_of(start, happened.before), run_,
                   std::filesystem::path{program_of(drawn_.shape)}.filename(), process);
  const auto meanwhile = [&] {
    if (strike) strike->look();
    std::this_thread::sleep_for(look);
  };
  Patience patience{start.way};
  while (process.running() && !happened.hung && !happened.mpirun_hung) {
    meanwhile();
    happened.hung = patience.ended(strike && strike->hit_stops_start());
    happened.mpirun_hung = patience.mpirun_hangs();
  }
  if (happened.hung) wrong("still there: " + describe(descendants()));
  if (happened.hung || happened.mpirun_hung) process.kill_all();
  const e2e::Ended ended = process.wait();
  happened.status = ended.status;
  e2e::write_text(place_ / fmt::format("start-{}.out", number + 1), ended.out);
  e2e::write_text(place_ / fmt::format("start-{}.err", number + 1), ended.err);
  expect_nothing_left([&] {
    meanwhile();
    process.members();  // takes note of those that have ended
  });
  if (strike && strike->hit()) {
    happened.hit = start.disturbance->kind;
    happened.hit_running = strike->hit_running();
    happened.hit_rank_zero = strike->hit_rank_zero();
  }
  note_exit_of_task(start, happened);
}

void Trial::note_exit_of_task(const Start& start, Happened& happened) {
  if (!start.disturbance || start.disturbance->kind != Kind::task_exits) return;
  if (!std::filesystem::exists(place_ / "left")) return wrong("the task that leaves was never computed");
  happened.hit = Kind::task_exits;
  happened.hit_running = true;
  happened.hit_rank_zero = e2e::read_text(place_ / "left") == "0";
}

void Trial::expect_nothing_left(const std::function<void()>& meanwhile) {
  const auto end = steady_clock::now() + longest_leaving;
  while (!descendants().empty() && steady_clock::now() < end) meanwhile();
  const std::vector<Seen> left = descendants();
  if (left.empty()) return;
  wrong(fmt::format("left after {} s: {}", longest_leaving.count(), describe(left)));
  e2e::wait_until([&] {
    for (const Seen& process : descendants()) ::kill(process.id, SIGKILL);
    meanwhile();
    return descendants().empty();
  });
}

// What users were told is committed is on record.
void Trial::check_committed(const State& state) {
  if (!std::filesystem::exists(run_ / "status.json")) return;
  const e2e::Json status = e2e::Json::file(run_ / "status.json");
  if (status.has("committed") && status.whole("committed") > state.journal.outcomes)
    wrong(fmt::format("status.json said that {} are committed, and {} are on record",
                      status.whole("committed"), state.journal.outcomes));
}

void Trial::check_answer() {
  const e2e::Json summary = e2e::summary_of(run_);
  const auto expect = [&](const char* key, std::uint64_t value) {
    if (summary.whole(key) != value) wrong(fmt::format("{} {}, not {}", key, summary.whole(key), value));
  };
  expect("tasks", drawn_.shape.tasks);
  expect("succeeded", drawn_.shape.tasks);
  expect("failed", 0);
  if (summary.text("digest") != undisturbed_.digest)
    wrong("digest " + summary.text("digest") + ", not " + undisturbed_.digest);
  check_results();
  if (drawn_.shape.load != Load::commands) return;
  if (const std::string line = missing_line(drawn_.shape, place_, run_); !line.empty())
    wrong("it lost " + line);
}

void Trial::check_results() {
  if (comparable_results(drawn_.shape, e2e::results_of(run_)) != undisturbed_.results)
    wrong("results.csv differs");
}

// As a user does who is not sure how it ended.
void Trial::check_resume_of_complete_run() {
  where_ = "resume of the complete run";
  const std::uint64_t bytes = e2e::journal_bytes(run_);
  Start alone;
  alone.way = Way::alone;
  alone.ranks = 0;
  const e2e::Ended ended = e2e::run(command_of(drawn_, alone, job_, run_, false, true));
  if (ended.status != 0 || ended.late) wrong(fmt::format("exit status {}: {}", ended.status, ended.err));
  if (comparable_conclusion(ended.out, run_) != undisturbed_.conclusion)
    wrong("it printed \"" + ended.out + "\"");
  if (e2e::journal_bytes(run_) != bytes) wrong("it wrote to the journal");
  check_results();
  if (std::filesystem::exists(run_ / "lock")) wrong("it left its lock");
}

}  // namespace mpifarm::chaos
