#include "exec/exec_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "describe/json.hpp"
#include "exec/exec.hpp"
#include "exec/output_files.hpp"
#include "exec/output_pack.hpp"
#include "job/job_type.hpp"

namespace mpifarm::exec {

BOOST_DESCRIBE_STRUCT(Exec::Params, (),
                      (command, param, link, commands, files, shell, chdir, env, input, input_text, success,
                       output_limit, kill_after, output, stream, outputs, inputs, skip_existing))
BOOST_DESCRIBE_STRUCT(Exec::Task, (), (fields))
BOOST_DESCRIBE_STRUCT(Exec::Result, (),
                      (command, exit_status, signal, started, seconds, user_seconds, system_seconds,
                       peak_kilobytes, host, attempt, rank, slot, stdout_bytes, stderr_bytes, pack, stdout_at,
                       stderr_at, skipped))

namespace {

void put(const Exec::Task& task, Bytes& descriptor) {
  descriptor.clear();
  Packer{descriptor} & task;
}

// The columns of a list are the fields of the command, whatever they are called.
class Columns final : public TaskColumns {
 public:
  Columns(BytesView params, std::span<const std::string> header)
      : exec_{unpack<Exec::Params>(params)}, header_{header.begin(), header.end()} {
    exec_.check_columns(header_);
  }

  void read(std::span<const std::string> cells, Bytes& descriptor) const override {
    if (cells.size() != header_.size())
      throw BadInput{"the row has " + std::to_string(cells.size()) + " cells, the header " +
                     std::to_string(header_.size()) + "; give each column one"};
    Exec::Task task;
    for (std::size_t i = 0; i < cells.size(); ++i) task.fields[header_[i]] = cells[i];
    exec_.check_task(task);
    put(task, descriptor);
  }

 private:
  Exec exec_;
  std::vector<std::string> header_;
};

// A number as it stands in JSON, and a text without its quotes.
std::string text_of(const std::string& key, const describe::Value& value) {
  if (const auto* text = value.as<std::string>()) return *text;
  if (value.as<describe::Value::List>() != nullptr || value.as<describe::Value::Object>() != nullptr ||
      value.is_null())
    throw BadInput{"the field " + key + " is no text, number or truth value (" +
                   printable(describe::to_json(value)) + "); give it one"};
  return describe::to_json(value);
}

class ExecKeys final : public TaskKeys {
 public:
  explicit ExecKeys(BytesView params) : exec_{unpack<Exec::Params>(params)} {}
  Bytes key(BytesView descriptor, TaskId id) const override {
    return exec_.key(unpack<Exec::Task>(descriptor), id);
  }

 private:
  Exec exec_;
};

// Copies what commands wrote, as the first start of the new run: no command runs in that.
class OutputTaker final : public ResultTaker {
 public:
  OutputTaker(std::filesystem::path from_run, const std::filesystem::path& to_run, const OutputPolicy& policy)
      : from_run_{std::move(from_run)} {
    if (policy.output == files_pack) {
      pack_ = files_pack;
      keeper_ = std::make_unique<OutputFiles>(to_run, 0);
    } else if (policy.output != "none") {
      pack_ = "1-0";
      keeper_ = std::make_unique<OutputPack>(pack_path(to_run, pack_));
    }
  }

  std::optional<Bytes> take(BytesView packed, TaskId before, TaskId now) override {
    auto result = unpack<Exec::Result>(packed);
    const std::array<std::pair<Stream, KeptOutput>, 2> streams{
        std::pair{Stream::standard_output, kept_output(packed, Stream::standard_output)},
        std::pair{Stream::standard_error, kept_output(packed, Stream::standard_error)}};
    try {
      for (const auto& [kind, kept] : streams)
        read_kept_output(from_run_, before, kind, kept, [](BytesView) {});
    } catch (const MachineryFailure&) {
      return std::nullopt;
    }
    result.pack.clear();
    result.stdout_at = result.stderr_at = 0;
    if (keeper_ != nullptr) {
      keeper_->begin(now);
      for (const auto& [kind, kept] : streams) {
        const std::uint64_t at = copy_stream(kind, kept, before, now);
        (kind == Stream::standard_output ? result.stdout_at : result.stderr_at) = at;
        if (at != 0) result.pack = pack_;
      }
      keeper_->finish(now);
    }
    return pack(result);
  }

