// Signs of life, and who is taken for lost; in a time that the tests make.

#include "transport/watched_transport.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "transport/loopback.hpp"

namespace mpifarm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Ends that stand for processes, where the test says so.
class WithProcesses final : public Transport {
 public:
  WithProcesses(std::unique_ptr<Transport> end, int peer, pid_t process)
      : end_{std::move(end)}, peer_{peer}, process_{process} {}

  int rank() const override { return end_->rank(); }
  int size() const override { return end_->size(); }
  void send(int to, Channel channel, Bytes bytes) override { end_->send(to, channel, std::move(bytes)); }
  std::optional<Envelope> receive() override { return end_->receive(); }
  std::size_t unsent_bytes() const override { return 0; }
  std::optional<pid_t> process_of(int peer) const override {
    return peer == peer_ ? std::optional{process_} : std::nullopt;
  }
  void forget(int peer) override { end_->forget(peer); }

 private:
  std::unique_ptr<Transport> end_;
  int peer_;
  pid_t process_;
};

class WatchedTransportTest : public ::testing::Test {
 protected:
  static constexpr Heartbeat heartbeat{
      .beat = milliseconds{500}, .patience = seconds{3}, .first_patience = seconds{10}};

  // Both sides' loops turn every 10 ms for so long; what `hear` leaves out is silent.
  void pass(Nanos time, const std::vector<WatchedTransport*>& turning) {
    for (const TimePoint end = now_ + time; now_ < end; now_ += milliseconds{10})
      for (WatchedTransport* side : turning) {
        while (const auto envelope = side->receive()) heard_.push_back(*envelope);
        side->turn(now_);
      }
  }

  LoopbackWorld world_{3};
  std::unique_ptr<Transport> ends_[3] = {world_.endpoint(0), world_.endpoint(1), world_.endpoint(2)};
  WatchedTransport master_{*ends_[0], heartbeat}, first_{*ends_[1], heartbeat}, second_{*ends_[2], heartbeat};
  TimePoint now_{seconds{100}};
  std::vector<Envelope> heard_;
};

TEST_F(WatchedTransportTest, BeatsKeepIdleRanksAlive) {
  pass(seconds{60}, {&master_, &first_, &second_});
  EXPECT_FALSE(master_.lost_any() || first_.lost_any() || second_.lost_any());
  EXPECT_TRUE(heard_.empty()) << "nobody hears a beat";
}

TEST_F(WatchedTransportTest, WhoFallsSilentIsLostAfterThePatience) {
  pass(seconds{5}, {&master_, &first_, &second_});
  pass(milliseconds{2400}, {&master_, &first_});
  EXPECT_FALSE(master_.lost_any());
  pass(milliseconds{800}, {&master_, &first_});
  const std::vector<Loss> losses = master_.take_losses();
  ASSERT_EQ(losses.size(), 1U);
  EXPECT_EQ(losses[0].peer, 2);
  EXPECT_TRUE(losses[0].was_heard);
  EXPECT_FALSE(losses[0].process_ended);
  EXPECT_EQ(losses[0].why, "nothing was heard of it for 3 s");
  EXPECT_TRUE(master_.take_losses().empty()) << "it has been told";
}

TEST_F(WatchedTransportTest, WhoNeverSpokeGetsLonger) {
  pass(seconds{9}, {&master_, &first_});
  EXPECT_FALSE(master_.lost_any());
  pass(seconds{2}, {&master_, &first_});
  const std::vector<Loss> losses = master_.take_losses();
  ASSERT_EQ(losses.size(), 1U);
  EXPECT_FALSE(losses[0].was_heard);
}

TEST_F(WatchedTransportTest, AWorkerMissesItsMaster) {
  pass(seconds{5}, {&master_, &first_, &second_});
  pass(seconds{4}, {&first_, &second_});
  EXPECT_TRUE(first_.lost_any());
  EXPECT_EQ(second_.take_losses().at(0).peer, 0);
}

TEST_F(WatchedTransportTest, AMessageIsASignOfLife) {
  pass(seconds{1}, {&master_, &first_, &second_});
  for (int i = 0; i < 20; ++i) {
    ends_[2]->send(0, Channel::to_master, "x");  // of one whose loop does not turn
    pass(seconds{1}, {&master_, &first_});
  }
  EXPECT_FALSE(master_.lost_any());
  EXPECT_EQ(heard_.size(), 20U);
}

TEST_F(WatchedTransportTest, APauseOfItsOwnIsNobodysSilence) {
  pass(seconds{5}, {&master_, &first_, &second_});
  now_ += std::chrono::hours{1};  // all were suspended
  master_.turn(now_);
  pass(seconds{2}, {&master_, &first_, &second_});
  EXPECT_FALSE(master_.lost_any() || first_.lost_any() || second_.lost_any());
}

TEST_F(WatchedTransportTest, TheLostAreNotHeardNorTold) {
  pass(seconds{5}, {&master_, &first_, &second_});
  pass(seconds{4}, {&master_, &first_});
  ASSERT_TRUE(master_.lost_any());
  heard_.clear();
  master_.send(2, Channel::to_worker, "to nobody");
  ends_[2]->send(0, Channel::to_master, "it wakes up");
  pass(seconds{1}, {&master_, &first_});
  EXPECT_TRUE(heard_.empty());
  while (const auto envelope = ends_[2]->receive()) EXPECT_NE(envelope->bytes, "to nobody");
}

TEST_F(WatchedTransportTest, AnEndedProcessIsLostAtOnceWithItsLastWords) {
  const pid_t child = fork();
  if (child == 0) {
    while (true) pause();
  }
  WithProcesses below{world_.endpoint(0), 1, child};
  WatchedTransport watching{below, heartbeat};
  pass(seconds{1}, {&watching, &first_, &second_});
  EXPECT_FALSE(watching.lost_any());
  ::kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  watching.turn(now_ += milliseconds{10});
  ends_[1]->send(0, Channel::to_master, "said before");
  pass(milliseconds{100}, {&watching, &second_});
  ASSERT_EQ(heard_.size(), 1U);
  EXPECT_EQ(heard_[0].bytes, "said before");
  const std::vector<Loss> losses = watching.take_losses();
  ASSERT_EQ(losses.size(), 1U);
  EXPECT_EQ(losses[0].peer, 1);
  EXPECT_TRUE(losses[0].process_ended);
}

TEST_F(WatchedTransportTest, TheMasterKillsAHungProcessOfItsHost) {
  const pid_t child = fork();
  if (child == 0) {
    while (true) pause();
  }
  WithProcesses below{world_.endpoint(0), 1, child};
  Heartbeat killing = heartbeat;
  killing.kills = true;
  WatchedTransport watching{below, killing};
  pass(seconds{5}, {&watching, &first_, &second_});
  pass(seconds{4}, {&watching, &second_});
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

}  // namespace
}  // namespace mpifarm
