// A shard of a list or a stream that was interrupted has, once it is resumed, the ids, the failures and the
// digest of one that was not.

#include <fmt/format.h>

#include <csignal>
#include <tuple>

#include "support/exec_run.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::SizeIs;

const std::vector<std::string> orders{"fifo", "lifo", "shuffle"};

// The lists and files of all tests, with a third of them in the shard.
constexpr int lines_in_list = 180, files_in_tree = 120;

void write_sources(const fs::path& directory) {
  std::string commands, numbers = "n\n";
  for (int i = 0; i < lines_in_list; ++i) {
    commands += fmt::format("sleep 0.03; echo {0}; [ $(({0} % 7)) != 3 ]\n", i);
    numbers += fmt::format("{}\n", i);
  }
  write_text(directory / "commands", commands);
  write_text(directory / "numbers.csv", numbers);
  fs::create_directory(directory / "tree");
  for (int i = 0; i < files_in_tree; ++i) {
    const fs::path file = directory / "tree" / fmt::format("file{:03}", i);
    write_text(file, fmt::format("{}", i));
    fs::resize_file(file, 24'000'000);
  }
}

// A job that takes a second or more on one slot, with some failures where it has any.
const std::map<std::string, Arguments>& sources() {
  static const std::map<std::string, Arguments> all{
      {"list", {"spin", "--tasks", "numbers.csv", "--wait", "--duration", "0.05", "--fail-rate", "0.1"}},
      {"commands", {"exec", "--commands", "commands"}},
      {"tree", {"checksum", "--path", "tree", "--algorithm", "md5"}}};
  return all;
}

// All that a run of a shard answers.
struct Answer {
  std::string digest;
  std::vector<std::string> rows;      // `id,status` of each task
  std::vector<std::string> failures;  // of each group: its size, its first task
};

bool operator==(const Answer& left, const Answer& right) {
  return left.digest == right.digest && left.rows == right.rows && left.failures == right.failures;
}
void PrintTo(const Answer& answer, std::ostream* out) {
  *out << answer.digest << ' ' << testing::PrintToString(answer.failures) << ' '
       << testing::PrintToString(answer.rows);
}

Answer answer_of(const fs::path& run) {
  const Json summary = summary_of(run);
  EXPECT_EQ(summary.text("status"), "complete");
  Answer answer{summary.text("digest"), {}, {}};
  for (const Row& row : csv_rows(results_of(run))) answer.rows.push_back(row.at(0) + ',' + row.at(1));
  for (const Json& group : summary.list("failures"))
    answer.failures.push_back(fmt::format("{} from {} on: {}", group.text("count"), group.text("first_task"),
                                          group.text("message")));
  EXPECT_FALSE(tally_journal(run).repeated) << "a task has two outcomes";
  return answer;
}

class ShardResume : public testing::Test {
 protected:
  ShardResume() { write_sources(work_.path()); }

  Command in_work(Command command) const {
    command.directory = work_.path();
    return command;
  }
  Command shard(int ranks, const Arguments& job, const std::string& run, const Arguments& more = {}) const {
    return in_work(on_ranks(
        ranks, Arguments{"run"} + job + Arguments{"--run", run, "--shard", part_, "--quiet"} + more));
  }
  Answer undisturbed(const Arguments& job, const Arguments& more = {"--threads", "16"}) const {
    const Ended ended = run(shard(0, job, "undisturbed", more));
    EXPECT_LE(ended.status, 1) << ended.err;
    return answer_of(work_ / "undisturbed");
  }
  void interrupt(const Command& command, const std::string& run, std::uint64_t outcomes) const {
    Process process{command};
    EXPECT_TRUE(wait_for_outcomes(process, work_ / run, outcomes)) << "it ended before it was killed";
    ::kill(lock_holder(work_ / run), SIGKILL);  // first: whoever writes to its pipe would end its source
    process.kill_all();
  }
  void resume(int ranks, const std::string& run, const Arguments& more = {}) const {
    const Ended ended =
        e2e::run(in_work(on_ranks(ranks, Arguments{"resume", run, "--threads", "8", "--quiet"} + more)));
    EXPECT_LE(ended.status, 1) << ended.err;
    EXPECT_FALSE(ended.late);
  }

  const Workspace work_;
  std::string part_ = "2/3";
};

class KilledShard : public ShardResume,
                    public testing::WithParamInterface<std::tuple<std::string, std::string, int>> {};

TEST_P(KilledShard, HasTheAnswerOfOneThatWasNot) {
  const auto& [source, order, ranks] = GetParam();
  const Arguments& job = sources().at(source);
  const Answer wanted = undisturbed(job);
  const Arguments flags{"--order", order, "--threads", "1", "--batch", "1"};
  interrupt(shard(ranks, job, "killed", flags), "killed", 9);
  resume(ranks, "killed");
  EXPECT_GE(summary_of(work_ / "killed").whole("resumed"), 9u);
  EXPECT_EQ(answer_of(work_ / "killed"), wanted);
}

INSTANTIATE_TEST_SUITE_P(Sources, KilledShard,
                         testing::Combine(testing::Values("list", "commands", "tree"),
                                          testing::ValuesIn(orders), testing::Values(0, 3)),
                         [](const auto& all) {
                           return fmt::format("{}_{}_on{}", std::get<0>(all.param), std::get<1>(all.param),
                                              std::get<2>(all.param));
                         });