 private:
  std::uint64_t copy_stream(Stream kind, const KeptOutput& kept, TaskId before, TaskId now) {
    KeptStream copy;
    read_kept_output(from_run_, before, kind, kept,
                     [&](BytesView bytes) { keeper_->append(now, kind, copy, bytes); });
    return copy.last;
  }

  std::filesystem::path from_run_;
  std::string pack_;
  std::unique_ptr<OutputKeeper> keeper_;  // null: nothing is kept
};

class ExecType final : public JobTypeOf<Exec> {
 public:
  std::unique_ptr<TaskColumns> match_task_columns(BytesView params,
                                                  std::span<const std::string> header) const override {
    return std::make_unique<Columns>(params, header);
  }
  void read_task(BytesView params, std::string_view json, Bytes& descriptor) const override {
    const describe::Value row = describe::parse_json(json);
    const auto* object = row.as<describe::Value::Object>();
    if (object == nullptr) throw BadInput{"the line is no JSON object; give one a line"};
    Exec::Task task;
    std::vector<std::string> names;
    for (const auto& [key, value] : *object) {
      names.push_back(key);
      task.fields[key] = text_of(key, value);
    }
    const Exec exec{unpack<Exec::Params>(params)};
    exec.check_columns(names);
    exec.check_task(task);
    put(task, descriptor);
  }
  bool keys_have_params() const override { return true; }
  std::unique_ptr<TaskKeys> task_keys(BytesView params) const override {
    return std::make_unique<ExecKeys>(params);
  }
  std::unique_ptr<ResultTaker> result_taker(const std::filesystem::path& from_run,
                                            const std::filesystem::path& to_run,
                                            BytesView params) const override {
    return std::make_unique<OutputTaker>(from_run, to_run, output_policy(params));
  }
  FailureFacts failure_facts(BytesView kept_result) const override {
    if (kept_result.empty()) return {};
    auto result = unpack<Exec::Result>(kept_result);
    return {std::to_string(result.exit_status) + ":" + std::to_string(result.signal), std::move(result.host)};
  }
  bool reads_lines(BytesView params) const override { return !unpack<Exec::Params>(params).commands.empty(); }
  bool read_line(BytesView line, Bytes& descriptor) const override {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == line.npos || line[begin] == '#') return false;
    if (line.find('\0') != line.npos)
      throw BadInput{"the command has a NUL in it, which no command can have; leave it out"};
    Exec::Task task;
    task.fields["command"] = line;
    put(task, descriptor);
    return true;
  }
};

}  // namespace

OutputPolicy output_policy(BytesView params) {
  const auto given = unpack<Exec::Params>(params);
  return {given.output, output_limit_of(given.output_limit), given.stream};
}

KeptOutput kept_output(BytesView packed_result, Stream kind) {
  auto result = unpack<Exec::Result>(packed_result);
  if (kind == Stream::standard_error) return {std::move(result.pack), result.stderr_at, result.stderr_bytes};
  return {std::move(result.pack), result.stdout_at, result.stdout_bytes};
}

void read_kept_output(const std::filesystem::path& run_directory, TaskId task, Stream kind,
                      const KeptOutput& kept, const std::function<void(BytesView)>& take) {
  if (kept.pack.empty() || kept.at == 0) return;
  if (kept.pack == files_pack)
    read_output_file(run_directory, task, kind, take);
  else
    read_output(pack_path(run_directory, kept.pack), task, kind, kept.at, take);
}

void append_joblog(Bytes& out, TaskId task, BytesView packed_result) {
  auto result = unpack<Exec::Result>(packed_result);
  std::ranges::replace(result.command, '\n', '\0');
  fmt::format_to(std::back_inserter(out), "{}\t{}\t{:.3f}\t{:10.3f}\t0\t{}\t{}\t{}\t{}\n", task.value + 1,
                 result.host, result.started, result.seconds, result.stdout_bytes,
                 result.signal == 0 ? result.exit_status : 0, result.signal, result.command);
}

std::string retry_line(BytesView params, BytesView descriptor, TaskId task,
                       const std::string& working_directory, const std::string& run_directory) {
  return Exec{unpack<Exec::Params>(params)}.retry_line(unpack<Exec::Task>(descriptor), task,
                                                       working_directory, run_directory);
}

}  // namespace mpifarm::exec

namespace mpifarm {

const JobType& exec_job() {
  check_job<exec::Exec>();
  static const exec::ExecType type;
  return type;
}

}  // namespace mpifarm
