// The source pump: items in order, a bounded number ahead, and failures after the items before them.

#include "node/source_pump.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "base/error.hpp"
#include "support/expect.hpp"

namespace mpifarm {
namespace {

using support::eventually;

// A source of `count` items of `bytes` each, that fails at `broken_at` and pauses before `slow_at`.
struct SourcePlan {
  std::uint64_t count = 0;
  std::uint64_t broken_at = ~std::uint64_t{0};
  std::uint64_t slow_at = ~std::uint64_t{0};
  std::size_t bytes = 0;
};

class PlannedJob final : public AnyJob {
 public:
  explicit PlannedJob(SourcePlan plan) : plan_{plan} {}

  std::optional<std::uint64_t> size() const override { return std::nullopt; }
  void make_task(TaskId, Bytes&) const override {}
  std::unique_ptr<TaskSource> open_source() const override { return std::make_unique<Source>(*this); }
  void compute(BytesView, Context&, Bytes&) const override {}
  void reduce(TaskId, BytesView, BytesView) override {}
  std::string conclude(const std::filesystem::path&) override { return {}; }

  std::uint64_t pulled() const { return pulled_; }

 private:
  class Source final : public TaskSource {
   public:
    explicit Source(const PlannedJob& job) : job_{job} {}
    Pull pull(Bytes& descriptor) override {
      const SourcePlan& plan = job_.plan_;
      if (job_.pulled_ == plan.broken_at) throw BadInput{"line 7 is broken"};
      if (job_.pulled_ == plan.slow_at && pauses_++ < 3) return Pull::not_yet;
      if (job_.pulled_ == plan.count) return Pull::end;
      descriptor = std::to_string(job_.pulled_);
      descriptor.resize(std::max(descriptor.size(), plan.bytes), '.');
      ++job_.pulled_;
      return Pull::item;
    }

   private:
    const PlannedJob& job_;
    int pauses_ = 0;
  };

  SourcePlan plan_;
  mutable std::atomic<std::uint64_t> pulled_ = 0;
};

// Takes until the end, a few at a time.
std::vector<Bytes> take_all(SourcePump& pump, std::size_t most = 7) {
  std::vector<Bytes> all;
  EXPECT_TRUE(eventually([&] {
    std::vector<Bytes> items;
    const bool end = pump.take(most, items);
    EXPECT_LE(items.size(), most);
    all.insert(all.end(), items.begin(), items.end());
    return end;
  }));
  return all;
}

TEST(SourcePump, BringsAllItemsInOrderAndThenTheEnd) {
  for (const std::uint64_t count : {0, 1, 7, 1000}) {
    const PlannedJob job{{.count = count}};
    Waker waker;
    SourcePump pump{job.open_source(), waker};
    const auto items = take_all(pump);
    ASSERT_EQ(items.size(), count);
    for (std::uint64_t i = 0; i < count; ++i) EXPECT_EQ(items[i], std::to_string(i));
    std::vector<Bytes> more;
    EXPECT_TRUE(pump.take(1, more)) << "the end stays the end";
  }
}

TEST(SourcePump, GoesOnAfterNotYet) {
  const PlannedJob job{{.count = 10, .slow_at = 4}};
  Waker waker;
  SourcePump pump{job.open_source(), waker};
  EXPECT_EQ(take_all(pump).size(), 10U);
}

TEST(SourcePump, PullsABoundedNumberAhead) {
  const PlannedJob job{{.count = 1'000'000}};
  Waker waker;
  SourcePump pump{job.open_source(), waker};
  std::uint64_t before = 0;
  ASSERT_TRUE(eventually([&] {  // until it pulls no more
    const std::uint64_t now = job.pulled();
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    return now > 0 && job.pulled() == now && std::exchange(before, now) == now;
  }));
  EXPECT_LE(job.pulled(), 10'000U);
  std::vector<Bytes> items;
  pump.take(100, items);
  EXPECT_EQ(items.size(), 100U);
  EXPECT_TRUE(eventually([&] { return job.pulled() > before; })) << "there is room again";
}

TEST(SourcePump, PullsABoundedNumberOfBytesAhead) {
  const PlannedJob job{{.count = 1'000, .bytes = 1 << 20}};
  Waker waker;
  SourcePump pump{job.open_source(), waker};
  EXPECT_TRUE(eventually([&] { return job.pulled() >= 4; }));
  std::vector<Bytes> items;
  pump.take(2, items);
  EXPECT_LE(job.pulled(), 8U);
}

TEST(SourcePump, AFailureComesAfterTheItemsBeforeIt) {
  const PlannedJob job{{.count = 100, .broken_at = 20}};
  Waker waker;
  SourcePump pump{job.open_source(), waker};
  std::vector<Bytes> all;
  std::string message;
  EXPECT_TRUE(eventually([&] {
    std::vector<Bytes> items;
    bool end = false;
    message = support::message_of<BadInput>([&] { end = pump.take(6, items); });
    EXPECT_FALSE(end) << "a source that failed has not ended";
    all.insert(all.end(), items.begin(), items.end());
    return message != "nothing was thrown";
  }));
  EXPECT_EQ(message, "line 7 is broken");
  EXPECT_EQ(all.size(), 20U);
}

TEST(SourcePump, WakesTheLoop) {
  const PlannedJob job{{.count = 5, .slow_at = 3}};
  Waker waker;
  SourcePump pump{job.open_source(), waker};
  std::vector<Bytes> items;
  while (!pump.take(1, items)) {
    if (!items.empty() && items.size() < 5) continue;
    ASSERT_TRUE(waker.sleep(std::chrono::seconds{60})) << "nobody woke the loop";
  }
  EXPECT_EQ(items.size(), 5U);
}

TEST(SourcePump, SaysWhenTheSourceDoesNotComeBack) {
  struct Stuck final : TaskSource {
    std::atomic<bool>&pulled, &stuck;
    Stuck(std::atomic<bool>& pulled_flag, std::atomic<bool>& stuck_flag)
        : pulled{pulled_flag}, stuck{stuck_flag} {}
    Pull pull(Bytes&) override {
      pulled = true;
      stuck.wait(true);
      return Pull::end;
    }
  };
  std::atomic<bool> pulled = false, stuck = true;
  Waker waker;
  SourcePump pump{std::make_unique<Stuck>(pulled, stuck), waker};
  EXPECT_TRUE(eventually([&] { return pulled.load(); }));
  EXPECT_FALSE(pump.close());
  stuck = false;
  stuck.notify_all();
  EXPECT_TRUE(eventually([&] { return pump.close(); }));
}

TEST(SourcePump, IsDestroyedWithItemsLeft) {
  for (int i = 0; i < 20; ++i) {
    const PlannedJob job{{.count = 1'000'000}};
    Waker waker;
    SourcePump{job.open_source(), waker};
  }
}

}  // namespace
}  // namespace mpifarm
