#include "compute/process_backend.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "base/amounts.hpp"
#include "base/error.hpp"
#include "base/pack.hpp"
#include "compute/family.hpp"

namespace mpifarm {
namespace {

constexpr Nanos longest_look = std::chrono::milliseconds{50}, shortest_look = std::chrono::milliseconds{1};
constexpr int looks_a_timeout = 20;
constexpr Nanos longest_wait = std::chrono::seconds{1};  // for nothing in particular
constexpr Nanos longest_without_child = std::chrono::seconds{10}, longest_farewell = std::chrono::seconds{10};
constexpr Nanos longest_turn = std::chrono::milliseconds{100};  // what is longer was a suspension

}  // namespace

ProcessBackend::ProcessBackend(Helper& helper, Waker& waker, ProcessBackendOptions options)
    : helper_{helper},
      waker_{waker},
      options_{std::move(options)},
      wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      slots_(options_.slots) {
  if (wake_.get() < 0)
    throw MachineryFailure{"no eventfd could be made (" + errno_text(errno) +
                           "); raise the limit on open files"};
  helper_.cells().draining = helper_.cells().stopping = false;
  if (options_.slots > most_slots)
    throw BadInput{"so many slots cannot be isolated (" + std::to_string(options_.slots) +
                   "); give at most " + std::to_string(most_slots)};
  courier_ = std::thread{[this] { carry(); }};
}

ProcessBackend::~ProcessBackend() {
  stop();
  {
    const std::scoped_lock lock{mutex_};
    closing_since_ = Clock::now();
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
  if (!failure_.empty() && machinery_failed_) throw MachineryFailure{failure_};
  if (!failure_.empty()) throw ProcessLost{failure_};
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
  helper_.cells().stopping = true;
  {
    const std::scoped_lock lock{mutex_};
    if (!stopping_since_) stopping_since_ = Clock::now();
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
  std::optional<TimePoint> closing_since;
  {
    const std::scoped_lock lock{mutex_};
    if (!failure_.empty()) return true;
    closing_since = closing_since_;
  }
  return closing_since && (let_go() || Clock::now() - *closing_since > longest_farewell);
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
  Nanos look = longest_wait;
  if (computing && options_.timeout > Nanos{0})
    look = std::clamp(options_.timeout / looks_a_timeout, shortest_look, longest_look);
  if (spawns_fail_since_ || (computing && stopping_now())) look = std::min(look, longest_look);
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(look).count();
  if (poll(events.data(), events.size(), static_cast<int>(milliseconds)) < 0 && errno != EINTR)
    return fail("children cannot be listened to (" + errno_text(errno) + "); raise the limit on open files");
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
  if (filled != Filled::closed) return;
  kill_descendants([](pid_t) { return false; });  // this rank is the next subreaper, and at its end
  fail("the helper process, which isolates tasks, has ended");
}

void ProcessBackend::on(helper::Spawned& spawned) {
  Slot& slot = slots_.at(spawned.slot);
  slot.child = FrameSocket{helper_.socket().next_passed()};
  if (!slot.child.is_open())
    return fail("a child's socket could not be taken over; raise the limit on open files");
  slot.state = Slot::State::idle;
  spawns_fail_since_.reset();
}

// Others may soon leave room: a task that starts very many processes, for instance. Without any child for
// long there is no hope.
void ProcessBackend::on_spawn_failure(int error) {
  const TimePoint now = Clock::now();
  next_spawn_ = now + longest_look;
  if (!spawns_fail_since_) spawns_fail_since_ = now;
  const bool any = std::ranges::any_of(slots_, [](const Slot& slot) { return slot.child.is_open(); });
  if (!any && now - *spawns_fail_since_ > longest_without_child)
    fail("no child process could be started (" + errno_text(error) +
         "); raise the limits on processes and memory, or give fewer slots with --threads");
}

// What the child said before has arrived: its end of the socket is closed, and so are those of its
// descendants.
void ProcessBackend::on(helper::Ended& ended) {
  Slot& slot = slots_.at(ended.slot);
  if (ended.wait_status < 0) {
    slot.state = Slot::State::empty;
    return on_spawn_failure(-ended.wait_status);
  }
  while (slot.child.is_open() && hear(slot)) continue;
  const std::uint64_t failures = cell_of(slot).failures.load();
  helper_.cells().gate.forget(failures - std::exchange(slot.failures, failures));
  // One that was killed for being late, and was not late any more, is computed anew.
  const bool is_late = slot.late && *slot.late == cell_of(slot).begun.load();
  if (slot.given && !stopping_now() && (is_late || !slot.kill_sent)) judge(slot, ended.wait_status, is_late);
  slot.child = FrameSocket{};
  slot.given = slot.kill_sent = slot.broken = false;
  slot.late.reset();
  slot.state = Slot::State::empty;
}

// Takes in some of what there is: a child that speaks without end must not keep the others waiting. False
// when there was nothing.
bool ProcessBackend::hear(Slot& slot) {
  const Filled filled = slot.broken ? Filled::closed : slot.child.fill(Wait::no);
  try {
    for (Bytes frame; !slot.broken && slot.child.next(frame);) {
      auto words = unpack<helper::FromChild>(frame);
      std::visit([&](auto& alternative) { on(slot, alternative); }, words);
    }
  } catch (const CorruptData&) {  // of a task that wrote where it should not
    slot.broken = true;
  }
  if (filled == Filled::closed || slot.broken || !slot.child.flush(Wait::no)) end_child(slot);
  return filled == Filled::some;
}

// It is to stop, it has died, or its task has closed or spoilt what connects it to this rank: then it is to
// die.
void ProcessBackend::end_child(Slot& slot) {
  if (std::exchange(slot.state, Slot::State::ending) != Slot::State::ending)
    helper_.send(helper::Kill{static_cast<std::uint32_t>(&slot - slots_.data())});
}

bool ProcessBackend::belongs(const Slot& slot, const helper::Part& part) const {
  const OutcomeBlock& block = part.completion.block;
  return slot.given && part.completion.lease == slot.work->assignment.lease &&
         block.first == slot.work->next() && block.count <= slot.work->assignment.count - slot.work->done;
}

void ProcessBackend::on(Slot& slot, helper::Part& part) {
  if (!belongs(slot, part)) throw CorruptData{"a child answers what it was not given"};
  slot.since = Clock::now();
  slot.work->done += part.completion.block.count;
  slot.failures += part.completion.block.count - part.completion.block.succeeded;
  if (part.completion.block.count > 0) deliver(std::move(part.completion));
  if (!part.last) return;
  slot.given = false;
  if (slot.state == Slot::State::computing) slot.state = Slot::State::idle;
  if (slot.work->finished()) finish(slot);
}

void ProcessBackend::on(Slot&, helper::CannotGoOn& failure) {
  {
    const std::scoped_lock lock{mutex_};
    machinery_failed_ = true;
  }
  fail(failure.why);
}

void ProcessBackend::on(Slot&, helper::LogText& line) {
  if (options_.log) options_.log(line.task, line.text, line.kind);
}

// Where nobody knows which of several tasks it was, they are given one by one.
void ProcessBackend::judge(Slot& slot, int wait_status, bool is_late) {
  const SlotCell& cell = cell_of(slot);
  Work& work = *slot.work;
  Verdict verdict{.position = work.next(),
                  .outcome = Outcome::crashed,
                  .message = describe_end(wait_status),
                  .busy = Clock::now() - slot.since};
  if (is_late) {
    verdict.outcome = Outcome::timed_out;
    verdict.message = "no end within " + duration_text(seconds(options_.timeout));
  }
  const std::uint64_t running = cell.running.load();
  const bool known =
      running > work.next().value && running <= work.assignment.first.value + work.assignment.count;
  if (!known && !std::exchange(work.one_by_one, true)) return;
  if (known) verdict.position = {running - 1};
  BytesView descriptor = known ? cell.described() : BytesView{};
  const std::uint64_t at = verdict.position.value - work.assignment.first.value;
  const Assignment one = part_of(work.assignment, at, at + 1);
  if (BytesView rest = one.descriptors; !rest.empty()) take_sized(rest, descriptor);
  const std::string task = options_.describe ? options_.describe(descriptor) : std::string{};
  verdict.message += task.empty() ? "; its task cannot be shown" : "; task " + task;
  work.verdict = std::move(verdict);
}

// The helper, which hears of it later, kills a child only if it is still at the same task.
void ProcessBackend::look_at_time() {
  if (options_.timeout == Nanos{0}) return;
  for (Slot& slot : slots_) {
    const SlotCell& cell = cell_of(slot);
    if (slot.state != Slot::State::computing) continue;
    const std::uint64_t begun = cell.begun.load();
    if (begun != slot.begun || cell.running.load() == 0) {
      slot.begun = begun;
      slot.seen_at = awake_;
    } else if (awake_ - slot.seen_at > options_.timeout && slot.late != begun) {
      slot.late = begun;
      slot.kill_sent = true;
      helper_.send(helper::Kill{static_cast<std::uint32_t>(&slot - slots_.data()), begun});
    }
  }
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
