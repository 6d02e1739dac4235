// The transport's contract among threads of one process.

#include "transport/loopback.hpp"

#include <stdexcept>
#include <thread>

#include "contract.hpp"

namespace mpifarm {
namespace {

template <int ranks>
struct LoopbackRanks {
  template <class Body>
  static void run(Body body) {
    LoopbackWorld world{ranks};
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < ranks; ++rank)
      threads.emplace_back([&body, end = world.endpoint(rank)] { body(*end); });
  }
};

using Worlds = ::testing::Types<LoopbackRanks<1>, LoopbackRanks<2>, LoopbackRanks<5>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Loopback, TransportContract, Worlds);

TEST(LoopbackWorld, EndsOutliveTheWorld) {
  std::unique_ptr<Transport> a, b;
  {
    LoopbackWorld world{2};
    EXPECT_EQ(world.size(), 2);
    a = world.endpoint(0);
    b = world.endpoint(1);
  }
  a->send(1, Channel::to_worker, "still there");
  const auto envelope = b->receive();
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(envelope->bytes, "still there");
  EXPECT_EQ(envelope->peer, 0);
}

TEST(LoopbackWorld, HasNoOtherRanks) {
  LoopbackWorld world{2};
  EXPECT_THROW(world.endpoint(0)->send(2, Channel::to_worker, ""), std::out_of_range);
}

}  // namespace
}  // namespace mpifarm
