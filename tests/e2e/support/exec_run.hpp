#pragma once
// Runs of `exec` in a directory of their own, and what they leave.

#include <algorithm>
#include <map>

#include "support/program.hpp"

namespace mpifarm::e2e {

class ExecRun : public testing::Test {
 protected:
  Command exec(int ranks, const Arguments& arguments) const {
    Command command = on_ranks(ranks, Arguments{"run", "exec", "--run", path_} + arguments);
    command.directory = work_.path();
    return command;
  }
  Ended expect_run(const Arguments& arguments, int status = 0, int ranks = 0) const {
    Ended ended = run(exec(ranks, arguments));
    expect_status(ended, status);
    return ended;
  }
  // What comes later is of another run.
  const std::string& in_run(const std::string& name) { return path_ = work_ / name; }

  std::string output(const Arguments& more = {}) const {
    const Ended ended = run(mpifarm(Arguments{"output", path_} + more));
    EXPECT_EQ(ended.status, 0) << ended.err;
    return ended.out;
  }
  // Of a column of results.csv.
  std::vector<std::string> cells(const std::string& column) const {
    const std::vector<Row> rows = csv_rows(results_of(path_));
    const auto at = static_cast<std::size_t>(std::ranges::find(rows.at(0), column) - rows[0].begin());
    std::vector<std::string> texts;
    for (std::size_t i = 1; i < rows.size(); ++i) texts.push_back(rows[i].at(at));
    return texts;
  }
  // Sorted, each once.
  std::vector<std::string> kinds_of(const std::string& column) const {
    std::vector<std::string> kinds = cells(column);
    std::ranges::sort(kinds);
    kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
    return kinds;
  }
  void refused(const Arguments& arguments, const std::vector<std::string>& parts, int ranks = 0) const {
    expect_refused(run(exec(ranks, arguments)), parts);
    EXPECT_FALSE(std::filesystem::exists(path_)) << testing::PrintToString(arguments);
  }

  bool exists(const std::string& name) const { return std::filesystem::exists(work_ / name); }
  // The lines of a file that commands append to; none when there is no file.
  std::vector<std::string> noted(const std::string& name = "ran") const {
    return exists(name) ? lines_of(read_text(work_ / name)) : std::vector<std::string>{};
  }
  // The master of the run that is live is asked to end.
  void ask_to_stop(int signal) const { ::kill(lock_holder(path_), signal); }
  bool wait_for_log(const std::string& text) const {
    return wait_until([&] {
      return std::filesystem::exists(path_ + "/log.txt") &&
             read_text(path_ + "/log.txt").find(text) != std::string::npos;
    });
  }

  Workspace work_;
  std::string path_ = work_ / "run";
};

}  // namespace mpifarm::e2e
