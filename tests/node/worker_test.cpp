// A worker on its own: what it does with messages, and how it ends.

#include "node/worker.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "base/error.hpp"
#include "base/pack.hpp"
#include "node/identity.hpp"
#include "support/expect.hpp"
#include "support/sample_jobs.hpp"
#include "transport/loopback.hpp"
#include "wire/codec.hpp"

namespace mpifarm {
namespace {

using support::eventually;

std::atomic<int> talkers_running = 0;

// Logs without end until it is asked to stop.
struct Talker {
  static constexpr auto name = "talker";
  static constexpr auto summary = "Talks until it is stopped";
  struct Params {};
  struct Task {
    int n;
  };
  struct Result {};
  explicit Talker(const Params&) {}
  std::uint64_t size() const { return 1000; }
  Task task(std::uint64_t) const { return {0}; }
  Result compute(const Task&, Context& context) const {
    ++talkers_running;
    while (!context.stop_requested()) context.log("still here");
    for (int i = 0; i < 100; ++i) context.log("going");
    --talkers_running;
    throw std::runtime_error{"stopped"};
  }
};
BOOST_DESCRIBE_STRUCT(Talker::Params, (), ())
BOOST_DESCRIBE_STRUCT(Talker::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Talker::Result, (), ())

class WorkerTest : public ::testing::Test {
 protected:
  void set_up(const JobType& type, unsigned slots) {
    wire::SetupDetails details;
    details.job = type.name();
    details.params = type.params_from_flags({});
    details.seed = 1;
    details.working_directory = "/";
    tell(wire::Setup{my_identity(5), pack(details)});
    heard_hello_ = std::holds_alternative<wire::Hello>(hear());
    tell(wire::Begin{slots});
  }
  void tell(const wire::ToWorker& message) { worker_->on_message(wire::encode(message)); }
  void assign(std::uint64_t lease, std::uint64_t first, std::uint64_t count) {
    tell(wire::Assign{Order{}, {{{lease}, {first}, count, 1, ""}}});
  }
  wire::ToMaster hear() {
    std::optional<Envelope> envelope;
    EXPECT_TRUE(eventually([&] {
      worker_->step(Clock::now());
      envelope = master_->receive();
      return envelope.has_value();
    }));
    EXPECT_EQ(envelope->channel, Channel::to_master);
    return wire::decode_to_master(envelope->bytes);
  }
  // Hears until the worker has drained; the number of tasks answered.
  std::uint64_t hear_to_the_end() {
    std::uint64_t tasks = 0;
    const TimePoint deadline = Clock::now() + std::chrono::seconds{30};
    while (Clock::now() < deadline) {
      const wire::ToMaster message = hear();
      if (std::holds_alternative<wire::Drained>(message)) return tasks;
      if (const auto* outcomes = std::get_if<wire::Outcomes>(&message))
        for (const wire::LeaseOutcomes& part : outcomes->leases) tasks += part.block.count;
    }
    ADD_FAILURE() << "the worker does not drain";
    return tasks;
  }

  LoopbackWorld world_{2};
  std::unique_ptr<Transport> master_ = world_.endpoint(0), end_ = world_.endpoint(1);
  Waker waker_;
  const Jobs jobs_{&job_type<support::Numbers>(), &job_type<Talker>()};
  std::unique_ptr<Worker> worker_ = std::make_unique<Worker>(*end_, waker_, jobs_);
  bool heard_hello_ = false;
  std::filesystem::path before_ = std::filesystem::current_path();

  void TearDown() override { std::filesystem::current_path(before_); }
};

TEST_F(WorkerTest, AnswersWhatItIsAssignedAndDrains) {
  set_up(job_type<support::Numbers>(), 2);
  EXPECT_TRUE(heard_hello_);
  for (std::uint64_t lease = 0; lease < 10; ++lease) assign(lease, lease * 50, 50);
  std::uint64_t tasks = 0;
  while (tasks < 500) {
    const auto outcomes = std::get<wire::Outcomes>(hear());
    for (const wire::LeaseOutcomes& part : outcomes.leases) tasks += part.block.count;
  }
  EXPECT_EQ(tasks, 500U);
  tell(wire::Drain{});
  EXPECT_TRUE(std::holds_alternative<wire::Drained>(hear()));
  EXPECT_FALSE(worker_->busy());
}

TEST_F(WorkerTest, WithoutSlotsDrainsAtOnce) {
  set_up(job_type<support::Numbers>(), 0);
  EXPECT_FALSE(worker_->busy());
  EXPECT_EQ(worker_->queue_lasts(), Nanos{0});
  tell(wire::Drain{});
  EXPECT_EQ(hear_to_the_end(), 0U);
}

TEST_F(WorkerTest, TakesNothingWhileDraining) {
  set_up(job_type<support::Numbers>(), 1);
  tell(wire::Drain{});
  assign(1, 0, 10);
  EXPECT_EQ(hear_to_the_end(), 0U);
}

TEST_F(WorkerTest, SaysNothingAfterItHasDrained) {
  set_up(job_type<support::Numbers>(), 1);
  tell(wire::Drain{});
  hear_to_the_end();
  EXPECT_FALSE(worker_->step(Clock::now()));
  EXPECT_FALSE(master_->receive().has_value());
}

TEST_F(WorkerTest, FinishesWhenTheMasterSaysSo) {
  EXPECT_FALSE(worker_->finished());
  tell(wire::Shutdown{});
  EXPECT_TRUE(worker_->finished());
}

TEST_F(WorkerTest, SendsWhatTasksLogAndDropsAFlood) {
  set_up(job_type<Talker>(), 1);
  assign(1, 7, 1);
  ASSERT_TRUE(eventually([] { return talkers_running > 0; }));
  const auto line = std::get<wire::LogLine>(hear());
  EXPECT_EQ(line.text, "rank 1 task 7: still here");
  tell(wire::Drain{.stop = true});
  EXPECT_EQ(hear_to_the_end(), 0U) << "a task that was stopped is given back";
}

// Tasks may log until the last of them has ended, which is in the worker's destructor.
TEST_F(WorkerTest, IsDestroyedWhileTasksLog) {
  set_up(job_type<Talker>(), 3);
  for (std::uint64_t lease = 0; lease < 3; ++lease) assign(lease, lease, 1);
  ASSERT_TRUE(eventually([] { return talkers_running == 3; }));
  worker_.reset();
  EXPECT_EQ(talkers_running, 0);
}

TEST_F(WorkerTest, DamagedMessagesAreCorruptData) {
  EXPECT_THROW(worker_->on_message("garbage"), CorruptData);
  EXPECT_THROW(worker_->on_message(""), CorruptData);
}

}  // namespace
}  // namespace mpifarm
