#include "compute/process_backend.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/amounts.hpp"
#include "base/error.hpp"
#include "base/pack.hpp"

namespace mpifarm {
namespace {

constexpr Nanos longest_look = std::chrono::milliseconds{50}, shortest_look = std::chrono::milliseconds{1};
constexpr int looks_a_timeout = 20;
constexpr Nanos longest_turn = std::chrono::milliseconds{100};  // what is longer was a suspension

// Its tasks from `begin` to `end`, counted from its first.
Assignment part_of(const Assignment& whole, std::uint64_t begin, std::uint64_t end) {
  Assignment part = whole;
  part.first = {whole.first.value + begin};
  part.count = end - begin;
  if (whole.descriptors.empty()) return part;
  BytesView rest = whole.descriptors, descriptor;
  for (std::uint64_t i = 0; i < begin; ++i) take_sized(rest, descriptor);
  const BytesView from = rest;
  for (std::uint64_t i = begin; i < end; ++i) take_sized(rest, descriptor);
  part.descriptors = from.substr(0, from.size() - rest.size());
  return part;
}

}  // namespace

ProcessBackend::ProcessBackend(Helper& helper, Waker& waker, ProcessBackendOptions options)
    : helper_{helper},
      waker_{waker},
      options_{std::move(options)},
      wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      slots_(options_.slots) {
  helper_.cells().draining = false;
  if (options_.slots > most_slots)
    throw BadInput{"so many slots cannot be isolated (" + std::to_string(options_.slots) +
                   "); give at most " + std::to_string(most_slots)};
  courier_ = std::thread{[this] { carry(); }};
}

ProcessBackend::~ProcessBackend() {
  stop();
  {
    const std::scoped_lock lock{mutex_};
    closing_ = true;
  }
  wake_courier();
  courier_.join();
}

void ProcessBackend::start(std::vector<Assignment> assignments) {
  {
    const std::scoped_lock lock{mutex_};
    for (Assignment& assignment : assignments) {
      queued_tasks_ += assignment.count;
      queue_.push_back({std::move(assignment), 0, std::nullopt});
    }
  }
  wake_courier();
}

void ProcessBackend::collect(std::vector<Completion>& completions) {
  const std::scoped_lock lock{mutex_};
  if (!failure_.empty()) throw MachineryFailure{failure_};
  std::ranges::move(completed_, std::back_inserter(completions));
  completed_.clear();
}

void ProcessBackend::drain() {
  const std::scoped_lock lock{mutex_};
  queue_.clear();
  queued_tasks_ = 0;
  helper_.cells().draining = true;
}

void ProcessBackend::stop() {
  drain();
  {
    const std::scoped_lock lock{mutex_};
    stopping_ = true;
  }
  wake_courier();
}

bool ProcessBackend::busy() const {
  const std::scoped_lock lock{mutex_};
  return working_ > 0 || !queue_.empty() || !completed_.empty();
}

Nanos ProcessBackend::queue_lasts() const {
  const std::scoped_lock lock{mutex_};
  return task_time_.lasts(queued_tasks_, options_.slots);
}

void ProcessBackend::wake_courier() const { eventfd_write(wake_.get(), 1); }

const SlotCell& ProcessBackend::cell_of(const Slot& slot) const {
  return helper_.cells().children.at(static_cast<std::size_t>(&slot - slots_.data()));
}

// The body of the courier, the thread that speaks with helper and children.
void ProcessBackend::carry() {
  try {
    if (options_.prepare) options_.prepare();
  } catch (const std::exception& error) {
    return fail(error.what());
  }
  last_turn_ = Clock::now();
  while (true) {
    feed();
    if (is_over()) return;
    wait();
    for (Slot& slot : slots_)
      if (slot.child.is_open() && slot.state != Slot::State::ending) hear(slot);
    hear_helper();
    look_at_time();
  }
}

bool ProcessBackend::is_over() {
  bool closing = false;
  {
    const std::scoped_lock lock{mutex_};
    if (!failure_.empty()) return true;
    closing = closing_;
  }
  return closing && let_go();
}

void ProcessBackend::wait() {
  std::vector<pollfd> events{{wake_.get(), POLLIN, 0}, {helper_.socket().descriptor(), POLLIN, 0}};
  bool computing = false;
  for (const Slot& slot : slots_) {
    computing = computing || slot.state == Slot::State::computing;
    const short unsent = slot.child.unsent() ? POLLOUT : 0;
    // One that is ending is heard when its end is known: its closed socket would wake us all the time.
    if (slot.child.is_open() && slot.state != Slot::State::ending)
      events.push_back({slot.child.descriptor(), static_cast<short>(POLLIN | unsent), 0});
  }
  const Nanos look = std::clamp(options_.timeout / looks_a_timeout, shortest_look, longest_look);
  const bool timed = computing && options_.timeout > Nanos{0};
  poll(events.data(), events.size(),
       timed ? static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(look).count()) : -1);
  eventfd_t woken = 0;
  eventfd_read(wake_.get(), &woken);
  const TimePoint now = Clock::now();
  awake_ += std::min<Nanos>(now - std::exchange(last_turn_, now), longest_turn);
}

