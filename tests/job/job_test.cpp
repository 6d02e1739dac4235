// A job of each kind through its erased interface: sources, computing, folding, the digest's view, columns.

#include <gtest/gtest.h>

#include <list>
#include <map>
#include <optional>

#include "support/expect.hpp"
#include "support/sample_jobs.hpp"

namespace mpifarm {
namespace {

using support::message_of;
using support::Numbers;
using support::Words;

struct Spot {
  double x = 0;
  std::vector<std::int32_t> tags;
  bool operator==(const Spot&) const = default;
};
BOOST_DESCRIBE_STRUCT(Spot, (), (x, tags))

// Sequential by a vector; every kind of field; concludes with the run directory.
struct Nested {
  static constexpr auto name = "nested";
  static constexpr auto summary = "Fields of every kind";
  static constexpr bool repeatable = false;
  static constexpr auto measured = {"seconds", "host"};

  struct Params {
    std::vector<std::string> words{"a", "b"};
    std::optional<std::int64_t> limit;
    bool loud = false;
  };
  struct Task {
    std::string word;
    std::optional<Spot> spot;
  };
  struct Result {
    double seconds = 0;
    std::string text;
    std::vector<Spot> spots;
    std::map<std::string, std::int64_t> counts;
    std::string host;
  };

  explicit Nested(const Params& params) : params_{params} {}
  std::vector<Task> tasks() const {
    std::vector<Task> all;
    for (const std::string& word : params_.words) all.push_back({word, Spot{0.5, {1, 2}}});
    return all;
  }
  Result compute(const Task& task, Context& context) const {
    if (task.word == "int") throw 5;
    return {context.random().uniform(),
            task.word,
            {*task.spot},
            {{task.word, params_.limit.value_or(-1)}},
            "here"};
  }
  std::string conclude(const std::filesystem::path& run) const { return "wrote to " + run.string(); }

 private:
  Params params_;
};
BOOST_DESCRIBE_STRUCT(Nested::Params, (), (words, limit, loud))
BOOST_DESCRIBE_STRUCT(Nested::Task, (), (word, spot))
BOOST_DESCRIBE_STRUCT(Nested::Result, (), (seconds, text, spots, counts, host))

// The least a job can be; its tasks are a member that stays.
struct Least {
  static constexpr auto name = "least";
  static constexpr auto summary = "A list that stays";
  struct Params {};
  struct Task {
    int n;
  };
  struct Result {};
  explicit Least(const Params&) {}
  const std::list<Task>& tasks() const { return tasks_; }
  Result compute(const Task&, Context&) const { return {}; }

