#pragma once
// One drawn case from its first start until its run is complete.

#include <functional>

#include "load.hpp"
#include "rules.hpp"
#include "strike.hpp"

namespace mpifarm::chaos {

struct Report {
  std::vector<std::pair<Kind, bool>> disturbances;  // whether it hit before the end
  std::vector<std::string> story;                   // a line for each start
  std::vector<std::string> wrong;
  int mpirun_hung = 0;  // starts
};

class Trial {
 public:
  // `place` is a directory of its own, in which it leaves the run and what each start printed.
  Trial(const Case& drawn, Loads& loads, std::filesystem::path place);

  Report carry_out();

 private:
  void start(std::size_t number);
  // Fills in what is only known when it is over.
  void supervise(const Start& start, const e2e::Command& command, std::size_t number, Happened& happened);
  void note_exit_of_task(const Start& start, Happened& happened);
  void expect_nothing_left(const std::function<void()>& meanwhile);
  std::string told(const Start& start, const Happened& happened) const;
  void check_committed(const State& state);
  void check_answer();
  void check_results();
  void check_resume_of_complete_run();
  Expected expected_of(const Start& start, const State& before) const;
  void wrong(const std::string& text);

  Case drawn_;
  const Undisturbed& undisturbed_;
  e2e::Arguments job_;
  std::filesystem::path place_, run_;
  State state_;
  std::string where_;  // which start is judged
  Report report_;
};

}  // namespace mpifarm::chaos