void ProcessBackend::hear_helper() {
  FrameSocket& socket = helper_.socket();
  const Filled filled = socket.fill(Wait::no);
  for (Bytes frame; socket.next(frame);) {
    auto words = unpack<helper::FromHelper>(frame);
    std::visit([this](auto& alternative) { on(alternative); }, words);
  }
  if (filled == Filled::closed) fail("the helper process, which isolates tasks, has ended");
}

void ProcessBackend::on(helper::Spawned& spawned) {
  Slot& slot = slots_.at(spawned.slot);
  slot.child = FrameSocket{helper_.socket().next_passed()};
  slot.state = Slot::State::idle;
}

// What the child said before has arrived: its end of the socket is closed, and so are those of its
// descendants.
void ProcessBackend::on(helper::Ended& ended) {
  if (ended.wait_status < 0)
    return fail("a child process could not be started (" + errno_text(-ended.wait_status) +
                "); raise the limit on processes, or give fewer slots with --threads");
  Slot& slot = slots_.at(ended.slot);
  if (slot.child.is_open()) hear(slot);
  if (slot.given && !stopping_now()) slot.work->verdict = verdict_on(slot, ended.wait_status);
  slot.child = FrameSocket{};
  slot.given = false;
  slot.state = Slot::State::empty;
  slot.timed_out = false;
}

// Takes in all that there is.
void ProcessBackend::hear(Slot& slot) {
  Filled filled = Filled::some;
  while (filled == Filled::some) {
    filled = slot.child.fill(Wait::no);
    for (Bytes frame; slot.child.next(frame);) {
      auto words = unpack<helper::FromChild>(frame);
      std::visit([&](auto& alternative) { on(slot, alternative); }, words);
    }
  }
  if (filled == Filled::closed || !slot.child.flush(Wait::no)) slot.state = Slot::State::ending;
}

void ProcessBackend::on(Slot& slot, helper::Part& part) {
  slot.work->done += part.completion.block.count;
  if (part.completion.block.count > 0) deliver(std::move(part.completion));
  if (!part.last) return;
  slot.given = false;
  if (slot.state == Slot::State::computing) slot.state = Slot::State::idle;
  if (slot.work->finished()) finish(slot);
}

void ProcessBackend::on(Slot&, helper::LogText& line) {
  if (options_.log) options_.log(line.task, line.text);
}

ProcessBackend::Verdict ProcessBackend::verdict_on(const Slot& slot, int wait_status) const {
  const SlotCell& cell = cell_of(slot);
  const Work& work = *slot.work;
  Verdict verdict{.position = work.next(), .outcome = Outcome::crashed, .message = describe_end(wait_status)};
  const std::uint64_t running = cell.running.load();
  std::string task;
  if (running > work.next().value && running <= work.assignment.first.value + work.assignment.count) {
    verdict.position = {running - 1};
    if (options_.describe) task = options_.describe(cell.described());
  }
  if (slot.timed_out) {
    verdict.outcome = Outcome::timed_out;
    verdict.message = "no end within " + duration_text(seconds(options_.timeout));
  }
  if (!task.empty()) verdict.message += "; task " + task;
  return verdict;
}

