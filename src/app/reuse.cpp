#include "app/reuse.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "app/merged_outcomes.hpp"
#include "app/run_files.hpp"
#include "base/amounts.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "journal/writer.hpp"
#include "node/replay.hpp"

namespace mpifarm::app {
namespace {

constexpr std::size_t keys_a_record = 4096;
constexpr std::size_t most_record_bytes = 256 << 10;
constexpr std::size_t flush_bytes = 4 << 20;

[[noreturn]] void refuse(const RunDirectory& old, const std::string& why, const std::string& what_to_do) {
  throw BadInput{"--reuse cannot take over from " + old.path.string() + " (" + why + "); " + what_to_do};
}

describe::Value without(const describe::Value& params, const std::vector<std::string>& fields) {
  describe::Value::Object kept;
  if (const auto* object = params.as<describe::Value::Object>())
    for (const auto& [field, value] : *object)
      if (std::ranges::find(fields, field) == fields.end()) kept.emplace_back(field, value);
  return kept;
}

// Descriptors on disk, in a file that has no name any more.
class DescriptorFile {
 public:
  explicit DescriptorFile(const std::filesystem::path& path)
      : path_{path}, file_{open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)} {
    if (file_.get() < 0 || unlink(path.c_str()) != 0) throw_errno(path, "made");
  }

  // Returns where it is.
  std::uint64_t add(BytesView descriptor) {
    const std::uint64_t at = written_ + buffer_.size();
    const std::uint64_t bytes = descriptor.size();
    buffer_.append(reinterpret_cast<const char*>(&bytes), sizeof bytes).append(descriptor);
    if (buffer_.size() >= flush_bytes) flush();
    return at;
  }
  void flush() {
    write_all(file_, buffer_, path_);
    written_ += buffer_.size();
    buffer_.clear();
  }
  Bytes read(std::uint64_t at) const {
    std::uint64_t bytes = 0;
    Bytes descriptor;
    if (!read_whole(&bytes, sizeof bytes, at)) throw_errno(path_, "read");
    descriptor.resize(bytes);
    if (!read_whole(descriptor.data(), bytes, at + sizeof bytes)) throw_errno(path_, "read");
    return descriptor;
  }

 private:
  bool read_whole(void* to, std::size_t bytes, std::uint64_t at) const {
    return pread(file_.get(), to, bytes, static_cast<off_t>(at)) == static_cast<ssize_t>(bytes);
  }

  std::filesystem::path path_;
  FileDescriptor file_;
  std::uint64_t written_ = 0;
  Bytes buffer_;
};

// The tasks of a new run by key: of equal ones, the first that was not asked for yet.
class NewTasks {
 public:
  struct Task {
    Hash128 key;
    std::uint64_t position = 0;
    std::uint64_t descriptor_at = 0;
    std::uint64_t taken = 0;  // of the first of equal ones: so many of them
  };

  explicit NewTasks(std::vector<Task> tasks) : tasks_{std::move(tasks)} {
    std::ranges::sort(tasks_, {}, [](const Task& task) { return std::pair{task.key, task.position}; });
  }

  // Null when there is none.
  const Task* next(const Hash128& key) {
    const auto first = std::ranges::lower_bound(tasks_, key, {}, &Task::key);
    if (first == tasks_.end() || first->key != key) return nullptr;
    const auto place = first + static_cast<std::ptrdiff_t>(first->taken);
    if (place >= tasks_.end() || place->key != key) return nullptr;
    ++first->taken;
    return &*place;
  }

 private:
  std::vector<Task> tasks_;
};

// Gathers outcomes of consecutive positions into records.
class OutcomeWriter {
 public:
  explicit OutcomeWriter(journal::Writer& journal) : journal_{journal} {}

