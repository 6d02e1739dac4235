// Frames over a socket: whole or not at all, in order, with descriptors beside them.

#include "base/frames.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

namespace mpifarm {
namespace {

struct Ends {
  Ends() {
    auto [one, other] = socket_pair();
    a = FrameSocket{std::move(one)};
    b = FrameSocket{std::move(other)};
  }
  FrameSocket a, b;
};

TEST(Frames, ArriveInOrderWhateverTheirSize) {
  Ends ends;
  const std::array<std::size_t, 6> sizes{0, 1, 3, 4096, 70'000, 3'000'000};
  std::thread sender{[&] {
    for (const std::size_t size : sizes) ends.a.put(std::string(size, static_cast<char>('a' + size % 7)));
    EXPECT_TRUE(ends.a.flush(Wait::yes));
  }};
  Bytes frame;
  for (const std::size_t size : sizes) {
    while (!ends.b.next(frame)) ASSERT_EQ(ends.b.fill(Wait::yes), Filled::some);
    EXPECT_TRUE(frame == std::string(size, static_cast<char>('a' + size % 7))) << size;
  }
  sender.join();
  EXPECT_FALSE(ends.b.next(frame));
  EXPECT_EQ(ends.b.fill(Wait::no), Filled::nothing);
}

TEST(Frames, GoAsFarAsTheyGoWithoutWaiting) {
  Ends ends;
  const std::string large(8'000'000, 'x');
  ends.a.put(large);
  ends.a.put("behind");
  Bytes frame;
  bool had_to_wait = false;
  for (int turn = 0; turn < 1000 && frame.empty(); ++turn) {
    ASSERT_TRUE(ends.a.flush(Wait::no));
    had_to_wait = had_to_wait || ends.a.unsent();
    while (ends.b.fill(Wait::no) == Filled::some) {
    }
    ends.b.next(frame);
  }
  EXPECT_TRUE(had_to_wait);
  EXPECT_TRUE(frame == large);
  EXPECT_FALSE(ends.a.unsent());
  EXPECT_TRUE(ends.b.next(frame));
  EXPECT_EQ(frame, "behind");
}

TEST(Frames, OfOneThatHasClosedCanStillBeTaken) {
  Ends ends;
  ends.a.put("last words");
  EXPECT_TRUE(ends.a.flush(Wait::yes));
  ends.a = FrameSocket{};
  Bytes frame;
  EXPECT_EQ(ends.b.fill(Wait::yes), Filled::some);
  EXPECT_EQ(ends.b.fill(Wait::yes), Filled::closed);
  EXPECT_TRUE(ends.b.next(frame));
  EXPECT_EQ(frame, "last words");
  ends.b.put("too late");
  EXPECT_FALSE(ends.b.flush(Wait::yes));
}

TEST(Frames, CarryDescriptors) {
  Ends ends;
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(::pipe(pipe_ends.data()), 0);
  ends.a.put("before");
  ASSERT_TRUE(ends.a.flush(Wait::yes));
  ends.a.put("with it", pipe_ends[1]);
  ASSERT_TRUE(ends.a.flush(Wait::yes));
  ends.a.put("behind");
  ASSERT_TRUE(ends.a.flush(Wait::yes));
  ::close(pipe_ends[1]);
  Bytes frame;
  while (ends.b.fill(Wait::no) == Filled::some) {
  }
  for (const char* text : {"before", "with it", "behind"}) {
    ASSERT_TRUE(ends.b.next(frame));
    EXPECT_EQ(frame, text);
  }
  const FileDescriptor passed = ends.b.next_passed();
  ASSERT_GE(passed.get(), 0);
  EXPECT_LT(ends.b.next_passed().get(), 0);
  ASSERT_EQ(::write(passed.get(), "x", 1), 1);
  char read_back = 0;
  EXPECT_EQ(::read(pipe_ends[0], &read_back, 1), 1);
  EXPECT_EQ(read_back, 'x');
  ::close(pipe_ends[0]);
}

}  // namespace
}  // namespace mpifarm
