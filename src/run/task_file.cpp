#include "run/task_file.hpp"

#include <algorithm>
#include <utility>

#include "base/amounts.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "describe/value.hpp"

namespace mpifarm {
namespace {

constexpr BytesView byte_order_mark = "\xef\xbb\xbf";
constexpr BytesView blanks = " \t\r\n";

}  // namespace

TaskFile::TaskFile(const JobType& type, BytesView params, std::string path)
    : type_{type},
      params_{params},
      input_{std::move(path)},
      csv_{input_.name(), most_line_bytes},
      lines_{input_.name(), most_line_bytes} {
  if (type_.reads_lines(params_)) form_ = Form::plain_lines;
}

TaskSource::Pull TaskFile::pull(Bytes& descriptor) {
  const Pull pulled = pull_next(descriptor);
  if (pulled == Pull::item) ++pulled_;
  if (pulled == Pull::end && !expected_ && blank_rows_ > 0)
    log::warning("passed over in " + input_.name() + ": " + counted(std::exchange(blank_rows_, 0), "row") +
                 " of nothing but empty cells; write \"\" in a cell that is empty on purpose");
  const bool too_few = pulled == Pull::end && expected_ && pulled_ < *expected_;
  if (too_few || (expected_ && pulled_ > *expected_))
    throw BadInput{input_.name() + " changed while it was read (it had " + std::to_string(*expected_) +
                   " tasks, and has " + (too_few ? "fewer" : "more") + "); bring it back as it was"};
  return pulled;
}

TaskSource::Pull TaskFile::pull_next(Bytes& descriptor) {
  while (true) {
    if (form_ != Form::unknown || find_form()) {
      const bool found = form_ == Form::csv ? take_row(descriptor) : take_line(descriptor);
      if (found) return Pull::item;
    }
    if (ended_) return Pull::end;
    const Input::Read read = input_.read(chunk_);
    if (read == Input::Read::not_yet) return Pull::not_yet;
    if (read == Input::Read::end) chunk_ = {};
    ended_ = read == Input::Read::end;
  }
}

// Looks for the first character behind a byte order mark and blanks, which are dropped. The first bytes of a
// mark that is none begin a header.
bool TaskFile::find_form() {
  const auto in_mark = [this] { return mark_bytes_ > 0 && mark_bytes_ < byte_order_mark.size(); };
  for (; !chunk_.empty(); chunk_.remove_prefix(1)) {
    const char c = chunk_.front();
    if (mark_bytes_ < byte_order_mark.size() && c == byte_order_mark[mark_bytes_])
      ++mark_bytes_;
    else if (in_mark() || blanks.find(c) == blanks.npos)
      break;
    else if (c == '\n')
      ++blank_lines_;
  }
  if (chunk_.empty() && !(ended_ && in_mark())) return false;
  form_ = in_mark() || chunk_.front() != '{' ? Form::csv : Form::json_lines;
  const Bytes line_ends(blank_lines_, '\n');  // so that lines are counted
  BytesView before = line_ends, line;
  if (form_ == Form::csv) {
    csv_.read(before, row_);
    BytesView cut_mark = byte_order_mark.substr(0, in_mark() ? mark_bytes_ : 0);
    csv_.read(cut_mark, row_);
  } else {
    while (lines_.read(before, line)) continue;
  }
  return true;
}

// Says where, should `parse` refuse.
template <class Parse>
void TaskFile::parse(std::uint64_t line, Parse parse) const {
  try {
    parse();
  } catch (const BadInput& error) {
    std::string text = input_.name() + ", line " + std::to_string(line) + ": " + error.what();
    if (text.find("; ") == text.npos) text += "; give one JSON object a line";
    throw BadInput{text};
  }
}

bool TaskFile::take_row(Bytes& descriptor) {
  while (csv_.read(chunk_, row_) || (ended_ && csv_.finish(row_))) {
    const bool is_header = columns_ == nullptr;
    if (!is_header && row_.is_blank()) {
      ++blank_rows_;
      continue;
    }
    parse(row_.line, [&] {
      if (is_header)
        columns_ = type_.match_task_columns(params_, row_.cells);
      else
        columns_->read(row_.cells, descriptor);
    });
    if (!is_header) return true;
  }
  return false;
}

bool TaskFile::take_line(Bytes& descriptor) {
  for (BytesView line; lines_.read(chunk_, line) || (ended_ && lines_.finish(line));) {
    if (lines_.number() == 1 && line.starts_with(byte_order_mark)) line.remove_prefix(byte_order_mark.size());
    if (line.find_first_not_of(blanks) == line.npos) continue;
    bool is_task = true;
    parse(lines_.number(), [&] {
      if (form_ == Form::plain_lines)
        is_task = type_.read_line(line, descriptor);
      else
        type_.read_task(params_, line, descriptor);
    });
    if (is_task) return true;
  }
  return false;
}

TaskListFacts survey_tasks(const JobType& type, BytesView params, const std::string& path) {
  TaskFile file{type, params, path};
  TaskListFacts facts;
  Digest digest;
  Bytes descriptor;
  for (auto pulled = file.pull(descriptor); pulled != TaskSource::Pull::end; pulled = file.pull(descriptor))
    if (pulled == TaskSource::Pull::item) digest.add_success(facts.tasks++, descriptor);
  facts.digest = digest.hex();
  return facts;
}

}  // namespace mpifarm
