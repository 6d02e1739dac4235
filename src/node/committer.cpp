#include "node/committer.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"

namespace mpifarm {
namespace {

constexpr auto group_window = std::chrono::milliseconds{2};  // outcomes gathered into one write
constexpr std::size_t group_bytes = 1 << 20;                 // or this many
constexpr auto sync_interval = std::chrono::seconds{1};      // Durability::batch

std::size_t bytes_of(const journal::Record& record) {
  const auto* outcomes = std::get_if<journal::Outcomes>(&record);
  return sizeof record +
         (outcomes == nullptr ? 0 : outcomes->block.entries.size() + outcomes->descriptors.size());
}

}  // namespace

Durability parse_durability(std::string_view text) {
  if (text == "sync") return Durability::sync;
  if (text == "batch") return Durability::batch;
  if (text == "none") return Durability::none;
  throw BadInput{"--durability is not known (\"" + std::string{text} + "\"); use sync, batch or none"};
}

std::string_view to_string(Durability durability) {
  switch (durability) {
    case Durability::sync:
      return "sync";
    case Durability::none:
      return "none";
    default:
      return "batch";
  }
}

void OutcomeTotals::add(const journal::Outcomes& outcomes, const Order& order, const JobType& type) {
  Bytes scratch;
  const bool has_notes = type.has_notes();
  BytesView entries = outcomes.block.entries;
  for (std::uint64_t i = 0; i < outcomes.block.count; ++i) {
    const OutcomeEntry entry = take_entry(entries);
    const std::uint64_t id = order.id({outcomes.block.first.value + i}).value;
    if (entry.outcome == Outcome::succeeded) {
      digest.add_success(id, type.digest_view(entry.payload, scratch));
    } else {
      digest.add_failure(id);
      failures.add({id}, entry.outcome, failure_message(entry.payload),
                   type.failure_facts(kept_result(entry.payload)));
    }
    if (has_notes) [[unlikely]] {
      const bool succeeded = entry.outcome == Outcome::succeeded;
      left_running += type.notes(succeeded ? entry.payload : kept_result(entry.payload)).left_running ? 1 : 0;
    }
  }
}

void OutcomeTotals::add(const OutcomeTotals& other) {
  digest.add(other.digest);
  failures.add(other.failures);
  left_running += other.left_running;
}

Committer::Committer(CommitterOptions options) : options_{std::move(options)}, thread_{[this] { serve(); }} {}

Committer::~Committer() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock{mutex_};
    closing_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

void Committer::submit(std::vector<journal::Record> records, const Order& order) {
  if (records.empty()) return;
  {
    const std::scoped_lock lock{mutex_};
    for (journal::Record& record : records) {
      const std::size_t bytes = bytes_of(record);
      waiting_.bytes += bytes;
      backlog_ += bytes;
      waiting_.records.push_back(std::move(record));
    }
    waiting_.order = order;
  }
  arrived_.notify_one();
}

Committer::Counts Committer::take_committed() {
  const std::scoped_lock lock{mutex_};
  if (failure_) std::rethrow_exception(failure_);
  return std::exchange(committed_, {});
}

Failures Committer::failures() const {
  const std::scoped_lock lock{mutex_};
  return failures_;
}

std::size_t Committer::backlog_bytes() const {
  const std::size_t folding = options_.folder == nullptr ? 0 : options_.folder->backlog_bytes();
  const std::scoped_lock lock{mutex_};
  return backlog_ + folding;
}

void Committer::post_status(std::filesystem::path file, std::string text) {
  {
    const std::scoped_lock lock{mutex_};
    status_.emplace(std::move(file), std::move(text));
  }
  arrived_.notify_one();
}

void Committer::seal(bool complete) {
  {
    const std::scoped_lock lock{mutex_};
    closing_ = true;
    complete_ = complete;
  }
  arrived_.notify_one();
  thread_.join();
  if (failure_) std::rethrow_exception(failure_);
}

void Committer::serve() {
  try {
    Group group;
    std::optional<std::pair<std::filesystem::path, std::string>> status;
    while (wait_for_group(group, status)) {
      if (!group.records.empty()) commit(std::exchange(group, {}));
      if (sync_due_ && Clock::now() >= *sync_due_) sync();
      if (status) replace_file(status->first, status->second);
      status.reset();
    }
    if (options_.journal) {
      if (options_.before_sync) options_.before_sync();
      options_.journal->append(journal::Sealed{complete_, utc_timestamp()});
      options_.journal->sync();
    }
  } catch (...) {
    const std::scoped_lock lock{mutex_};
    failure_ = std::current_exception();
  }
  options_.waker->wake();
}

// False when everything is committed and no more will come.
bool Committer::wait_for_group(Group& group,
                               std::optional<std::pair<std::filesystem::path, std::string>>& status) {
  std::unique_lock lock{mutex_};
  const auto something = [this] { return closing_ || !waiting_.records.empty() || status_; };
  if (sync_due_)
    arrived_.wait_until(lock, *sync_due_, something);
  else
    arrived_.wait(lock, something);
  if (!waiting_.records.empty() && options_.journal)
    arrived_.wait_for(lock, group_window, [this] { return closing_ || waiting_.bytes >= group_bytes; });
  group = std::exchange(waiting_, {});
  status = std::exchange(status_, std::nullopt);
  return !group.records.empty() || status || !closing_;
}

void Committer::sync() {
  if (options_.before_sync) options_.before_sync();
  options_.journal->sync();
  sync_due_.reset();
}

void Committer::commit(Group group) {
  if (options_.journal) {
    for (const journal::Record& record : group.records) options_.journal->append(record);
    options_.journal->flush();
    if (!sync_due_) sync_due_ = Clock::now() + sync_interval;
    if (options_.durability == Durability::sync) sync();
  }
  Counts counts;
  for (journal::Record& record : group.records) {
    auto* outcomes = std::get_if<journal::Outcomes>(&record);
    if (outcomes == nullptr) continue;
    totals_.add(*outcomes, group.order, *options_.type);
    counts.succeeded += outcomes->block.succeeded;
    counts.failed += outcomes->block.count - outcomes->block.succeeded;
    if (options_.folder != nullptr) options_.folder->submit(std::move(*outcomes));
  }
  {
    const std::scoped_lock lock{mutex_};
    if (counts.failed > 0) failures_ = totals_.failures;
    committed_.succeeded += counts.succeeded;
    committed_.failed += counts.failed;
    backlog_ -= group.bytes;
  }
  options_.waker->wake();
}

}  // namespace mpifarm