  void add(Position position, BytesView result, BytesView descriptor) {
    OutcomeBlock& block = pending_.block;
    const bool follows = position.value == block.first.value + block.count;
    if (block.count > 0 && (!follows || block.entries.size() >= most_record_bytes)) write();
    if (block.count == 0) block.first = position;
    append_entry(block.entries, Outcome::succeeded, result);
    if (!descriptor.empty()) append_sized(pending_.descriptors, descriptor);
    ++block.count;
    ++block.succeeded;
  }
  void write() {
    if (pending_.block.count > 0) journal_.append_outcomes(pending_);
    pending_ = {};
    if (journal_.buffered() >= flush_bytes) journal_.flush();
  }

 private:
  journal::Writer& journal_;
  journal::Outcomes pending_;
};

void sync_file_system(const std::filesystem::path& path) {
  const FileDescriptor directory{open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() < 0 || syncfs(directory.get()) != 0) throw_errno(path, "synced");
}

RunFacts facts_of(const RunPlan& plan) {
  return {plan.directory.path, plan.params, plan.manifest.working_directory};
}

// The new run's source: what it is goes into the journal, so that later starts compare it.
class SourceReader {
 public:
  SourceReader(const RunPlan& plan, journal::Writer& journal, DescriptorFile& descriptors)
      : plan_{plan},
        journal_{journal},
        descriptors_{descriptors},
        keys_{plan.type->task_keys(facts_of(plan))} {}

  std::vector<NewTasks::Task> read() {
    plan_.sequential() ? read_stream() : read_indexed();
    descriptors_.flush();
    return std::move(tasks_);
  }

 private:
  void read_stream() {
    const std::unique_ptr<TaskSource> source = plan_.reopened_source();
    journal::SourceItems record{};
    const auto write_record = [&] {
      const std::uint64_t next = record.first.value + record.keys.size();
      journal_.append(record);
      record = {{next}, {}, false};
    };
    for (Bytes descriptor; pull_item(*source, descriptor);) {
      if (record.keys.size() == keys_a_record) write_record();
      record.keys.push_back(hash64(descriptor));
      add(descriptor);
    }
    record.end = true;
    write_record();
  }
  void read_indexed() {
    Bytes descriptor;
    for (std::uint64_t left = *plan_.manifest.tasks; left > 0; --left) {
      plan_.job->make_task(next_id(), descriptor);
      add(descriptor);
    }
  }
  void add(BytesView descriptor) {
    const Hash128 key = hash128(keys_->key(descriptor, next_id()));
    tasks_.push_back({key, 0, plan_.sequential() ? descriptors_.add(descriptor) : 0, 0});
  }
  TaskId next_id() const { return Order::in_task_order(shard_of(plan_.manifest)).id_of_index(tasks_.size()); }

  const RunPlan& plan_;
  journal::Writer& journal_;
  DescriptorFile& descriptors_;
  std::unique_ptr<TaskKeys> keys_;
  std::vector<NewTasks::Task> tasks_;  // by index
};

// From the order of the source to that of positions.
std::vector<NewTasks::Task> by_position(const std::vector<NewTasks::Task>& tasks, const Order& order) {
  std::vector<NewTasks::Task> placed;
  placed.reserve(tasks.size());
  for (std::uint64_t position = 0; position < tasks.size(); ++position) {
    placed.push_back(tasks[order.index({position})]);
    placed.back().position = position;
  }
  return placed;
}

// What succeeded in an old run, with its key.
class OldSuccesses {
 public:
  OldSuccesses(const RunFacts& facts, const Manifest& manifest, const JobType& type)
      : keys_{type.task_keys(facts)} {
    if (type.indexed() && manifest.tasks_from.empty()) job_ = type.make(facts.params);
    outcomes_.add({facts.run}, manifest);
  }

