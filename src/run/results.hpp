#pragma once
// Results in task order: as a file's text, and as what a job's reduce sees.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "job/any_job.hpp"
#include "run/sink.hpp"

namespace mpifarm {

enum class ResultsFormat : std::uint8_t { csv, jsonl, sqlite, none };

// Throws BadInput naming `flag` unless `text` is csv, jsonl, sqlite or none.
ResultsFormat parse_results_format(std::string_view flag, std::string_view text);
std::string_view to_string(ResultsFormat format);

// The names of the Result's columns: one that is the table's own gets `result_` before it. Names differ by
// more than case.
std::vector<std::string> result_column_names(const JobType& type);

// Turns outcomes into lines: `id,status`, the Result's fields, and `message` for what did not succeed.
class ResultsText {
 public:
  // `format` is csv or jsonl; CSV needs a flat Result, else BadInput.
  ResultsText(const JobType& type, ResultsFormat format);

  void append_header(Bytes& out) const;
  void append(Bytes& out, const journal::TaskOutcome& outcome) const;

 private:
  void append_fields(Bytes& out, BytesView result) const;

  const JobType& type_;
  ResultsFormat format_;
  std::string empty_cells_;           // the Result's columns of a failed task
  std::vector<std::string> renamed_;  // its columns, where one of them has another name than its field
};

// A results file in the making, which gets its name when it is whole.
class ResultsFile : public OutcomeSink {
 public:
  virtual void finish() = 0;
};

// Of any format but none. Throws as their constructors.
std::unique_ptr<ResultsFile> create_results(std::filesystem::path file, const JobType& type,
                                            ResultsFormat format);

// Lines of text, made beside the file.
class TextResults final : public ResultsFile {
 public:
  // Throws MachineryFailure when the file cannot be made, as every other function does when it cannot be
  // written.
  TextResults(std::filesystem::path file, ResultsText text);
  ~TextResults() override;  // removes an unfinished one
  TextResults(const TextResults&) = delete;
  TextResults& operator=(const TextResults&) = delete;

  void take(const journal::TaskOutcome& outcome) override;
  void finish() override;

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
