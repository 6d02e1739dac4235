// A list of tasks as a file, perhaps gzip: refused by its name, or tasks that are the same when they are
// written as JSON Lines. What is plain CSV or JSON Lines from its first byte holds what the reader of that
// form says.

#include <fstream>

#include "base/error.hpp"
#include "job/job_type.hpp"
#include "require.hpp"
#include "run/task_file.hpp"
#include "samples.hpp"
#include "support/temporary_directory.hpp"

namespace {

using namespace mpifarm;
using fuzz::require;

struct Listed {
  static constexpr auto name = "listed";
  static constexpr auto summary = "Tasks of every kind of field";
  using Params = samples::Empty;
  using Task = samples::Deep;
  struct Result {
    int n;
  };
  explicit Listed(const Params&) {}
  std::uint64_t size() const { return 0; }
  Task task(std::uint64_t) const { return {}; }
  Result compute(const Task&, Context&) const { return {0}; }
};
BOOST_DESCRIBE_STRUCT(Listed::Result, (), (n))

struct List {
  std::vector<Bytes> tasks;
  std::string refusal;
};

List read(const std::string& path, BytesView text) {
  std::ofstream{path, std::ios::binary} << text;
  List list;
  try {
    TaskFile file{job_type<Listed>(), {}, path};
    Bytes descriptor;
    for (auto pulled = file.pull(descriptor); pulled != TaskSource::Pull::end; pulled = file.pull(descriptor))
      if (pulled == TaskSource::Pull::item) list.tasks.push_back(descriptor);
  } catch (const BadInput& error) {
    list.refusal = error.what();
    require(list.refusal.starts_with(path), "a refusal names the file");
  }
  return list;
}

List read_csv(const std::string& path, BytesView text) {
  List list;
  try {
    describe::CsvReader reader{path, TaskFile::most_line_bytes};
    describe::CsvRow row;
    Bytes task;
    std::unique_ptr<TaskColumns> columns;
    while (reader.read(text, row) || reader.finish(row)) {
      if (!columns) {
        columns = job_type<Listed>().match_task_columns({}, row.cells);
        continue;
      }
      columns->read(row.cells, task);
      list.tasks.push_back(task);
    }
  } catch (const BadInput& error) {
    list.refusal = error.what();
  }
  return list;
}

List read_json_lines(const std::string& path, BytesView text) {
  List list;
  try {
    describe::LineReader reader{path, TaskFile::most_line_bytes};
    Bytes task;
    for (BytesView line; reader.read(text, line) || reader.finish(line);) {
      if (line.find_first_not_of(" \t\r\n") == line.npos) continue;
      job_type<Listed>().read_task({}, line, task);
      list.tasks.push_back(task);
    }
  } catch (const BadInput& error) {
    list.refusal = error.what();
  }
  return list;
}

Bytes json_lines(const std::vector<Bytes>& tasks) {
  Bytes lines;
  for (const Bytes& task : tasks) {
    job_type<Listed>().append_task_json(lines, task);
    lines += '\n';
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  static const support::TemporaryDirectory directory;
  const std::string path = directory.path() / "tasks";
  const BytesView text{data, size};
  const List list = read(path, text);

  const bool marked = text.starts_with("\xef\xbb\xbf") || text.starts_with("\x1f\x8b");
  if (size > 0 && !marked && BytesView{" \t\r\n"}.find(text[0]) == BytesView::npos) {
    const List expected = text[0] == '{' ? read_json_lines(path, text) : read_csv(path, text);
    require(list.tasks == expected.tasks, "a list holds what the reader of its form says");
    require(list.refusal.empty() == expected.refusal.empty() &&
                list.refusal.find(expected.refusal) != list.refusal.npos,
            "a list is refused for what the reader of its form says");
  }
  const Bytes lines = json_lines(list.tasks);
  const List again = read(path, lines);
  require(again.refusal.empty() && json_lines(again.tasks) == lines,
          "tasks written again read back the same");
  // CSV takes bytes that are not UTF-8; JSON, which cannot, says U+FFFD.
  if (lines.find("\xef\xbf\xbd") == lines.npos)
    require(again.tasks == list.tasks, "tasks written again are the same tasks");
  return 0;
}
