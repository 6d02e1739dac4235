#include "exec/exec_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "describe/json.hpp"
#include "exec/exec.hpp"
#include "exec/kept_output.hpp"
#include "exec/output_files.hpp"
#include "exec/output_pack.hpp"
#include "job/job_type.hpp"

namespace mpifarm::exec {

BOOST_DESCRIBE_STRUCT(Exec::Params, (),
                      (command, param, link, commands, files, shell, chdir, env, input, input_text, success,
                       output_limit, kill_after, output, stream, outputs, inputs, skip_existing, output_wait))
BOOST_DESCRIBE_STRUCT(Exec::Task, (), (fields))
BOOST_DESCRIBE_STRUCT(Exec::Result, (),
                      (command, exit_status, signal, started, seconds, user_seconds, system_seconds,
                       peak_kilobytes, host, attempt, rank, slot, stdout_bytes, stderr_bytes, pack, stdout_at,
                       stderr_at, skipped, left_running))

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

// A text without its quotes, a number as it stands in the list: two that a double cannot tell apart are two.
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
  explicit ExecKeys(const RunFacts& run)
      : exec_{unpack<Exec::Params>(run.params)}, working_directory_{run.working_directory} {}
  Bytes key(BytesView descriptor, TaskId id) const override {
    return exec_.key(unpack<Exec::Task>(descriptor), id, working_directory_);
  }

 private:
  Exec exec_;
  std::string working_directory_;
};

// Copies what commands wrote, as the first start of the new run: no command runs in that.
class OutputTaker final : public ResultTaker {
 public:
  OutputTaker(const RunFacts& from, const RunFacts& to)
      : from_run_{from.run},
        before_{output_policy(from.params)},
        now_{output_policy(to.params)},
        exec_{unpack<Exec::Params>(to.params)} {
    if (now_.output == files_pack) {
      pack_ = files_pack;
      keeper_ = std::make_unique<OutputFiles>(to.run, 0);
    } else if (now_.output != "none") {
      pack_ = "1-0";
      std::error_code unseen;
      std::filesystem::remove(pack_path(to.run, pack_), unseen);  // of a take-over that was interrupted
      keeper_ = std::make_unique<OutputPack>(pack_path(to.run, pack_));
    }
  }

  std::optional<Bytes> take(BytesView packed, TaskId before, TaskId now, BytesView descriptor) override {
    auto result = unpack_result<Exec::Result>(packed);
    if (!exec_.accepts(result, unpack<Exec::Task>(descriptor), now)) return std::nullopt;
    const std::array<std::pair<Stream, KeptOutput>, 2> streams{
        std::pair{Stream::standard_output, kept_output(packed, Stream::standard_output)},
        std::pair{Stream::standard_error, kept_output(packed, Stream::standard_error)}};
    for (const auto& [kind, kept] : streams)
      if (!is_whole(kind, kept, before)) return std::nullopt;
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
  // As much of it is there as the new run would have kept.
  bool is_whole(Stream kind, const KeptOutput& kept, TaskId before) const {
    if (keeper_ == nullptr) return true;
    const std::uint64_t wanted = std::min(kept.bytes, now_.limit);
    if (wanted > 0 && (before_.output == "none" || wanted > before_.limit)) return false;
    try {
      read_kept_output(from_run_, before, kind, kept, [](BytesView) {});
      return true;
    } catch (const MachineryFailure&) {
      return false;
    }
  }
  std::uint64_t copy_stream(Stream kind, const KeptOutput& kept, TaskId before, TaskId now) {
    KeptStream copy;
    std::uint64_t room = now_.limit;
    read_kept_output(from_run_, before, kind, kept, [&](BytesView bytes) {
      const BytesView fitting = bytes.substr(0, std::min<std::uint64_t>(room, bytes.size()));
      room -= fitting.size();
      if (!fitting.empty()) keeper_->append(now, kind, copy, fitting);
    });
    return copy.last;
  }

  std::filesystem::path from_run_;
  OutputPolicy before_, now_;
  Exec exec_;  // of the new run
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
    const describe::Value row = describe::parse_json(json, describe::JsonNumbers::texts);
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
  std::unique_ptr<TaskKeys> task_keys(const RunFacts& run) const override {
    return std::make_unique<ExecKeys>(run);
  }
  std::unique_ptr<ResultTaker> result_taker(const RunFacts& from, const RunFacts& to) const override {
    return std::make_unique<OutputTaker>(from, to);
  }
  std::unique_ptr<KeptFiles> kept_files(const RunFacts& run) const override {
    OutputPolicy policy = output_policy(run.params);
    if (policy.output == "none") return nullptr;
    return std::make_unique<KeptOutputFiles>(run.run, std::move(policy));
  }
  FailureFacts failure_facts(BytesView kept_result) const override {
    if (kept_result.empty()) return {};
    auto result = unpack_result<Exec::Result>(kept_result);
    return {std::to_string(result.exit_status) + ":" + std::to_string(result.signal), std::move(result.host)};
  }
  bool has_notes() const override { return true; }
  OutcomeNotes notes(BytesView result) const override {
    if (result.empty()) return {};
    return {.left_running = unpack_result<Exec::Result>(result).left_running > 0};
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
  auto result = unpack_result<Exec::Result>(packed_result);
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

void append_joblog(Bytes& out, TaskId task, Outcome outcome, BytesView packed_result) {
  auto result = unpack_result<Exec::Result>(packed_result);
  std::ranges::replace(result.command, '\n', '\0');
  fmt::format_to(std::back_inserter(out), "{}\t{}\t{:.3f}\t{:10.3f}\t0\t{}\t{}\t{}\t{}\n", task.value + 1,
                 result.host, result.started, result.seconds, result.stdout_bytes,
                 outcome == Outcome::timed_out ? -1
                 : result.signal == 0          ? result.exit_status
                                               : 0,
                 result.signal, result.command);
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
