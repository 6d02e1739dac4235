#pragma once
// Erases a job's types: JobInstance is its AnyJob, JobTypeOf its JobType. Templates; all else is compiled
// once.

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/outcome.hpp"
#include "base/pack.hpp"
#include "describe/archive.hpp"
#include "describe/check.hpp"
#include "describe/csv.hpp"
#include "describe/flags.hpp"
#include "describe/json.hpp"
#include "job/any_job.hpp"
#include "job/concepts.hpp"
#include "job/failed_with.hpp"

namespace mpifarm {

// Appends an entry whose payload `write` appends: packed in place, so that a result is copied once.
template <class Write>
void append_entry_in_place(Bytes& entries, Outcome outcome, Write write) {
  entries.push_back(static_cast<char>(outcome));
  const std::size_t length_at = entries.size();
  entries.push_back(0);  // enough for a payload below 128 bytes; a longer one is moved up
  write(entries);
  const std::size_t length = entries.size() - length_at - 1;
  if (length < 0x80) {
    entries[length_at] = static_cast<char>(length);
  } else {
    Bytes varint;
    append_varint(varint, length);
    entries.replace(length_at, 1, varint);
  }
}

// Unpacks a Result, of this program or of an older one whose Result had fewer fields at its end. Throws
// CorruptData for other bytes.
template <class Result>
Result unpack_result(BytesView bytes) {
  if constexpr (describe::Described<Result> && !describe::SerializesItself<Result>) {
    Result result{};
    Unpacker in{bytes};
    describe::unpack_grown(in, result);
    in.finish();
    return result;
  } else {
    return unpack<Result>(bytes);
  }
}

template <class Job>
class JobInstance final : public AnyJob {
 public:
  using Task = typename Job::Task;
  using Result = typename Job::Result;

  JobInstance(const typename Job::Params& params, TaskOrigin origin)
      : job_{params}, indexed_{IndexedJob<Job> && origin == TaskOrigin::job}, origin_{origin} {}

  std::vector<std::string> warnings() const override {
    if constexpr (requires { job_.warnings(); })
      return job_.warnings();
    else
      return {};
  }

  std::optional<std::uint64_t> size() const override {
    if constexpr (IndexedJob<Job>)
      if (indexed_) return static_cast<std::uint64_t>(job_.size());
    return std::nullopt;
  }

  void make_task(TaskId id, Bytes& descriptor) const override {
    descriptor.clear();
    if constexpr (IndexedJob<Job>) Packer{descriptor} & Task{job_.task(id.value)};
  }

  std::unique_ptr<TaskSource> open_source() const override {
    if constexpr (SequentialJob<Job>)
      if (origin_ == TaskOrigin::job) return std::make_unique<RangeSource>(job_);
    return nullptr;
  }

  void compute(BytesView descriptor, Context& context, Bytes& entries) const override {
    Outcome outcome = Outcome::failed;
    std::string message;
    std::optional<std::size_t> entry_at;  // once there is a result: `compute` may take what was there before
    try {
      const Result result = job_.compute(task_of(context.id(), descriptor), context);
      entry_at = entries.size();
      append_entry_in_place(entries, Outcome::succeeded, [&](Bytes& out) { Packer{out} & result; });
      return;
    } catch (const FailedWith<Result>& failure) {
      outcome = failure.outcome();
      message = failure.what();
      message += '\0';
      Packer{message} & failure.result();
    } catch (const Interrupted& interruption) {
      if constexpr (requires { requires Job::isolated; }) throw;
      message = interruption.what();
    } catch (const MachineryFailure& failure) {
      // A child can say so, and no outcome is due; on a thread it is a failure like another.
      if constexpr (requires { requires Job::isolated; }) throw;
      message = failure.what();
    } catch (const std::bad_alloc&) {
      message = "out of memory (std::bad_alloc)";
    } catch (const std::exception& error) {
      message = error.what();
    } catch (...) {
      message = "threw something that is no std::exception";
    }
    if (entry_at) entries.resize(*entry_at);
    append_entry(entries, outcome, message);
  }

  void reduce([[maybe_unused]] TaskId id, [[maybe_unused]] BytesView descriptor,
              [[maybe_unused]] BytesView result) override {
    if constexpr (ReducingJob<Job>) job_.reduce(task_of(id, descriptor), unpack_result<Result>(result));
  }

  std::string conclude([[maybe_unused]] const std::filesystem::path& run_directory) override {
    if constexpr (ConcludingInRunJob<Job>)
      return job_.conclude(run_directory);
    else if constexpr (ConcludingJob<Job>)
      return job_.conclude();
    else
      return {};
  }

 private:
  class RangeSource final : public TaskSource {
   public:
    explicit RangeSource(const Job& job) : range_{job.tasks()} {}

    Pull pull(Bytes& descriptor) override {
      if (next_)
        ++*next_;
      else
        next_.emplace(std::ranges::begin(range_));
      if (*next_ == std::ranges::end(range_)) return Pull::end;
      descriptor.clear();
      Packer{descriptor} & static_cast<const Task&>(**next_);
      return Pull::item;
    }

   private:
    decltype(std::declval<const Job&>().tasks()) range_;
    std::optional<std::ranges::iterator_t<decltype(range_)>> next_;  // nothing before the first pull
  };

  Task task_of([[maybe_unused]] TaskId id, BytesView descriptor) const {
    if constexpr (IndexedJob<Job>)
      if (indexed_) return job_.task(id.value);
    return unpack<Task>(descriptor);
  }

  Job job_;
  bool indexed_;
  TaskOrigin origin_;
};

template <class Task>
class TaskColumnsOf final : public TaskColumns {
 public:
  explicit TaskColumnsOf(std::span<const std::string> header) : columns_{header} {}