  // Views are valid until the next call.
  bool next(TaskId& id, Hash128& key, BytesView& result) {
    journal::TaskOutcome outcome;
    do
      if (!outcomes_.next(outcome)) return false;
    while (outcome.outcome != Outcome::succeeded);
    if (job_) job_->make_task(outcome.id, made_);
    id = outcome.id;
    key = hash128(keys_->key(job_ ? BytesView{made_} : outcome.descriptor, outcome.id));
    result = outcome.payload;
    return true;
  }

 private:
  std::unique_ptr<TaskKeys> keys_;
  std::unique_ptr<AnyJob> job_;  // of an indexed source
  MergedOutcomes outcomes_;
  Bytes made_;
};

}  // namespace

void check_reuse(const RunPlan& plan, const RunDirectory& old) {
  const Manifest manifest = read_manifest(old);
  if (manifest.job != plan.manifest.job)
    refuse(old, "it is of the job " + manifest.job, "name a run of " + plan.manifest.job);
  if (manifest.durability == "none")
    refuse(old, "it kept no journal, or was merged", "name a run that has one");
  if (!plan.journaled()) refuse(old, "--durability none keeps no journal", "leave one of the two out");
  if (const auto holder = lock_holder(old)) refuse(old, "it is held by " + *holder, "wait until it ends");
  if (plan.origin() == TaskOrigin::list && !plan.manifest.tasks)
    refuse(old, "the tasks come from a pipe, which cannot be read twice", "give a file");
  if (plan.type->keys_have_params()) return;
  const std::vector<std::string> fields = plan.type->source_fields();
  const std::string changes =
      changed_params(without(manifest.params, fields), without(plan.manifest.params, fields));
  if (!changes.empty())
    refuse(old, "the params differ: " + changes, "give the same ones, or leave --reuse out");
}

bool is_taken_over(const journal::Survey& survey) {
  return survey.segments.size() > 1 || (survey.segments.size() == 1 && survey.sealed);
}

void take_over(RunPlan& plan) {
  const RunDirectory old{plan.manifest.reuse};
  const Manifest manifest = read_manifest(old);
  const RunFacts from{old.path, plan.type->params_from_value(manifest.params), manifest.working_directory};
  OldSuccesses successes{from, manifest, *plan.type};
  journal::Writer journal = journal::create_segment(plan.directory.path, std::nullopt, plan.manifest.run_id);
  journal.append(journal::Started{0, 0, utc_timestamp()});
  DescriptorFile descriptors{plan.directory.path / "reuse.tmp"};
  std::vector<NewTasks::Task> unplaced = SourceReader{plan, journal, descriptors}.read();
  const Order order = plan.manifest.hand_out_order(unplaced.size());
  NewTasks tasks{by_position(std::exchange(unplaced, {}), order)};

  const auto taker = plan.type->result_taker(from, facts_of(plan));
  OutcomeWriter writer{journal};
  std::uint64_t taken = 0, left = 0;
  TaskId before;
  Hash128 key;
  for (BytesView result; successes.next(before, key, result);) {
    const NewTasks::Task* task = tasks.next(key);
    if (task == nullptr) continue;
    const TaskId now = order.id({task->position});
    const Bytes descriptor = plan.sequential() ? descriptors.read(task->descriptor_at) : Bytes{};
    if (const auto result_here = taker->take(result, before, now, descriptor)) {
      writer.add({task->position}, *result_here, descriptor);
      ++taken;
    } else {
      ++left;
    }
  }
  writer.write();
  sync_file_system(plan.directory.path);  // what belongs to the results, too
  journal.append(journal::Sealed{false, utc_timestamp()});
  journal.sync();
  log::info("taken over from " + old.path.string() + ": what " + counted(taken, "task") + " did");
  if (left > 0)
    log::warning("not taken over from " + old.path.string() + ", as it is damaged or no success here: what " +
                 counted(left, "task") + " did");
  plan.survey = inspect_journal(plan.directory);
  if (plan.sequential())
    plan.source = std::make_unique<CheckedSource>(*plan.survey, std::move(plan.source), *plan.type);
}

}  // namespace mpifarm::app
