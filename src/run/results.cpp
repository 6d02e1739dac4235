#include "run/results.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/numbers.hpp"
#include "describe/csv.hpp"
#include "describe/value.hpp"
#include "run/sqlite_results.hpp"

namespace mpifarm {
namespace {

constexpr std::size_t buffer_bytes = 1 << 18;

}  // namespace

ResultsFormat parse_results_format(std::string_view flag, std::string_view text) {
  if (text == "csv") return ResultsFormat::csv;
  if (text == "jsonl") return ResultsFormat::jsonl;
  if (text == "sqlite") return ResultsFormat::sqlite;
  if (text == "none") return ResultsFormat::none;
  throw BadInput{std::string{flag} + " is not known (\"" + std::string{text} +
                 "\"); use csv, jsonl, sqlite or none"};
}

std::string_view to_string(ResultsFormat format) {
  switch (format) {
    case ResultsFormat::csv:
      return "csv";
    case ResultsFormat::jsonl:
      return "jsonl";
    case ResultsFormat::sqlite:
      return "sqlite";
    default:
      return "none";
  }
}

std::vector<std::string> result_column_names(const JobType& type) {
  const auto lower = [](std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    return text;
  };
  std::set<std::string> taken{"id", "status", "message"};
  std::vector<std::string> names = type.result_columns();
  for (std::string& name : names)
    while (!taken.insert(lower(name)).second) name.insert(0, "result_");
  return names;
}

ResultsText::ResultsText(const JobType& type, ResultsFormat format)
    : type_{type}, format_{format}, empty_cells_(type.result_columns().size(), ',') {
  if (format == ResultsFormat::csv && !type.flat_result())
    throw BadInput{"results of " + std::string{type.name()} +
                   " do not fit CSV (a field of them is nested); use jsonl"};
  if (auto names = result_column_names(type); names != type.result_columns()) renamed_ = std::move(names);
}

void ResultsText::append_header(Bytes& out) const {
  if (format_ != ResultsFormat::csv) return;
  out += "id,status";
  for (const std::string& column : result_column_names(type_)) {
    out += ',';
    describe::append_csv_cell(out, column);
  }
  out += ",message\n";
}

void ResultsText::append(Bytes& out, const journal::TaskOutcome& outcome) const {
  const bool succeeded = outcome.outcome == Outcome::succeeded;
  if (format_ == ResultsFormat::csv) {
    append_number(out, outcome.id.value);
    out += ',';
    out += to_string(outcome.outcome);
    const BytesView result = succeeded ? outcome.payload : kept_result(outcome.payload);
    if (succeeded || !result.empty())
      type_.append_result_csv(out, result);
    else
      out += empty_cells_;
    out += ',';
    if (!succeeded) describe::append_csv_cell(out, failure_message(outcome.payload));
  } else {
    out += "{\"id\":";
    append_number(out, outcome.id.value);
    out += ",\"status\":\"";
    out += to_string(outcome.outcome);
    out += '"';
    const BytesView result = succeeded ? outcome.payload : kept_result(outcome.payload);
    if (!succeeded) {
      out += ",\"message\":";
      describe::append_json_string(out, failure_message(outcome.payload));
    }
    if (succeeded || !result.empty()) {
      const std::size_t fields_at = out.size();
      append_fields(out, result);
      if (out.size() - fields_at > 2)
        out[fields_at] = ',';  // the Result's fields stand beside id and status
      else
        out.erase(fields_at, 1);
    } else {
      out += '}';
    }
  }
  out += '\n';
}

void ResultsText::append_fields(Bytes& out, BytesView result) const {
  if (renamed_.empty()) return type_.append_result_json(out, result);
  Bytes text;
  type_.append_result_json(text, result);
  auto fields = std::get<describe::Value::Object>(describe::parse_json(text).data);
  for (std::size_t i = 0; i < fields.size(); ++i) fields[i].first = renamed_[i];
  describe::append_json(out, describe::Value{std::move(fields)});
}

void Reduction::take(const journal::TaskOutcome& outcome) {
  if (outcome.outcome != Outcome::succeeded) return;
  try {
    job_.reduce(outcome.id, outcome.descriptor, outcome.payload);
  } catch (const std::exception& error) {
    throw MachineryFailure{"the job's reduce failed at task " + std::to_string(outcome.id.value) + " (" +
                           error.what() + "); the journal has the outcomes: mend it and resume"};
  }
}

std::unique_ptr<ResultsFile> create_results(std::filesystem::path file, const JobType& type,
                                            ResultsFormat format) {
  if (format == ResultsFormat::sqlite) return std::make_unique<SqliteResults>(std::move(file), type);
  return std::make_unique<TextResults>(std::move(file), ResultsText{type, format});
}

TextResults::TextResults(std::filesystem::path file, ResultsText text)
    : file_{std::move(file)}, building_{file_.string() + ".new"}, text_{std::move(text)} {
  descriptor_ = FileDescriptor{::open(building_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (descriptor_.get() < 0) throw_errno(building_, "opened");
  text_.append_header(buffer_);
}

TextResults::~TextResults() {
  if (!finished_) unlink(building_.c_str());
}

void TextResults::take(const journal::TaskOutcome& outcome) {
  text_.append(buffer_, outcome);
  if (buffer_.size() >= buffer_bytes) write();
}

void TextResults::write() {
  write_all(descriptor_, buffer_, building_);
  buffer_.clear();
}

void TextResults::finish() {
  write();
  if (fsync(descriptor_.get()) != 0) throw_errno(building_, "synced");
  if (rename(building_.c_str(), file_.c_str()) != 0) throw_errno(file_, "replaced");
  finished_ = true;
}

}  // namespace mpifarm