  void read(std::span<const std::string> cells, Bytes& descriptor) const override {
    Task task{};
    columns_.read(cells, task);
    descriptor.clear();
    Packer{descriptor} & task;
  }

 private:
  describe::CsvColumns<Task> columns_;
};

template <class Job>
class JobTypeOf : public JobType {
 public:
  using Params = typename Job::Params;
  using Task = typename Job::Task;
  using Result = typename Job::Result;

  JobTypeOf() {
    for (const char* field : measured_fields<Job>()) measured_.emplace_back(field);
  }

  std::string_view name() const override { return Job::name; }
  std::string_view summary() const override { return Job::summary; }
  bool indexed() const override { return IndexedJob<Job>; }
  bool repeatable() const override {
    if constexpr (requires { Job::repeatable; })
      return Job::repeatable;
    else
      return true;
  }
  bool isolated() const override {
    if constexpr (requires { Job::isolated; })
      return Job::isolated;
    else
      return false;
  }
  bool has_reduce() const override { return ReducingJob<Job>; }
  bool has_conclude() const override { return ConcludingJob<Job> || ConcludingInRunJob<Job>; }
  std::span<const std::string> measured() const override { return measured_; }
  std::vector<std::string> source_fields() const override {
    return {source_params<Job>().begin(), source_params<Job>().end()};
  }

  std::vector<describe::FlagInfo> flags() const override {
    std::vector<describe::FlagInfo> flags = describe::flags_of<Params>();
    for (describe::FlagInfo& flag : flags) {
      for (const auto& [param, text] : param_help<Job>())
        if (flag.field == param) flag.help = text;
      if constexpr (requires { Job::words; }) flag.is_words = flag.field == Job::words;
      if constexpr (requires { Job::list; }) flag.is_list = flag.field == Job::list;
    }
    return flags;
  }
  std::vector<std::string> task_columns() const override { return describe::columns<Task>(); }
  std::vector<describe::FieldInfo> task_fields() const override { return describe::fields_of<Task>(); }
  std::vector<std::string> result_columns() const override { return describe::columns<Result>(); }
  bool flat_result() const override { return describe::is_flat<Result>(); }

  Bytes params_from_flags(std::span<const describe::GivenFlag> flags) const override {
    Params params;
    describe::set_flags(params, flags);
    return pack(params);
  }
  Bytes params_from_value(const describe::Value& value) const override {
    Params params;
    describe::from_value(value, params, "params");
    return pack(params);
  }
  describe::Value params_to_value(BytesView params) const override {
    return describe::to_value(unpack<Params>(params));
  }

  std::unique_ptr<AnyJob> make(BytesView params, TaskOrigin origin) const override {
    const auto given = unpack<Params>(params);
    if (origin == TaskOrigin::list) refuse_source_params(given);
    try {
      return std::make_unique<JobInstance<Job>>(given, origin);
    } catch (const BadInput&) {
      throw;
    } catch (const MachineryFailure&) {
      throw;
    } catch (const std::exception& error) {
      refuse_params(error.what());
    } catch (...) {
      refuse_params("it threw something that is no std::exception");
    }
  }

  std::unique_ptr<TaskColumns> match_task_columns(BytesView,
                                                  std::span<const std::string> header) const override {
    return std::make_unique<TaskColumnsOf<Task>>(header);
  }
  void read_task(BytesView, std::string_view json, Bytes& descriptor) const override {
    const Task task = describe::from_json<Task>(json);
    descriptor.clear();
    Packer{descriptor} & task;
  }

  BytesView digest_view(BytesView result, Bytes& scratch) const override {
    if (measured_.empty()) return result;
    scratch.clear();
    Packer out{scratch};
    const auto whole = unpack_result<Result>(result);
    describe::for_each_field(whole, [&](std::string_view name, const auto& value) {
      if (std::ranges::find(measured_, name) == measured_.end()) out& value;
    });
    return scratch;
  }
  void append_result_csv(Bytes& out, BytesView result) const override {
    describe::append_csv_cells(out, unpack_result<Result>(result), false);
  }
  void append_result_json(Bytes& out, BytesView result) const override {
    describe::append_json(out, unpack_result<Result>(result));
  }
  void give_result_cells(describe::CellTaker& taker, BytesView result) const override {
    describe::give_cells(unpack_result<Result>(result), taker);
  }
  void append_task_json(Bytes& out, BytesView descriptor) const override {
    describe::append_json(out, unpack<Task>(descriptor));
  }

 private:
  [[noreturn]] static void refuse_params(const std::string& why) {
    throw BadInput{"the job does not take its params (" + why + "); see `describe " + Job::name + "`"};
  }

  static std::string list_flags() {
    if constexpr (requires { Job::list; })
      return "--tasks and " + describe::flag_name(Job::list);
    else
      return "--tasks";
  }
  static void refuse_source_params(const Params& given) {
    const Params defaults{};
    for (const std::string_view param : source_params<Job>()) {
      Bytes value, usual;
      const auto pack_param = [param](const Params& from, Bytes& to) {
        describe::for_each_field(from, [&](std::string_view field, const auto& member) {
          if (field == param) Packer{to} & member;
        });
      };
      pack_param(given, value);
      pack_param(defaults, usual);
      if (value != usual)
        throw BadInput{describe::flag_name(param) + " has no effect beside " + list_flags() +
                       " (the list says what there is to do); leave one of the two out"};
    }
  }

  std::vector<std::string> measured_;
};

// The one JobType of a job, checked against the rules.
template <class Job>
const JobType& job_type() {
  check_job<Job>();
  static const JobTypeOf<Job> type;
  return type;
}

}  // namespace mpifarm
