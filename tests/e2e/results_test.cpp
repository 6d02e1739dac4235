// `mpifarm results`, and the results file in its formats.

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

using testing::HasSubstr;

const Arguments overflowing{"run", "squares", "--from", "3037000498", "--to", "3037000502"};

std::string results(const Arguments& arguments) {
  const Ended ended = run(mpifarm(Arguments{"results"} + arguments));
  expect_status(ended, 0);
  EXPECT_EQ(ended.err, "");
  return ended.out;
}

class Results : public testing::Test {
 protected:
  Results() { EXPECT_EQ(run(mpifarm(overflowing + Arguments{"--order", "lifo", "--run", run_})).status, 1); }

  const Workspace work_;
  const std::string run_ = work_ / "run";
};

TEST_F(Results, AreThoseOfTheResultsFile) { EXPECT_EQ(results({run_}), results_of(run_)); }

TEST_F(Results, InJsonLines) {
  const std::string text = results({run_, "--format", "jsonl"});
  EXPECT_EQ(text,
            "{\"id\":0,\"status\":\"succeeded\",\"n\":3037000498,\"square\":9223372024852248004}\n"
            "{\"id\":1,\"status\":\"succeeded\",\"n\":3037000499,\"square\":9223372030926249001}\n"
            "{\"id\":2,\"status\":\"failed\",\"message\":\"the square does not fit 64 bits\"}\n"
            "{\"id\":3,\"status\":\"failed\",\"message\":\"the square does not fit 64 bits\"}\n");
}

TEST_F(Results, OfOneStatus) {
  EXPECT_EQ(results({run_, "--status", "failed"}),
            "id,status,n,square,message\n"
            "2,failed,,,the square does not fit 64 bits\n"
            "3,failed,,,the square does not fit 64 bits\n");
  EXPECT_EQ(lines_of(results({run_, "--status", "succeeded"})).size(), 3u);
  EXPECT_EQ(results({run_, "--status", "timed-out"}), "id,status,n,square,message\n");
  EXPECT_EQ(results({run_, "--status", "crashed", "--format", "jsonl"}), "");
}

TEST_F(Results, IntoAFile) {
  EXPECT_EQ(results({run_, "-o", work_ / "out.csv"}), "");
  EXPECT_EQ(read_text(work_ / "out.csv"), results_of(run_));
  EXPECT_EQ(results({"--output=" + (work_ / "out.jsonl").string(), "--format=jsonl", run_}), "");
  EXPECT_EQ(read_text(work_ / "out.jsonl"), results({run_, "--format", "jsonl"}));
}

TEST_F(Results, OfTwoRunsAreMergedById) {
  const std::string other = work_ / "other";
  ASSERT_EQ(run(mpifarm({"run", "squares", "--to", "6", "--order", "shuffle", "--run", other})).status, 0);
  const std::vector<Row> rows = csv_rows(results({run_, other}));
  ASSERT_EQ(rows.size(), 1u + 4 + 6);
  std::vector<std::string> ids;
  for (const Row& row : rows) ids.push_back(row[0]);
  EXPECT_EQ(ids, (std::vector<std::string>{"id", "0", "0", "1", "1", "2", "2", "3", "3", "4", "5"}));
  EXPECT_EQ(rows.back(), (Row{"5", "succeeded", "5", "25", ""}));
}

TEST_F(Results, OfAnUnfinishedRunAreWhatItHas) {
  const std::string stopped = work_ / "stopped";
  Process process{mpifarm({"run", "spin", "--count", "3000", "--wait", "--duration", "0.002", "--threads",
                           "2", "--run", stopped})};
  ASSERT_TRUE(wait_for_outcomes(process, stopped, 20));
  process.kill_all();
  const std::vector<Row> rows = csv_rows(results({stopped}));
  EXPECT_GE(rows.size(), 1u + 20);
  EXPECT_LT(rows.size(), 1u + 3000);
  EXPECT_EQ(rows.size(), 1 + tally_journal(stopped).outcomes);
}

TEST_F(Results, OfDifferentJobsAreRefused) {
  const std::string other = work_ / "other";
  ASSERT_EQ(run(mpifarm({"run", "pi", "--samples", "10", "--run", other})).status, 0);
  expect_refused(run(mpifarm({"results", run_, other})), {"different jobs", "squares", "pi"});
}

TEST(ResultsFile, InJsonLinesEqualsTheExport) {
  const Workspace work;
  const std::string path = work / "run";
  ASSERT_EQ(run(mpirun(2, overflowing + Arguments{"--results", "jsonl", "--run", path})).status, 1);
  EXPECT_FALSE(std::filesystem::exists(work / "run" / "results.csv"));
  const std::string text = read_text(work / "run" / "results.jsonl");
  EXPECT_EQ(text, results({path, "--format", "jsonl"}));
  EXPECT_EQ(lines_of(text).size(), 4u);
}

TEST(ResultsFile, CanBeLeftOut) {
  const Workspace work;
  ASSERT_EQ(run(mpifarm({"run", "squares", "--results", "none", "--run", work / "run"})).status, 0);
  EXPECT_THAT(names_in(work / "run"), testing::Not(testing::Contains(HasSubstr("results"))));
  EXPECT_EQ(csv_rows(results({work / "run"})).size(), 10'001u);
}

TEST(ResultsFile, OfANestedResultIsJsonLines) {
  const Workspace work;
  Command command{{unsteady_job(), "run", "unsteady", "--run", work / "run"}, {{"UNSTEADY_SIZE", "3"}}};
  expect_status(run(command), 0);
  EXPECT_EQ(read_text(work / "run" / "results.jsonl"),
            "{\"id\":0,\"status\":\"succeeded\",\"n\":0,\"parts\":[0,1]}\n"
            "{\"id\":1,\"status\":\"succeeded\",\"n\":1,\"parts\":[1,2]}\n"
            "{\"id\":2,\"status\":\"succeeded\",\"n\":2,\"parts\":[2,3]}\n");
  command.arguments = {unsteady_job(), "run", "unsteady", "--results", "csv", "--run", work / "csv"};
  expect_refused(run(command), {"CSV", "jsonl"});
  EXPECT_FALSE(std::filesystem::exists(work / "csv"));
}

}  // namespace
}  // namespace mpifarm::e2e