 private:
  std::list<Task> tasks_{{1}, {2}, {3}};
};
BOOST_DESCRIBE_STRUCT(Least::Params, (), ())
BOOST_DESCRIBE_STRUCT(Least::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Least::Result, (), ())

template <class Job>
std::unique_ptr<AnyJob> make(const std::vector<describe::GivenFlag>& flags = {}) {
  return job_type<Job>().make(job_type<Job>().params_from_flags(flags));
}

std::vector<Bytes> pull_all(const AnyJob& job) {
  std::vector<Bytes> all;
  const auto source = job.open_source();
  for (Bytes descriptor; source->pull(descriptor) == TaskSource::Pull::item;) all.push_back(descriptor);
  return all;
}

OutcomeEntry compute(const AnyJob& job, Bytes& entries, TaskId id, BytesView descriptor = {},
                     std::uint64_t seed = 1) {
  Context context{seed, {}, nullptr};
  context.next_task(id, 1);
  entries.clear();
  job.compute(descriptor, context, entries);
  BytesView rest = entries;
  const OutcomeEntry entry = take_entry(rest);
  EXPECT_TRUE(rest.empty());
  return entry;
}

TEST(JobType, SaysWhatTheJobIs) {
  const JobType& numbers = job_type<Numbers>();
  EXPECT_EQ(numbers.name(), "numbers");
  EXPECT_EQ(numbers.summary(), "Random numbers, a filler, and failures at will");
  EXPECT_TRUE(numbers.indexed() && numbers.repeatable() && numbers.has_reduce() && numbers.has_conclude());
  EXPECT_TRUE(numbers.flat_result());
  EXPECT_EQ(numbers.result_columns(), (std::vector<std::string>{"n", "random", "attempt", "filler"}));
  EXPECT_EQ(numbers.task_columns(), std::vector<std::string>{"n"});
  const JobType& nested = job_type<Nested>();
  EXPECT_FALSE(nested.indexed() || nested.repeatable() || nested.has_reduce() || nested.flat_result());
  EXPECT_TRUE(nested.has_conclude());
  EXPECT_EQ(nested.measured().size(), 2U);
  const JobType& least = job_type<Least>();
  EXPECT_FALSE(least.indexed() || least.has_reduce() || least.has_conclude());
  EXPECT_TRUE(least.repeatable() && least.flat_result());
  EXPECT_TRUE(least.flags().empty());
}

TEST(JobType, ParamsComeFromFlagsAndFromTheManifest) {
  const JobType& type = job_type<Nested>();
  EXPECT_EQ(type.flags().size(), 3U);
  const std::vector<describe::GivenFlag> flags{
      {"--words", "x"}, {"--words", "y"}, {"--limit", "5"}, {"--loud", ""}};
  const Bytes params = type.params_from_flags(flags);
  const auto unpacked = unpack<Nested::Params>(params);
  EXPECT_EQ(unpacked.words, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(unpacked.limit, 5);
  EXPECT_TRUE(unpacked.loud);
  const describe::Value value = type.params_to_value(params);
  EXPECT_EQ(describe::to_json(value), R"({"words":["x","y"],"limit":5,"loud":true})");
  EXPECT_EQ(type.params_from_value(value), params);
  EXPECT_THROW(type.params_from_flags(std::vector<describe::GivenFlag>{{"--wrods", "x"}}), BadInput);
  EXPECT_EQ(message_of<BadInput>([] { make<Numbers>({{"--refuse", "not today"}}); }), "not today");
}

TEST(IndexedJob, MakesEveryTaskByItself) {
  const auto job = make<Numbers>({{"--count", "5"}, {"--offset", "100"}});
  EXPECT_EQ(job->size(), 5U);
  EXPECT_EQ(job->open_source(), nullptr);
  Bytes descriptor = "left from before";
  job->make_task({3}, descriptor);
  EXPECT_EQ(unpack<Numbers::Task>(descriptor).n, 103U);
  Bytes entries;
  const auto result = unpack<Numbers::Result>(compute(*job, entries, {4}, "ignored").payload);
  EXPECT_EQ(result.n, 104U);
}

TEST(IndexedJob, AThrowIsAFailedAttemptWithItsMessage) {
  const auto job = make<Numbers>({{"--fail-every", "3"}});
  Bytes entries;
  const OutcomeEntry entry = compute(*job, entries, {2});
  EXPECT_EQ(entry.outcome, Outcome::failed);
  EXPECT_EQ(entry.payload, "task 2 fails");
}

TEST(IndexedJob, ResultsOfEveryLengthAreWhole) {
  for (const std::size_t size : {0, 1, 100, 103, 104, 127, 128, 16'383, 16'384, 20'000}) {
    const auto job = make<Numbers>({{"--filler-bytes", std::to_string(size)}});
    Bytes entries;
    const OutcomeEntry entry = compute(*job, entries, {7});
    EXPECT_EQ(entry.outcome, Outcome::succeeded);
    EXPECT_EQ(unpack<Numbers::Result>(entry.payload).filler, std::string(size, 'x'));
  }
}

TEST(SequentialJob, TasksOfAVectorARangeAndAListArePulledInOrder) {
  std::vector<std::string> words;
  for (const Bytes& descriptor : pull_all(*make<Nested>({{"--words", "x"}, {"--words", "y"}})))
    words.push_back(unpack<Nested::Task>(descriptor).word);
  EXPECT_EQ(words, (std::vector<std::string>{"x", "y"}));
  words.clear();
  const auto lazy = make<Words>({{"--count", "3"}});
  EXPECT_FALSE(lazy->size().has_value());
  for (const Bytes& descriptor : pull_all(*lazy)) words.push_back(unpack<Words::Task>(descriptor).word);
  EXPECT_EQ(words, (std::vector<std::string>{"word 0", "word 1", "word 2"}));
  EXPECT_EQ(pull_all(*lazy).size(), 3U) << "a source can be opened again";
  EXPECT_EQ(pull_all(*make<Least>()).size(), 3U);
  EXPECT_TRUE(pull_all(*make<Words>({{"--count", "0"}})).empty());
}

TEST(SequentialJob, ALazyRangeIsPulledOneByOne) {
  const auto job = make<Words>({{"--count", "18446744073709551615"}, {"--broken-at", "2"}});
  const auto source = job->open_source();
  Bytes descriptor;
  EXPECT_EQ(source->pull(descriptor), TaskSource::Pull::item);
  EXPECT_EQ(source->pull(descriptor), TaskSource::Pull::item);
  EXPECT_EQ(message_of<BadInput>([&] { source->pull(descriptor); }), "line 2 is broken");
}

TEST(SequentialJob, ComputesWhatIsInTheDescriptor) {
  const auto job = make<Nested>({{"--limit", "9"}});
  Bytes entries;
  const auto result =
      unpack<Nested::Result>(compute(*job, entries, {0}, pack(Nested::Task{"w", Spot{1.5, {7}}})).payload);
  EXPECT_EQ(result.text, "w");
  EXPECT_EQ(result.spots, std::vector<Spot>{(Spot{1.5, {7}})});
  EXPECT_EQ(result.counts.at("w"), 9);
  EXPECT_EQ(compute(*job, entries, {0}, pack(Nested::Task{"int", {}})).payload,
            "threw something that is no std::exception");
  EXPECT_EQ(compute(*job, entries, {0}, "damaged").outcome, Outcome::failed);
}

TEST(Fold, SeesTasksAndResults) {
  auto numbers = make<Numbers>(), again = make<Numbers>();
  Numbers direct{{}};
  for (std::uint64_t i = 0; i < 10; ++i) {
    Bytes entries;
    const Bytes result{compute(*numbers, entries, {i}).payload};
    numbers->reduce({i}, {}, result);
    again->reduce({i}, {}, result);
    direct.reduce({i}, unpack<Numbers::Result>(result));
  }
  EXPECT_EQ(numbers->conclude({}), direct.conclude());
  EXPECT_EQ(again->conclude({}), direct.conclude());
  auto words = make<Words>();
  words->reduce({0}, pack(Words::Task{"ab"}), pack(Words::Result{"ba"}));
  EXPECT_EQ(words->conclude({}), "1 ab=ba;");
  EXPECT_EQ(make<Nested>()->conclude("runs/x"), "wrote to runs/x");
  EXPECT_EQ(make<Least>()->conclude({}), "");
}

TEST(ContextRandom, IsEqualForEqualSeedAndId) {
  const auto job = make<Numbers>();
  Bytes entries;
  const auto random_of = [&](std::uint64_t id, std::uint64_t seed) {
    return unpack<Numbers::Result>(compute(*job, entries, {id}, {}, seed).payload).random;
  };
  EXPECT_EQ(random_of(3, 1), random_of(3, 1));
  EXPECT_NE(random_of(3, 1), random_of(4, 1));
  EXPECT_NE(random_of(3, 1), random_of(3, 2));
}

TEST(DigestView, LeavesOutWhatIsMeasured) {
  const JobType& type = job_type<Nested>();
  Nested::Result result{1.5, "text", {}, {{"a", 1}}, "here"};
  const Bytes before = pack(result);
  result.seconds = 2.5;
  result.host = "there";
  const Bytes elsewhere = pack(result);
  result.text = "other";
  Bytes a, b, c;
  EXPECT_NE(before, elsewhere);
  EXPECT_EQ(type.digest_view(before, a), type.digest_view(elsewhere, b));
  EXPECT_NE(type.digest_view(before, a), type.digest_view(pack(result), c));
  EXPECT_EQ(job_type<Words>().digest_view("as it is", a), "as it is");
}

TEST(ResultText, IsCsvCellsOrAJsonObject) {
  Bytes text;
  job_type<Numbers>().append_result_csv(text, pack(Numbers::Result{1, 2, 3, "a,b"}));
  EXPECT_EQ(text, ",1,2,3,\"a,b\"");
  text.clear();
  job_type<Nested>().append_result_json(text, pack(Nested::Result{0.5, "t", {{1, {2}}}, {{"k", 3}}, "h"}));
  EXPECT_EQ(text, R"({"seconds":0.5,"text":"t","spots":[{"x":1,"tags":[2]}],"counts":{"k":3},"host":"h"})");
  text.clear();
  job_type<Nested>().append_task_json(text, pack(Nested::Task{"w", {}}));
  EXPECT_EQ(text, R"({"word":"w","spot":null})");
}

}  // namespace
}  // namespace mpifarm
