// Whole farms in threads of one process: the outcome is that of one thread, whatever the number of ranks.

#include "support/farm.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/error.hpp"
#include "journal/writer.hpp"
#include "node/identity.hpp"
#include "node/replay.hpp"
#include "node/worker.hpp"
#include "support/expect.hpp"
#include "support/sample_jobs.hpp"
#include "support/temporary_directory.hpp"
#include "transport/loopback.hpp"
#include "wire/codec.hpp"

namespace mpifarm {
namespace {

using support::FarmOptions;
using support::FarmResult;
using support::message_of;

const Jobs jobs{&job_type<support::Numbers>(), &job_type<support::Words>()};

template <class Job>
FarmOptions farm_of(const std::vector<describe::GivenFlag>& flags) {
  FarmOptions options;
  options.type = &job_type<Job>();
  options.params = support::params_of(*options.type, flags);
  options.scheduler.seed = 3;
  return options;
}

void expect_serial_outcome(const FarmOptions& options) {
  const FarmResult serial = support::run_serially(options);
  for (const int ranks : {1, 2, 5}) {
    const FarmResult result = support::run_in_threads(ranks, jobs, options);
    EXPECT_TRUE(result.finished) << ranks;
    EXPECT_EQ(result.known, serial.known) << ranks;
    EXPECT_EQ(result.succeeded, serial.succeeded) << ranks;
    EXPECT_EQ(result.failed, serial.failed) << ranks;
    EXPECT_EQ(result.digest, serial.digest) << ranks;
    const bool folded = options.scheduler.order == OrderKind::fifo;
    EXPECT_EQ(result.conclusion, folded ? serial.conclusion : "") << ranks;
    std::uint64_t tasks = 0;
    for (const auto& [rank, tally] : result.tallies) tasks += tally.tasks;
    EXPECT_EQ(tasks, serial.known) << ranks;
  }
}

// A worker that takes its first leases, and is never heard of again.
void fall_silent(Transport& below) {
  WatchedTransport transport{below};
  Waker waker;
  Worker worker{transport, waker, jobs};
  for (bool leased = false; !leased;) {
    while (const auto envelope = transport.receive()) {
      worker.on_message(envelope->bytes);
      leased = std::holds_alternative<wire::Assign>(wire::decode_to_worker(envelope->bytes));
    }
    if (!leased) worker.step(Clock::now());
    waker.sleep(std::chrono::microseconds{100});
  }
}

TEST(Farm, GoesOnWithoutAWorkerThatFallsSilent) {
  for (const bool indexed : {true, false}) {
    FarmOptions options = indexed ? farm_of<support::Numbers>({{"--count", "5000"}})
                                  : farm_of<support::Words>({{"--count", "5000"}});
    options.heartbeat = {.beat = std::chrono::milliseconds{20}, .patience = std::chrono::milliseconds{300}};
    LoopbackWorld world{3};
    const auto master = world.endpoint(0);
    const std::jthread first{[end = world.endpoint(1)] { support::be_worker(*end, jobs); }};
    const std::jthread second{[end = world.endpoint(2)] { fall_silent(*end); }};
    const FarmResult result = support::be_master(*master, jobs, options);
    const FarmResult serial = support::run_serially(options);
    EXPECT_TRUE(result.finished);
    EXPECT_EQ(result.digest, serial.digest);
    EXPECT_EQ(result.conclusion, serial.conclusion);
    EXPECT_TRUE(result.tallies.at(2).lost);
    EXPECT_FALSE(result.tallies.at(1).lost);
  }
}

TEST(Farm, OfAnIndexedSourceEndsAsASerialOne) {
  expect_serial_outcome(farm_of<support::Numbers>({{"--count", "20000"}, {"--fail-every", "101"}}));
}

TEST(Farm, OfASequentialSourceEndsAsASerialOne) {
  expect_serial_outcome(farm_of<support::Words>({{"--count", "10000"}}));
}

TEST(Farm, EndsAsASerialOneInEveryOrder) {
  for (const OrderKind order : {OrderKind::lifo, OrderKind::shuffle}) {
    FarmOptions numbers = farm_of<support::Numbers>({{"--count", "3000"}});
    numbers.scheduler.order = order;
    expect_serial_outcome(numbers);
    FarmOptions words = farm_of<support::Words>({{"--count", "3000"}});
    words.scheduler.order = order;
    words.scheduler.window = 128;
    expect_serial_outcome(words);
  }
}

TEST(Farm, RetriesAndFailsForGood) {
  FarmOptions options = farm_of<support::Numbers>({{"--count", "500"}, {"--fail-every", "5"}});
  options.scheduler.retries = 2;
  options.scheduler.retry_delay = std::chrono::milliseconds{1};
  expect_serial_outcome(options);
}

TEST(Farm, OfFewTasksOrNoneEnds) {
  for (const char* count : {"0", "1", "3"}) {
    expect_serial_outcome(farm_of<support::Numbers>({{"--count", count}}));
    expect_serial_outcome(farm_of<support::Words>({{"--count", count}}));
  }
}

TEST(Farm, OfAMasterThatDoesNotComputeLeavesItToOthers) {
  FarmOptions options = farm_of<support::Numbers>({{"--count", "1000"}});
  options.allotment.master_slots = 0;
  const FarmResult result = support::run_in_threads(3, jobs, options);
  EXPECT_EQ(result.succeeded, 1000U);
  EXPECT_EQ(result.tallies.at(0).tasks, 0U);
  EXPECT_NE(message_of<BadInput>([&] { support::run_in_threads(1, jobs, options); }).find("no rank computes"),
            std::string::npos);
}

TEST(Farm, KeepsAJournalOfWhatItCounts) {
  const support::TemporaryDirectory directory;
  FarmOptions options = farm_of<support::Words>({{"--count", "2000"}});
  options.storage = [&] {
    return std::make_unique<journal::PosixStorage>(journal::segment_path(directory.path(), 1));
  };
  const FarmResult result = support::run_in_threads(2, jobs, options);
  const journal::Survey survey = journal::inspect(directory.path());
  EXPECT_TRUE(survey.complete);
  sched::Options scheduler;
  scheduler.sequential = true;
  sched::Scheduler replayed{scheduler};
  EXPECT_EQ(replay(survey, *options.type, scheduler, replayed).totals.digest.hex(), result.digest);
  EXPECT_EQ(replayed.resumed(), 2000U);
  const auto check = [&](const AnyJob& job) {
    CheckedSource{survey, job.open_source(), *options.type}.check_all();
  };
  EXPECT_NO_THROW(check(*options.type->make(options.params)));
  const auto longer = options.type->make(support::params_of(*options.type, {{"--count", "2001"}}));
  EXPECT_NE(message_of<BadInput>([&] { check(*longer); }).find("task 2000 is new: {\"word\":\"word 2000\"}"),
            std::string::npos);
  const auto shorter = options.type->make(support::params_of(*options.type, {{"--count", "1999"}}));
  EXPECT_NE(message_of<BadInput>([&] { check(*shorter); }).find("task 1999 is no longer there"),
            std::string::npos);
}

TEST(Farm, DrainedKeepsWhatItCounted) {
  FarmOptions options = farm_of<support::Numbers>({{"--count", "100000000"}});
  options.drain_after = 1000;
  const FarmResult result = support::run_in_threads(3, jobs, options);
  EXPECT_FALSE(result.finished);
  EXPECT_GE(result.committed, 1000U);
  EXPECT_LT(result.committed, 100'000'000U);
  std::uint64_t tasks = 0;
  for (const auto& [rank, tally] : result.tallies) tasks += tally.tasks;
  EXPECT_EQ(result.committed, tasks) << "what was accepted is committed and counted before the end";
}

TEST(Farm, OfABrokenSourceEndsWithItsReasonAndWhatCameBefore) {
  const FarmOptions options = farm_of<support::Words>({{"--count", "5000"}, {"--broken-at", "3000"}});
  const FarmResult result = support::run_in_threads(2, jobs, options);
  EXPECT_EQ(result.source_failure, "line 3000 is broken");
  EXPECT_FALSE(result.finished);
  EXPECT_EQ(result.committed, 3000U);
}

TEST(Farm, OfAFullDiskEndsWithItsReason) {
  struct FullStorage final : journal::Storage {
    void append(BytesView bytes) override {
      if ((written += bytes.size()) > 2000) throw MachineryFailure{"the disk is full"};
    }
    void sync() override {}
    std::size_t written = 0;
  };
  FarmOptions options = farm_of<support::Numbers>({{"--count", "100000"}});
  options.storage = [] { return std::make_unique<FullStorage>(); };
  EXPECT_EQ(message_of<MachineryFailure>([&] { support::run_in_threads(3, jobs, options); }),
            "the disk is full");
}

// Results of 1 kB that say how many were computed.
struct Heavy : support::Numbers {
  static constexpr auto name = "heavy";
  static inline std::atomic<std::uint64_t> computed = 0;
  using Numbers::Numbers;
  Result compute(const Task& task, Context& context) const {
    ++computed;
    return Numbers::compute(task, context);
  }
};

TEST(Farm, NothingMoreIsHandedOutWhileTheJournalIsBehind) {
  struct StuckStorage final : journal::Storage {
    void append(BytesView) override {
      if (Heavy::computed == 0) return;  // the header
      std::uint64_t before = 0;
      do {
        before = Heavy::computed;
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
      } while (before != Heavy::computed);
      throw MachineryFailure{"stuck"};
    }
    void sync() override {}
  };
  const Jobs heavy{&job_type<Heavy>()};
  FarmOptions options = farm_of<Heavy>({{"--count", "400000"}, {"--filler-bytes", "1000"}});
  options.storage = [] { return std::make_unique<StuckStorage>(); };
  EXPECT_EQ(message_of<MachineryFailure>([&] { support::run_in_threads(3, heavy, options); }), "stuck");
  EXPECT_LT(Heavy::computed, 250'000U) << "what was in flight is computed, and no more";
}

TEST(Replay, SumsWhatEarlierStartsSpent) {
  using journal::Spent;
  const support::TemporaryDirectory directory;
  const auto write = [&](const std::vector<journal::Record>& records) {
    const journal::Survey before = journal::inspect(directory.path());
    journal::Writer writer = journal::create_segment(directory.path(), before, 99);
    for (const journal::Record& record : records) writer.append(record);
    writer.sync();
  };
  const auto spent = [](int wall, int busy, int cpu) { return Spent{Nanos{wall}, Nanos{busy}, Nanos{cpu}}; };
  write({journal::Started{}, spent(1, 2, 3), spent(4, 5, 6), journal::Sealed{}});
  write({journal::Started{}});
  write({journal::Started{}, spent(10, 20, 30)});
  sched::Options options;
  sched::Scheduler scheduler{options};
  const Replayed replayed =
      replay(journal::inspect(directory.path()), job_type<support::Numbers>(), options, scheduler);
  EXPECT_EQ(replayed.spent, spent(14, 25, 36));
}

TEST(Replay, ASourceWithAnotherTaskIsRefusedWhileItIsPulled) {
  struct Altered final : TaskSource {
    std::unique_ptr<TaskSource> source;
    int left = 8;
    explicit Altered(std::unique_ptr<TaskSource> from) : source{std::move(from)} {}
    Pull pull(Bytes& descriptor) override {
      const Pull pulled = source->pull(descriptor);
      if (--left == 0) descriptor.back() ^= 1;
      return pulled;
    }
  };
  const support::TemporaryDirectory directory;
  FarmOptions options = farm_of<support::Words>({{"--count", "20"}});
  options.storage = [&] {
    return std::make_unique<journal::PosixStorage>(journal::segment_path(directory.path(), 1));
  };
  support::run_in_threads(1, jobs, options);
  const auto job = options.type->make(options.params);
  const journal::Survey survey = journal::inspect(directory.path());
  CheckedSource altered{survey, std::make_unique<Altered>(job->open_source()), *options.type};
  EXPECT_NE(message_of<BadInput>([&] { altered.check_all(); }).find("task 7 is now {\"word\":\"word"),
            std::string::npos);
}

TEST(Farm, ARankThatCannotMakeTheJobEndsTheRun) {
  const Jobs without{&job_type<support::Numbers>()};
  const FarmOptions options = farm_of<support::Words>({});
  EXPECT_NE(message_of<BadInput>([&] {
              support::run_in_threads(2, without, options);
            }).find("there is no job \"words\" here"),
            std::string::npos);
}

// A worker that answers as another build would.
TEST(Farm, ARankOfAnotherBuildEndsTheRunByHost) {
  LoopbackWorld world{2};
  std::jthread stranger{[end = world.endpoint(1)] {
    std::optional<Envelope> setup;
    if (!support::eventually([&] { return (setup = end->receive()).has_value(); })) return;
    wire::Hello hello{my_identity(99), "node 7", ""};
    hello.identity.build = "0.0.9-ffff";
    end->send(0, Channel::to_master, wire::encode(wire::ToMaster{hello}));
  }};
  const FarmOptions options = farm_of<support::Numbers>({});
  const auto end = world.endpoint(0);
  const std::string message = message_of<BadInput>([&] { support::be_master(*end, jobs, options); });
  EXPECT_NE(message.find("rank 1 on node 7"), std::string::npos) << message;
  EXPECT_NE(message.find("build 0.0.9-ffff instead of " + build_id()), std::string::npos) << message;
}

}  // namespace
}  // namespace mpifarm
