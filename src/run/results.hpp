#pragma once
// Results in task order: as a file's text, and as what a job's reduce sees.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "job/any_job.hpp"
#include "run/sink.hpp"

namespace mpifarm {

enum class ResultsFormat : std::uint8_t { csv, jsonl, none };

// Throws BadInput naming `flag` unless `text` is csv, jsonl or none.
ResultsFormat parse_results_format(std::string_view flag, std::string_view text);
std::string_view to_string(ResultsFormat format);

// Turns outcomes into lines: `id,status`, the Result's fields, and `message` for what did not succeed.
class ResultsText {
 public:
  // `format` is csv or jsonl; CSV needs a flat Result, else BadInput.
  ResultsText(const JobType& type, ResultsFormat format);

  void append_header(Bytes& out) const;
  void append(Bytes& out, const journal::TaskOutcome& outcome) const;

 private:
  const JobType& type_;
  ResultsFormat format_;
  std::string empty_cells_;  // the Result's columns of a failed task
};

// Writes a results file under a name of its own beside it, and gives it its name when it is whole.
class ResultsFile final : public OutcomeSink {
 public:
  // Throws MachineryFailure when the file cannot be made, as every other function does when it cannot be
  // written.
  ResultsFile(std::filesystem::path file, ResultsText text);
  ~ResultsFile() override;  // removes an unfinished one
  ResultsFile(const ResultsFile&) = delete;
  ResultsFile& operator=(const ResultsFile&) = delete;

  void take(const journal::TaskOutcome& outcome) override;
  void finish();

 private:
  void write();

  std::filesystem::path file_, building_;
  ResultsText text_;
  Bytes buffer_;
  FileDescriptor descriptor_;
  bool finished_ = false;
};

// Feeds successes to the reduce of a job instance of its own.
class Reduction final : public OutcomeSink {
 public:
  explicit Reduction(AnyJob& job) : job_{job} {}  // borrowed

  // Throws MachineryFailure when the job's reduce throws.
  void take(const journal::TaskOutcome& outcome) override;

 private:
  AnyJob& job_;
};

}  // namespace mpifarm