TEST_F(ShardResume, AfterManyKillsHasTheSameAnswer) {
  const Arguments& job = sources().at("commands");
  const Answer wanted = undisturbed(job);
  const Arguments flags{"--order", "shuffle", "--threads", "1", "--batch", "1"};
  interrupt(shard(0, job, "killed", flags), "killed", 5);
  interrupt(in_work(mpifarm({"resume", "killed", "--threads", "1"})), "killed", 15);
  interrupt(in_work(mpirun(2, {"resume", "killed", "--threads", "1"})), "killed", 25);
  resume(0, "killed");
  EXPECT_EQ(summary_of(work_ / "killed").whole("starts"), 4u);
  EXPECT_EQ(answer_of(work_ / "killed"), wanted);
}

TEST_F(ShardResume, AfterAStopHasTheSameAnswer) {
  const Arguments& job = sources().at("list");
  const Answer wanted = undisturbed(job);
  Process process{shard(0, job, "stopped", {"--order", "lifo", "--threads", "1", "--batch", "1"})};
  ASSERT_TRUE(wait_for_outcomes(process, work_ / "stopped", 9));
  expect_status(run(in_work(mpifarm({"stop", "stopped"}))), 0);
  expect_status(process.wait(), 75);
  resume(2, "stopped");
  EXPECT_EQ(answer_of(work_ / "stopped"), wanted);
}

TEST_F(ShardResume, AfterAHaltHasTheSameAnswer) {
  const Arguments& job = sources().at("list");
  const Answer wanted = undisturbed(job);
  for (const int ranks : {0, 3}) {
    SCOPED_TRACE(ranks);
    const std::string path = fmt::format("halted{}", ranks);
    const Arguments halt{"--halt", "soon,fail=2", "--batch", "1", "--threads", "1"};
    expect_status(run(shard(ranks, job, path, halt)), 1);
    ASSERT_EQ(summary_of(work_ / path).text("status"), "unfinished");
    resume(ranks, path, {"--halt", "never"});
    EXPECT_EQ(answer_of(work_ / path), wanted);
  }
}

TEST_F(ShardResume, OfAPipeHasTheSameAnswer) {
  const Arguments& job = sources().at("list");
  const Answer wanted = undisturbed(job);
  for (const auto& [ranks, order] : {std::pair{0, "shuffle"}, std::pair{3, "fifo"}}) {
    SCOPED_TRACE(fmt::format("{} on {}", order, ranks));
    const std::string path = fmt::format("{}{}", order, ranks);
    const std::string line = fmt::format(
        "exec $MPIFARM run spin --tasks - --wait --duration 0.05 --fail-rate 0.1 --batch 1 "
        "--order {} --shard 2/3 --quiet --run {}",
        order, path);
    interrupt(in_work(shell(ranks, line + " --threads 1 < numbers.csv")), path, 9);
    expect_status(run(in_work(shell(ranks, line + " --threads 8 --continue < numbers.csv"))), 1);
    EXPECT_GE(summary_of(work_ / path).whole("resumed"), 9u);
    EXPECT_EQ(answer_of(work_ / path), wanted);
  }
}

// There are more rows than a window of --order holds; half of them come before the kill.
TEST_F(ShardResume, OfALongPipeHasTheSameAnswer) {
  std::string text = "n\n";
  for (int i = 0; i < 40'000; ++i) text += i % 1000 == 400 ? "3037000500\n" : std::to_string(i) + "\n";
  write_text(work_ / "rows.csv", text);
  const Answer wanted = undisturbed({"squares", "--tasks", "rows.csv"});
  ASSERT_THAT(wanted.failures, SizeIs(1));
  for (const std::string& order : orders) {
    SCOPED_TRACE(order);
    const std::string line =
        fmt::format("$MPIFARM run squares --tasks - --order {0} --shard 2/3 --quiet --run {0} ", order);
    interrupt(in_work(shell(0, "(head -n 20001 rows.csv; exec sleep 1000) | " + line)), order, 2000);
    expect_status(run(in_work(shell(2, line + " --continue < rows.csv"))), 1);
    EXPECT_GE(summary_of(work_ / order).whole("resumed"), 2000u);
    EXPECT_EQ(answer_of(work_ / order), wanted);
  }
}

TEST_F(ShardResume, ThatReusesARunHasTheAnswerOfItsOwn) {
  const Arguments& job = sources().at("commands");
  const Answer wanted = undisturbed(job);
  const Ended whole = run(
      in_work(mpifarm(Arguments{"run"} + job + Arguments{"--threads", "16", "--run", "whole", "--quiet"})));
  expect_status(whole, 1);
  for (const std::string& order : orders) {
    SCOPED_TRACE(order);
    expect_status(run(shard(0, job, order, {"--reuse", "whole", "--order", order, "--threads", "8"})), 1);
    EXPECT_GT(summary_of(work_ / order).whole("resumed"), 0u);
    EXPECT_EQ(answer_of(work_ / order), wanted);
  }
}

// Each third is killed and resumed before they are merged.
TEST_F(ShardResume, MakesTheWholeOfTheSameAnswer) {
  const Arguments& job = sources().at("commands");
  Arguments merge{"merge"};
  for (const std::string number : {"1", "2", "3"}) {
    part_ = number + "/3";
    interrupt(shard(0, job, number, {"--order", "lifo", "--threads", "1", "--batch", "1"}), number, 4);
    resume(0, number);
    merge.push_back(number);
  }
  expect_status(run(in_work(mpifarm(merge + Arguments{"--run", "merged"}))), 1);
  const Ended whole = run(
      in_work(mpifarm(Arguments{"run"} + job + Arguments{"--threads", "16", "--run", "whole", "--quiet"})));
  expect_status(whole, 1);
  EXPECT_EQ(answer_of(work_ / "merged"), answer_of(work_ / "whole"));
}

}  // namespace
}  // namespace mpifarm::e2e
