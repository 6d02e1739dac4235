// The golden pairs, and a million of them.

#include <fstream>

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

TEST(SquaresRun, HasTheGoldenPairs) {
  const Workspace work;
  expect_status(run(mpirun(2, {"run", "squares", "--to", "8000", "--run", work / "run"})), 0);
  const std::vector<Row> rows = csv_rows(results_of(work / "run"));
  ASSERT_EQ(rows.size(), 8001u);
  const std::vector<std::pair<std::size_t, std::string>> golden{
      {3411, "11634921"}, {1605, "2576025"},  {1398, "1954404"}, {4729, "22363441"}, {5300, "28090000"},
      {7471, "55815841"}, {7866, "61873956"}, {339, "114921"},   {68, "4624"}};
  for (const auto& [n, square] : golden)
    EXPECT_EQ(rows[n + 1], (Row{std::to_string(n), "succeeded", std::to_string(n), square, ""}));
}

TEST(SquaresRun, OfAMillionHasEveryRowOnceInOrder) {
  const Workspace work;
  expect_status(run(mpirun(3, {"run", "squares", "--from", "0", "--to", "1000000", "--run", work / "run"})),
                0);
  std::ifstream file{work / "run" / "results.csv"};
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "id,status,n,square,message");
  unsigned __int128 sum = 0;
  std::uint64_t n = 0;
  for (; std::getline(file, line); ++n) {
    const std::string id = std::to_string(n), square = std::to_string(n * n);
    ASSERT_EQ(line, id + ",succeeded," + id + "," + square + ",");
    sum += std::stoull(square);
  }
  EXPECT_EQ(n, 1'000'000u);
  EXPECT_TRUE(sum == static_cast<unsigned __int128>(333'332'833'333'500'000));
}

TEST(SquaresRun, BeyondSixtyFourBitsFailsWithAMessage) {
  const Workspace work;
  const Ended ended =
      run(mpirun(2, {"run", "squares", "--from", "3037000499", "--to", "3037000502", "--run", work / "run"}));
  expect_status(ended, 1);
  EXPECT_EQ(results_of(work / "run"),
            "id,status,n,square,message\n"
            "0,succeeded,3037000499,9223372030926249001,\n"
            "1,failed,,,the square does not fit 64 bits\n"
            "2,failed,,,the square does not fit 64 bits\n");
  const Json summary = summary_of(work / "run");
  EXPECT_EQ(summary.text("status"), "complete");
  EXPECT_EQ(summary.whole("succeeded"), 1u);
  EXPECT_EQ(summary.whole("failed"), 2u);
  EXPECT_EQ(ended.out, "largest square: 9223372030926249001\n");
}

TEST(SquaresRun, ReachesTheEndsOfTheRange) {
  const Workspace work;
  const Ended ended = run(mpifarm({"run", "squares", "--from", "-9223372036854775808", "--to",
                                   "-9223372036854775805", "--run", work / "run"}));
  expect_status(ended, 1);
  EXPECT_EQ(summary_of(work / "run").whole("failed"), 3u);
}

TEST(SquaresRun, OfNothingIsASuccess) {
  for (const int ranks : {0, 1, 3}) {
    SCOPED_TRACE(ranks);
    const Workspace work;
    const Ended ended =
        run(on_ranks(ranks, {"run", "squares", "--from", "5", "--to", "5", "--run", work / "run"}));
    expect_status(ended, 0);
    EXPECT_EQ(results_of(work / "run"), "id,status,n,square,message\n");
    EXPECT_EQ(summary_of(work / "run").whole("tasks"), 0u);
    EXPECT_EQ(summary_of(work / "run").text("status"), "complete");
  }
}

}  // namespace
}  // namespace mpifarm::e2e
