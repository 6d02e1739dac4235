// The process backend: outcomes exactly once and in order, whatever tasks do to their process.

#include "compute/process_backend.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/pack.hpp"
#include "job/job_type.hpp"
#include "support/backends.hpp"
#include "support/temporary_directory.hpp"
#include "support/trouble_job.hpp"

namespace mpifarm {
namespace {

using support::assignment;
using support::collect_all;
using support::Collected;
using support::eventually;
using support::Trouble;

const JobType* find(std::string_view name) { return name == Trouble::name ? &job_type<Trouble>() : nullptr; }

std::string describe(BytesView descriptor) {
  std::string text;
  if (!descriptor.empty()) job_type<Trouble>().append_task_json(text, descriptor);
  return text;
}

// A helper with the job, and a backend over it.
struct Isolated {
  explicit Isolated(const Trouble::Params& params, unsigned slots = 2, Nanos timeout = {},
                    Context::LogFunction log = {}) {
    const JobFacts facts = helper.make_job({.job = Trouble::name,
                                            .params = pack(params),
                                            .listed = false,
                                            .working_directory = {},
                                            .samples = {0, 1}},
                                           {});
    EXPECT_EQ(facts.error, "");
    EXPECT_EQ(facts.source_size, static_cast<std::uint64_t>(params.count));
    EXPECT_EQ(facts.sample_keys.size(), 2U);
    backend.emplace(helper, waker,
                    ProcessBackendOptions{
                        .slots = slots, .timeout = timeout, .log = log, .describe = describe, .prepare = {}});
  }