void ProcessBackend::look_at_time() {
  if (options_.timeout == Nanos{0}) return;
  for (Slot& slot : slots_) {
    const SlotCell& cell = cell_of(slot);
    if (slot.state != Slot::State::computing) continue;
    const std::uint64_t begun = cell.begun.load();
    if (begun != slot.begun || cell.running.load() == 0) {
      slot.begun = begun;
      slot.seen_at = awake_;
    } else if (awake_ - slot.seen_at > options_.timeout) {
      slot.timed_out = true;
      kill(slot);
    }
  }
}

void ProcessBackend::kill(Slot& slot) {
  helper_.send(helper::Kill{static_cast<std::uint32_t>(&slot - slots_.data())});
  slot.state = Slot::State::ending;
}

// Gives every slot that can compute something to do, and takes from those whose work is not to go on.
void ProcessBackend::feed() {
  const bool stopping = stopping_now(), draining = helper_.cells().draining;
  for (Slot& slot : slots_) {
    if (stopping && slot.state == Slot::State::computing) kill(slot);
    if (slot.state != Slot::State::empty && slot.state != Slot::State::idle) continue;
    if (slot.work) apply_verdict(slot);
    if (slot.work && draining) finish(slot);
    if (!slot.work) take_work(slot);
    if (!slot.work) continue;
    if (slot.state == Slot::State::idle) {
      give(slot);
    } else {
      helper_.send(helper::Spawn{static_cast<std::uint32_t>(&slot - slots_.data())});
      slot.state = Slot::State::starting;
    }
  }
}

bool ProcessBackend::stopping_now() const {
  const std::scoped_lock lock{mutex_};
  return stopping_;
}

void ProcessBackend::take_work(Slot& slot) {
  const std::scoped_lock lock{mutex_};
  if (queue_.empty()) return;
  slot.work = std::move(queue_.front());
  queue_.pop_front();
  queued_tasks_ -= slot.work->assignment.count;
  ++working_;
}

// Once it is the judged task's turn.
void ProcessBackend::apply_verdict(Slot& slot) {
  Work& work = *slot.work;
  if (!work.verdict || work.verdict->position != work.next()) return;
  Completion completion{work.assignment.lease,
                        {.first = work.next(), .count = 1, .succeeded = 0, .entries = {}},
                        awake_ - slot.seen_at,
                        {}};
  append_entry(completion.block.entries, work.verdict->outcome, work.verdict->message);
  work.verdict.reset();
  ++work.done;
  deliver(std::move(completion));
  if (work.finished()) finish(slot);
}

void ProcessBackend::give(Slot& slot) {
  const Work& work = *slot.work;
  const std::uint64_t end =
      work.verdict ? work.verdict->position.value - work.assignment.first.value : work.assignment.count;
  slot.child.put(pack(part_of(work.assignment, work.done, end)));
  slot.state = slot.child.flush(Wait::no) ? Slot::State::computing : Slot::State::ending;
  slot.given = true;
  slot.begun = cell_of(slot).begun.load();
  slot.seen_at = awake_;
}

void ProcessBackend::finish(Slot& slot) {
  slot.work.reset();
  bool few_wait = false;
  {
    const std::scoped_lock lock{mutex_};
    --working_;
    few_wait = queue_.size() <= options_.slots / 2 + 1;
  }
  if (few_wait) waker_.wake();
}

void ProcessBackend::deliver(Completion&& completion) {
  const std::scoped_lock lock{mutex_};
  task_time_.observe(completion.block.count, completion.busy);
  completed_.push_back(std::move(completion));
}

void ProcessBackend::fail(const std::string& why) {
  {
    const std::scoped_lock lock{mutex_};
    if (failure_.empty()) failure_ = why;
  }
  waker_.wake();
}

// At the end: children without work leave when their socket is closed. True when none is left.
bool ProcessBackend::let_go() {
  bool all_gone = true;
  for (Slot& slot : slots_) {
    if (slot.state == Slot::State::empty) continue;
    all_gone = false;
    if (slot.state != Slot::State::idle) continue;
    slot.child = FrameSocket{};
    slot.state = Slot::State::ending;
  }
  return all_gone;
}

}  // namespace mpifarm
