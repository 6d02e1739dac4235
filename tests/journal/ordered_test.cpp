// Outcomes by id, against a sort of all of them.

#include "journal/ordered.hpp"

#include <algorithm>
#include <map>
#include <random>

#include "run_directory.hpp"

namespace mpifarm::journal {
namespace {

struct Entry {
  std::string payload, descriptor;
  bool operator==(const Entry&) const = default;
};
using Entries = std::map<std::uint64_t, Entry>;

// Writes blocks and keeps what should come out: of each position the first.
class Recorder {
 public:
  Recorder(const RunDirectory& run, const Order& order) : writer_{open_segment(run)}, order_{order} {}

  void add(std::uint64_t first, const std::vector<std::string>& payloads, bool described = false) {
    writer_.append_outcomes(outcomes_of(first, payloads, described));
    for (std::size_t i = 0; i < payloads.size(); ++i)
      expected.emplace(order_.id({first + i}).value, Entry{payloads[i], described ? "<" + payloads[i] : ""});
  }
  void finish() { writer_.sync(); }

  Entries expected;

 private:
  Writer writer_;
  Order order_;
};

// Fails when ids do not rise.
Entries read_ordered(const RunDirectory& run, const Order& order, std::size_t memory) {
  OrderedOutcomes outcomes{inspect(run.path()), order, run.path(), memory};
  Entries all;
  for (TaskOutcome task; outcomes.next(task);) {
    EXPECT_TRUE(all.empty() || all.rbegin()->first < task.id.value);
    all.emplace(task.id.value, Entry{std::string{task.payload}, std::string{task.descriptor}});
  }
  TaskOutcome task;
  EXPECT_FALSE(outcomes.next(task)) << "the end stays the end";
  return all;
}

std::vector<std::string> random_payloads(std::mt19937& random, std::size_t count) {
  std::vector<std::string> payloads;
  for (std::size_t i = 0; i < count; ++i)
    payloads.push_back(std::to_string(random()) + std::string(random() % 30 == 0 ? random() % 3000 : 0, 'p'));
  return payloads;
}

constexpr std::size_t memories[] = {0, 100, 3000, 100'000, OrderedOutcomes::default_memory_bytes};

class AnyOrder : public testing::TestWithParam<OrderKind> {};

TEST_P(AnyOrder, RandomBlocksWithGapsAndRepeatsComeOutSorted) {
  std::mt19937 random{3};
  for (int round = 0; round < 12; ++round) {
    const std::uint64_t tasks = 1 + random() % 3000;
    const Order order{GetParam(), tasks, 42, 0, {}};
    const RunDirectory run;
    Recorder recorder{run, order};
    const std::uint64_t longest = 1 + random() % 50;
    for (std::uint64_t written = 0; written < tasks;) {
      const std::uint64_t first = random() % tasks;
      const std::uint64_t count = std::min(tasks - first, 1 + random() % longest);
      recorder.add(first, random_payloads(random, count), round % 2 == 0);
      written += count;
    }
    recorder.finish();
    for (const std::size_t memory : memories)
      ASSERT_EQ(read_ordered(run, order, memory), recorder.expected) << memory;
  }
}

TEST_P(AnyOrder, NearlySortedBlocks) {
  std::mt19937 random{4};
  const Order order{GetParam(), 5000, 1, 0, {}};
  const RunDirectory run;
  Recorder recorder{run, order};
  std::vector<std::uint64_t> firsts;
  for (std::uint64_t first = 0; first < 5000; first += 10) firsts.push_back(first);
  for (std::size_t i = 0; i + 8 < firsts.size(); i += 8) std::shuffle(&firsts[i], &firsts[i + 8], random);
  for (const std::uint64_t first : firsts) recorder.add(first, random_payloads(random, 10));
  recorder.finish();
  for (const std::size_t memory : memories)
    ASSERT_EQ(read_ordered(run, order, memory), recorder.expected) << memory;
}

INSTANTIATE_TEST_SUITE_P(Kinds, AnyOrder,
                         testing::Values(OrderKind::fifo, OrderKind::lifo, OrderKind::shuffle));

TEST(OrderedOutcomes, NothingIsNothing) {
  const RunDirectory run;
  EXPECT_TRUE(read_ordered(run, Order{}, 1000).empty());
  write_segment(run, {Started{}, outcomes_of(5, {}), Sealed{}});
  EXPECT_TRUE(read_ordered(run, Order{}, 1000).empty());
}

TEST(OrderedOutcomes, FailuresKeepTheirKind) {
  const RunDirectory run;
  Outcomes outcomes = outcomes_of(0, {"fine"});
  append_entry(outcomes.block.entries, Outcome::timed_out, "too slow");
  ++outcomes.block.count;
  write_segment(run, {outcomes});
  for (const OrderKind kind : {OrderKind::fifo, OrderKind::lifo}) {
    OrderedOutcomes ordered{inspect(run.path()), Order{kind, 2, 0, 0, {}}, run.path()};
    TaskOutcome task;
    while (ordered.next(task) && task.outcome == Outcome::succeeded) {
    }
    EXPECT_EQ(task.outcome, Outcome::timed_out);
    EXPECT_EQ(task.payload, "too slow");
  }
}

TEST(OrderedOutcomes, ShortBlocksHeldBackSurvive) {
  // Strings short enough to live inside their objects move with them.
  const RunDirectory run;
  Recorder recorder{run, Order{}};
  for (const std::uint64_t first : {9, 3, 7, 1, 5, 8, 2, 6, 4, 0}) recorder.add(first, {"a"}, true);
  recorder.finish();
  EXPECT_EQ(read_ordered(run, Order{}, 100'000), recorder.expected);
}

TEST(OrderedOutcomes, ARepeatOfWhatIsOutAlreadyIsDroppedWhenSortingStarts) {
  const RunDirectory run;
  Recorder recorder{run, Order{}};
  recorder.add(0, {"a", "b", "c"});
  recorder.add(10, {std::string(2000, 'x'), "y"});
  recorder.add(1, {"late", "late", "d"});
  recorder.finish();
  EXPECT_EQ(read_ordered(run, Order{}, 1000), recorder.expected);
}

TEST(OrderedOutcomes, BlocksThatMiscountAreDamage) {
  for (const std::uint64_t count : {std::uint64_t{1}, std::uint64_t{3}, ~std::uint64_t{0}}) {
    for (const OrderKind kind : {OrderKind::fifo, OrderKind::lifo}) {
      const RunDirectory run;
      Outcomes outcomes = outcomes_of(1, {"a", "b"});
      outcomes.block.count = count;
      write_segment(run, {outcomes});
      EXPECT_THROW(read_ordered(run, Order{kind, 10, 0, 0, {}}, 1000), Damaged) << count;
    }
  }
}

TEST(OrderedOutcomes, LeavesNoScratchBehind) {
  const RunDirectory run;
  std::mt19937 random{5};
  Recorder recorder{run, Order{}};
  for (std::uint64_t first = 1000; first-- > 0;) recorder.add(first, random_payloads(random, 1));
  recorder.finish();
  OrderedOutcomes outcomes{inspect(run.path()), Order{}, run.path(), 1000};
  TaskOutcome task;
  ASSERT_TRUE(outcomes.next(task));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{run.path()}, {}), 1) << "only the journal";
}

TEST(Sorter, ManyRunsMergeInPassesAndTheFirstOfEqualKeysStays) {
  const RunDirectory run;
  std::mt19937 random{6};
  Sorter sorter{run.path(), 64};
  std::map<std::uint64_t, std::string> expected;
  for (int i = 0; i < 150'000; ++i) {
    const std::uint64_t key = random() % 100'000;
    const std::string body = std::to_string(i);
    std::ranges::copy(body, sorter.add(key, body.size()));
    expected.emplace(key, body);
  }
  EXPECT_GT(sorter.runs(), 256u * 256u / 2);
  sorter.finish();
  std::uint64_t key = 0;
  BytesView body;
  for (const auto& [wanted, content] : expected) {
    ASSERT_TRUE(sorter.next(key, body));
    ASSERT_EQ(key, wanted);
    ASSERT_EQ(body, content);
  }
  EXPECT_FALSE(sorter.next(key, body));
  EXPECT_FALSE(sorter.next(key, body));
}

}  // namespace
}  // namespace mpifarm::journal
