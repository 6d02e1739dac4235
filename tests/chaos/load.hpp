#pragma once
// What is computed: its command lines, and its answer when nothing disturbs it.

#include <map>

#include "drawing.hpp"
#include "support/program.hpp"

namespace mpifarm::chaos {

struct Undisturbed {
  std::string digest, results, conclusion;
  std::uint64_t journal_bytes = 0;
};

// Lists of tasks, and the answers; each made when it is first asked for. One thread.
class Loads {
 public:
  // Keeps its files in `directory`, which it makes.
  explicit Loads(std::filesystem::path directory);

  const Undisturbed& undisturbed(const Shape& shape);
  // The job's name and its own flags; commands write into `place`.
  e2e::Arguments job(const Shape& shape, const std::filesystem::path& place) const;

 private:
  std::filesystem::path list(const Shape& shape) const;

  std::filesystem::path directory_;
  std::map<Shape, Undisturbed> known_;
};

// Looks for all that must be there of a run of commands, in their files in `place` and in the run's output:
// lines of each task, whatever it left running to write them. Empty when all are there, else the first that
// is missing.
std::string missing_line(const Shape& shape, const std::filesystem::path& place,
                         const std::filesystem::path& run);
// Results and conclusion without what differs from run to run.
std::string comparable_results(const Shape& shape, const std::string& results);
std::string comparable_conclusion(std::string conclusion, const std::filesystem::path& run);

// The file that is run.
std::string program_of(const Shape& shape);

// The command of a start. `whole` when there is no run to resume yet.
e2e::Command command_of(const Case& drawn, const Start& start, const e2e::Arguments& job,
                        const std::filesystem::path& run, bool whole, bool later);

}  // namespace mpifarm::chaos
