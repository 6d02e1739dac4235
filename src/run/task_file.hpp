#pragma once
// Tasks from a list of the user's: CSV with a header, JSON Lines, or lines in the job's own form; plain or
// gzip, from a file or a pipe. The columns are the fields of the job's Task; one that is missing has its
// default.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/input.hpp"
#include "describe/csv_reader.hpp"
#include "describe/line_reader.hpp"
#include "job/any_job.hpp"

namespace mpifarm {

// Tells the two forms apart by the first character: an object's brace begins JSON Lines. One thread at a
// time.
class TaskFile final : public TaskSource {
 public:
  static constexpr std::size_t most_line_bytes = 16 << 20;

  // "-" is the standard input. `type` is borrowed. Throws BadInput when it cannot be read.
  TaskFile(const JobType& type, BytesView params, std::string path);

  // Throws BadInput naming file, line, column and value for what is no task.
  Pull pull(Bytes& descriptor) override;

  // That many tasks were found before: throws BadInput from pull() when there are more or fewer. Without it,
  // the end of the list is where it is said once how many blank rows were passed over.
  void expect(std::uint64_t tasks) { expected_ = tasks; }
  bool is_file() const { return input_.is_file(); }  // and no pipe: it can be read again

 private:
  enum class Form { unknown, csv, json_lines, plain_lines };

  Pull pull_next(Bytes& descriptor);
  bool find_form();
  bool take_row(Bytes& descriptor);
  bool take_line(Bytes& descriptor);
  template <class Parse>
  void parse(std::uint64_t line, Parse parse) const;

  const JobType& type_;
  Bytes params_;
  Input input_;
  Form form_ = Form::unknown;
  BytesView chunk_;  // of the input, not looked at yet
  bool ended_ = false;
  std::uint64_t blank_lines_ = 0;  // before the first character that tells the form
  std::size_t mark_bytes_ = 0;     // of the byte order mark, seen so far

  std::uint64_t blank_rows_ = 0;  // passed over
  std::optional<std::uint64_t> expected_;
  std::uint64_t pulled_ = 0;

  describe::CsvReader csv_;
  describe::CsvRow row_;
  std::unique_ptr<TaskColumns> columns_;  // once the header has been read
  describe::LineReader lines_;
};

// What a list of tasks holds, read to its end.
struct TaskListFacts {
  std::uint64_t tasks = 0;
  std::string digest;  // of the descriptors in their order
};

// Throws as TaskFile.
TaskListFacts survey_tasks(const JobType& type, BytesView params, const std::string& path);

}  // namespace mpifarm