  Helper helper{find};
  Waker waker;
  std::optional<ProcessBackend> backend;
};

Trouble::Params trouble(const std::string& manner, std::int64_t poison, std::int64_t every = 0) {
  return {.count = 1000,
          .poison = poison,
          .every = every,
          .manner = manner,
          .fails = -1,
          .pause = 0,
          .ballast = 0};
}

// 0 to 99, in leases of ten.
std::vector<Assignment> hundred() {
  std::vector<Assignment> assignments;
  for (std::uint64_t lease = 0; lease < 10; ++lease) assignments.push_back(assignment(lease, lease * 10, 10));
  return assignments;
}

// Everyone succeeded but the poisoned, whose outcome and message are these.
void expect_hundred(const Collected& collected, const std::set<std::uint64_t>& poisoned, Outcome outcome,
                    const std::string& message) {
  ASSERT_EQ(collected.tasks(), 100U);
  for (std::uint64_t id = 0; id < 100; ++id) {
    const auto& [got, payload] = collected.leases.at(id / 10).entries.at(id % 10);
    const bool bad = poisoned.contains(id);
    EXPECT_EQ(got, bad ? outcome : Outcome::succeeded) << id;
    EXPECT_EQ(payload, bad ? message + "; task {\"n\":" + std::to_string(id) + ",\"note\":\"task " +
                                 std::to_string(id) + "\"}"
                           : pack(Trouble::Result{static_cast<std::int64_t>(id)}));
  }
}

TEST(ProcessBackend, GivesAllOutcomesOnceAndInOrder) {
  Isolated isolated{trouble("none", -1)};
  isolated.backend->start(hundred());
  expect_hundred(collect_all(*isolated.backend), {}, Outcome::failed, "");
}

TEST(ProcessBackend, ACrashIsTheOutcomeOfTheTaskThatRan) {
  Isolated isolated{trouble("segv", 13, 20)};
  isolated.backend->start(hundred());
  expect_hundred(collect_all(*isolated.backend), {13, 33, 53, 73, 93}, Outcome::crashed,
                 "killed by signal 11 (Segmentation fault)");
}

// The tasks before it that were not reported are computed again, though its failure has no answer yet.
TEST(ProcessBackend, ACrashIsReportedAlthoughNothingBeginsBeforeItsAnswer) {
  for (int round = 0; round < 20; ++round) {
    Isolated isolated{trouble("segv", 7, 10)};
    isolated.helper.cells().gate.arm();
    isolated.backend->start(hundred());
    std::uint64_t failures = 0, tasks = 0;
    ASSERT_TRUE(eventually([&] {
      std::vector<Completion> completions;
      isolated.backend->collect(completions);
      for (const Completion& done : completions) {
        tasks += done.block.count;
        failures += done.block.count - done.block.succeeded;
      }
      isolated.helper.cells().gate.answer(failures);
      return !isolated.backend->busy();
    })) << tasks;
    EXPECT_EQ(tasks, 100U);
    EXPECT_EQ(failures, 10U);
  }
}

TEST(ProcessBackend, ChildrenKeepWhatTheJobHasOpened) {
  Isolated isolated{trouble("opened", -1), 4};
  for (int round = 0; round < 20; ++round) {
    isolated.backend->start(hundred());
    expect_hundred(collect_all(*isolated.backend), {}, Outcome::failed, "");
  }
}

TEST(ProcessBackend, ChildrenDoNotWriteOverEachOther) {
  const support::TemporaryDirectory directory;
  const auto file = directory.path() / "numbers";
  Isolated isolated{trouble("write:" + file.string(), -1), 4};
  isolated.backend->start(hundred());
  expect_hundred(collect_all(*isolated.backend), {}, Outcome::failed, "");
  EXPECT_EQ(std::filesystem::file_size(file), 100 * sizeof(std::int64_t));
}

TEST(ProcessBackend, SoIsAnEndByItself) {
  Isolated isolated{trouble("exit", 0, 9), 1};
  isolated.backend->start(hundred());
  expect_hundred(collect_all(*isolated.backend), {0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99},
                 Outcome::crashed, "ended with status 3");
}

TEST(ProcessBackend, ATaskThatDoesNotEndInTimeIsKilledWithWhatItStarted) {
  Isolated isolated{trouble("leave_and_loop", 42), 2, std::chrono::milliseconds{150}};
  isolated.backend->start(hundred());
  expect_hundred(collect_all(*isolated.backend), {42}, Outcome::timed_out, "no end within 150.0 ms");
}

// Between the decision that it is late and its end, a task may end and the next one begin.
TEST(ProcessBackend, NobodyIsBlamedForALateTaskButItself) {
  Trouble::Params params = trouble("late", 0, 2);
  params.pause = 0.005;
  Isolated isolated{params, 10, std::chrono::milliseconds{100}};
  isolated.backend->start(hundred());
  const Collected collected = collect_all(*isolated.backend);
  ASSERT_EQ(collected.tasks(), 100U);
  for (std::uint64_t id = 1; id < 100; id += 2)
    EXPECT_EQ(collected.leases.at(id / 10).entries.at(id % 10).first, Outcome::succeeded) << id;
}

// What it says without end keeps nobody from looking at its time, nor the others from being heard.
TEST(ProcessBackend, ATaskThatLogsWithoutEndIsStillTimed) {
  Isolated isolated{trouble("log_flood", 42), 2, std::chrono::milliseconds{200}};
  isolated.backend->start(hundred());
  expect_hundred(collect_all(*isolated.backend), {42}, Outcome::timed_out, "no end within 200.0 ms");
}

TEST(ProcessBackend, ATaskThatSpoilsWhatConnectsItsChildHasCrashed) {
  for (const char* manner : {"close", "garbage"}) {
    Isolated isolated{trouble(manner, 42)};
    isolated.backend->start(hundred());
    const Collected collected = collect_all(*isolated.backend);
    ASSERT_EQ(collected.tasks(), 100U) << manner;
    for (std::uint64_t id = 0; id < 100; ++id)
      EXPECT_EQ(collected.leases.at(id / 10).entries.at(id % 10).first,
                id == 42 ? Outcome::crashed : Outcome::succeeded)
          << manner << ' ' << id;
  }
}

TEST(ProcessBackend, TakesDescriptorsAndAttemptsApart) {
  Isolated isolated{trouble("once", 5)};
  Assignment given = assignment(1, 3, 4, 2);
  for (const std::int64_t n : {4, 5, 6, 7})
    append_sized(given.descriptors,
                 pack(Trouble::Task{n, std::string(static_cast<std::size_t>(n) * 100, 'n')}));
  isolated.backend->start({given});
  const Collected collected = collect_all(*isolated.backend);
  ASSERT_EQ(collected.tasks(), 4U) << "the second attempt does not crash";
  for (std::uint64_t i = 0; i < 4; ++i)
    EXPECT_EQ(collected.leases.at(1).entries[i].first, Outcome::succeeded);
}

TEST(ProcessBackend, StopKillsWhatRunsWithoutAnOutcome) {
  Isolated isolated{trouble("loop", 10)};
  isolated.backend->start(hundred());
  Collected collected;
  ASSERT_TRUE(eventually([&] {
    collected.from(*isolated.backend);
    return collected.tasks() == 90;
  })) << collected.tasks();
  EXPECT_TRUE(isolated.backend->busy());
  isolated.backend->stop();
  EXPECT_TRUE(eventually([&] { return !isolated.backend->busy(); }));
  collected.from(*isolated.backend);
  EXPECT_EQ(collected.tasks(), 90U);
}

TEST(ProcessBackend, DrainEndsAfterTheTaskThatRuns) {
  Trouble::Params params = trouble("none", -1);
  params.pause = 0.02;
  Isolated isolated{params, 1};
  isolated.backend->start(hundred());
  Collected collected;
  ASSERT_TRUE(eventually([&] {
    collected.from(*isolated.backend);
    return collected.tasks() > 0;
  }));
  isolated.backend->drain();
  EXPECT_EQ(isolated.backend->queue_lasts(), Nanos{0});
  ASSERT_TRUE(
      eventually([&] { return !isolated.backend->busy() || (collected.from(*isolated.backend), false); }));
  collected.from(*isolated.backend);
  EXPECT_GT(collected.tasks(), 0U);
  EXPECT_LT(collected.tasks(), 10U);
}

TEST(ProcessBackend, WakesTheLoopAndPassesOnWhatTasksLog) {
  std::mutex mutex;
  std::set<std::uint64_t> heard;
  Isolated isolated{trouble("log", 0, 2), 2, {}, [&](TaskId id, std::string_view text, std::string_view) {
                      const std::scoped_lock lock{mutex};
                      if (text == "a line of a task") heard.insert(id.value);
                    }};
  for (std::uint64_t i = 0; i < 20; ++i) {
    isolated.backend->start({assignment(i, i, 1)});
    Collected collected;
    while (collected.tasks() == 0) {
      ASSERT_TRUE(isolated.waker.sleep(std::chrono::seconds{60})) << "nobody woke the loop";
      collected.from(*isolated.backend);
    }
  }
  EXPECT_EQ(heard.size(), 10U);
}

TEST(ProcessBackend, SaysThatItsHelperHasEnded) {
  Isolated isolated{trouble("loop", 0)};
  isolated.backend->start(hundred());
  ::kill(isolated.helper.process(), SIGKILL);
  std::vector<Completion> completions;
  EXPECT_TRUE(eventually([&] {
    try {
      isolated.backend->collect(completions);
      return false;
    } catch (const MachineryFailure& failure) {
      return std::string_view{failure.what()}.find("helper") != std::string_view::npos;
    }
  }));
}

TEST(Helper, SaysWhyTheJobCannotBeMade) {
  Helper helper{find};
  const auto make = [&](const std::string& job, const std::string& manner, std::uint64_t memory_bytes) {
    return helper
        .make_job({.job = job,
                   .params = pack(trouble(manner, -1)),
                   .listed = false,
                   .working_directory = {},
                   .samples = {}},
                  {.seed = 0, .memory_bytes = memory_bytes, .surroundings = current_surroundings()})
        .error;
  };
  EXPECT_EQ(make("sqares", "", 0), "there is no job \"sqares\" here");
  EXPECT_NE(make(Trouble::name, "", 1000).find("--memory 1.00 kB is less than the job takes"),
            std::string::npos)
      << make(Trouble::name, "", 1000);
  EXPECT_FALSE(helper.has_job());
  EXPECT_EQ(make(Trouble::name, "", 0), "");
  EXPECT_TRUE(helper.has_job());
  EXPECT_NE(support::message_of<ProcessLost>([&] {
              make(Trouble::name, "constructor", 0);
            }).find("killed by signal 11 (Segmentation fault) while it made the job"),
            std::string::npos);
}

// In a process of its own, which dies as a rank does.
TEST(Helper, WritesDownWhatThreadsComputedWhenTheirRankDied) {
  const support::TemporaryDirectory directory;
  const std::string file = (directory.path() / "suspects").string();
  const pid_t rank = fork();
  if (rank == 0) {
    Helper helper{find};
    helper.keep_suspects(file);
    helper.cells().threads[1].running = 4712;
    helper.cells().threads[4].running = 18;
    ::kill(getpid(), SIGKILL);
  }
  EXPECT_EQ(waitpid(rank, nullptr, 0), rank);
  std::string text;
  EXPECT_TRUE(eventually([&] {
    text.clear();
    std::ifstream in{file};
    for (std::string line; std::getline(in, line);) text += line + ' ';
    return !text.empty();
  }));
  EXPECT_EQ(text, "4711 17 ");
}

}  // namespace
}  // namespace mpifarm
