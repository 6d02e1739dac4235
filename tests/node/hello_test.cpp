// Who may take part in a run: the master's answers to hellos.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/cores.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/pack.hpp"
#include "node/identity.hpp"
#include "node/master.hpp"
#include "node/worker.hpp"
#include "run/shared_mark.hpp"
#include "support/expect.hpp"
#include "support/sample_jobs.hpp"
#include "support/temporary_directory.hpp"
#include "transport/loopback.hpp"
#include "wire/codec.hpp"

namespace mpifarm {
namespace {

using support::eventually;
using support::message_of;
using support::Numbers;

const wire::Identity mine{1, "0.1.0-aaaa", 5, 7};

TEST(Identity, SaysWhatDiffersWithBothValues) {
  EXPECT_EQ(identity_mismatch(mine, mine), "");
  wire::Identity theirs = mine;
  theirs.protocol = 2;
  EXPECT_EQ(identity_mismatch(mine, theirs), "protocol version 2 instead of 1");
  theirs = mine;
  theirs.build = "0.2.0-bbbb";
  EXPECT_EQ(identity_mismatch(mine, theirs), "build 0.2.0-bbbb instead of 0.1.0-aaaa");
  theirs = mine;
  theirs.run = 6;
  EXPECT_EQ(identity_mismatch(mine, theirs), "another run");
  theirs = mine;
  theirs.token = 8;
  EXPECT_EQ(identity_mismatch(mine, theirs).find("MPIFARM_TOKEN "), 0U);
}

TEST(Identity, OfThisProcessHasBuildRunAndToken) {
  EXPECT_TRUE(build_id().starts_with(version() + "-"));
  EXPECT_GT(build_id().size(), version().size() + 8) << "the linker's build id is in it";
  unsetenv("MPIFARM_TOKEN");
  const wire::Identity without = my_identity(3);
  EXPECT_EQ(without.run, 3U);
  EXPECT_EQ(without.token, 0U);
  setenv("MPIFARM_TOKEN", "secret", 1);
  const wire::Identity with = my_identity(3);
  EXPECT_NE(with.token, 0U);
  EXPECT_NE(with.token, my_identity(4).token) << "the token is keyed by the run";
  setenv("MPIFARM_TOKEN", "other", 1);
  EXPECT_EQ(identity_mismatch(with, my_identity(3)).find("MPIFARM_TOKEN with hash "), 0U)
      << identity_mismatch(with, my_identity(3));
  unsetenv("MPIFARM_TOKEN");
}

TEST(SampleIds, HoldTheFirstTheLastAndSomeBetween) {
  EXPECT_TRUE(sample_ids(0).empty());
  EXPECT_EQ(sample_ids(1), std::vector<std::uint64_t>{0});
  for (const std::uint64_t size : {std::uint64_t{2}, std::uint64_t{1000}, ~std::uint64_t{0}}) {
    const auto ids = sample_ids(size);
    EXPECT_EQ(ids.front(), 0U);
    EXPECT_EQ(ids.back(), size - 1);
    EXPECT_EQ(ids, sample_ids(size));
    EXPECT_TRUE(std::ranges::is_sorted(ids));
  }
  EXPECT_GT(sample_ids(1'000'000).size(), 32U);
}

// A master of two ranks and the hello that the second would say.
class HelloTest : public ::testing::Test {
 protected:
  MasterOptions options() const {
    MasterOptions options;
    options.type = &job_type<Numbers>();
    options.params = pack(Numbers::Params{});
    options.run_id = 99;
    options.run = run_.path() / "run";
    return options;
  }
  static sched::Options scheduler_options() {
    sched::Options options;
    options.count = 1000;
    return options;
  }
  // The worker's answer to the master's setup.
  wire::Hello hello(const std::filesystem::path& mark = {}, const Jobs* jobs = nullptr) {
    master_.greet(mark);
    Worker worker{*far_, waker_, jobs == nullptr ? jobs_ : *jobs};
    worker.on_message(far_->receive()->bytes);
    EXPECT_TRUE(eventually([&] { return worker.step(Clock::now()); })) << "it says hello when it has its job";
    return near_->hello_from_far();
  }
  std::string answer_to(const wire::Hello& hello) {
    return message_of<BadInput>([&] { master_.on_message(1, wire::encode(wire::ToMaster{hello})); });
  }
  // The hello with its details changed.
  template <class Change>
  wire::Hello changed(Change change) {
    wire::Hello said = hello();
    auto details = unpack<wire::HelloDetails>(said.details);
    change(details);
    said.details = pack(details);
    said.host = "node 7";
    return said;
  }

  // The master's end, which skips what it sent to itself.
  struct Near {
    std::unique_ptr<Transport> end;
    wire::Hello hello_from_far() {
      while (true) {
        const auto envelope = end->receive();
        if (!envelope || envelope->peer != 1) continue;
        const wire::ToMaster message = wire::decode_to_master(envelope->bytes);
        if (const auto* hello = std::get_if<wire::Hello>(&message)) return *hello;
      }
    }
  };

  const support::TemporaryDirectory run_;
  LoopbackWorld world_{2};
  std::unique_ptr<Near> near_ = std::make_unique<Near>(Near{world_.endpoint(0)});
  std::unique_ptr<Transport> far_ = world_.endpoint(1);
  const Jobs jobs_{&job_type<Numbers>()};
  Waker waker_;
  std::unique_ptr<AnyJob> job_ = job_type<Numbers>().make(pack(Numbers::Params{}));
  sched::Scheduler scheduler_{scheduler_options()};
  Master master_{*near_->end, waker_, *job_, scheduler_, options()};
};

TEST_F(HelloTest, OfAnEqualIsAccepted) {
  const wire::Hello said = hello();
  EXPECT_EQ(said.host, host_name());
  EXPECT_EQ(answer_to(said), "nothing was thrown");
  EXPECT_EQ(master_.workers()[1].host, host_name());
  EXPECT_EQ(master_.workers()[1].cores.cpus, affinity_cpus());
  EXPECT_FALSE(master_.everyone_here()) << "rank 0 has said nothing";
}

TEST_F(HelloTest, OfAnotherBuildIsRefusedByHost) {
  wire::Hello said = hello();
  said.host = "node 7";
  said.identity.build = "0.0.9-ffff";
  const std::string message = answer_to(said);
  for (const std::string& part : {std::string{"rank 1 on node 7"}, std::string{"0.0.9-ffff"}, build_id()})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST_F(HelloTest, OfAnotherRunProtocolOrTokenIsRefused) {
  for (const int what : {0, 1, 2}) {
    wire::Hello said = hello();
    if (what == 0) said.identity.run ^= 1;
    if (what == 1) ++said.identity.protocol;
    if (what == 2) said.identity.token ^= 1;
    said.details = "what a stranger says is not read";
    EXPECT_NE(answer_to(said).find("does not belong to this run"), std::string::npos) << what;
  }
}

TEST_F(HelloTest, WithASourceOfAnotherSizeIsRefusedByHost) {
  const std::string message =
      answer_to(changed([](wire::HelloDetails& details) { details.source_size = 999; }));
  EXPECT_NE(message.find("the source differs on node 7 (999 tasks there, 1000 on rank 0)"), std::string::npos)
      << message;
}

TEST_F(HelloTest, WithAnotherTaskIsRefusedByHostAndTask) {
  const std::string message =
      answer_to(changed([](wire::HelloDetails& details) { ++details.sample_keys.back(); }));
  EXPECT_NE(message.find("the source differs on node 7 (task 999"), std::string::npos) << message;
  EXPECT_NE(answer_to(changed([](wire::HelloDetails& details) {
              details.sample_keys.pop_back();
            })).find("task 999"),
            std::string::npos);
}

TEST_F(HelloTest, WithoutTheJobIsRefusedWithItsReason) {
  const std::string message =
      answer_to(changed([](wire::HelloDetails& details) { details.error = "no file /data/x"; }));
  EXPECT_NE(message.find("rank 1 on node 7 cannot make the job (no file /data/x)"), std::string::npos)
      << message;
}

TEST_F(HelloTest, SaysWhetherTheMarkIsSeen) {
  const SharedMark mark{RunDirectory{run_.path() / "run"}};
  EXPECT_TRUE(unpack<wire::HelloDetails>(hello(mark.path()).details).sees_mark);
  EXPECT_FALSE(unpack<wire::HelloDetails>(hello(run_.path() / "elsewhere").details).sees_mark);
}

TEST_F(HelloTest, WithoutTheRunDirectoryIsRefusedByHostAndPath) {
  const std::string message =
      answer_to(changed([](wire::HelloDetails& details) { details.sees_mark = false; }));
  EXPECT_NE(
      message.find("rank 1 on node 7 does not see the run directory (" + run_.path().string() + "/run)"),
      std::string::npos)
      << message;
}

TEST_F(HelloTest, AWorkerWithoutTheJobSaysSo) {
  const Jobs none;
  const wire::Hello said = hello({}, &none);
  EXPECT_EQ(unpack<wire::HelloDetails>(said.details).error, "there is no job \"numbers\" here");
}

TEST_F(HelloTest, AWorkerOfAnotherProgramTellsOnlyWhoItIs) {
  Worker worker{*far_, waker_, jobs_};
  wire::Identity stranger = my_identity(99);
  stranger.build = "another";
  worker.on_message(wire::encode(wire::ToWorker{wire::Setup{stranger, "not to be read"}}));
  const auto said = near_->hello_from_far();
  EXPECT_EQ(said.details, "");
  EXPECT_EQ(said.identity.build, build_id());
}

TEST_F(HelloTest, ARankThatIsLostBeforeItIsNotWaitedFor) {
  const wire::Hello said = hello();
  answer_to(said);
  EXPECT_FALSE(master_.everyone_here());
  master_.on_lost({0, true, true, "its process ended"});
  EXPECT_TRUE(master_.everyone_here());
  master_.begin();
  EXPECT_EQ(master_.workers()[0].slots, 0U);
  EXPECT_GT(master_.workers()[1].slots, 0U);
  EXPECT_TRUE(scheduler_.tallies().at(0).lost);
  EXPECT_FALSE(master_.stranded());
  master_.on_lost({1, true, false, "nothing was heard of it for 10 s"});
  EXPECT_TRUE(master_.stranded());
}

TEST_F(HelloTest, ARankThatNeverSpokeEndsTheRun) {
  master_.greet();
  const std::string message = message_of<MachineryFailure>([&] {
    master_.on_lost({1, false, false, "nothing was heard of it for 60 s"});
  });
  EXPECT_NE(message.find("rank 1 never spoke"), std::string::npos) << message;
}

TEST_F(HelloTest, DamagedMessagesAreCorruptData) {
  EXPECT_THROW(master_.on_message(1, "garbage"), CorruptData);
  EXPECT_THROW(master_.on_message(1, ""), CorruptData);
}

}  // namespace
}  // namespace mpifarm
