// A run of an older program, whose Result of exec had fewer fields, is read and carried on by this one. Its
// files were written by commit 7574aa5: four commands, of which the third failed.

#include "support/exec_run.hpp"

namespace mpifarm::e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class GoldenRun : public ExecRun {
 protected:
  GoldenRun() {
    const std::filesystem::path golden = MPIFARM_GOLDEN_RUN;
    std::filesystem::create_directories(work_ / "run/output");
    for (const char* name : {"run.json", "journal"})
      std::filesystem::copy_file(golden / name, work_ / "run" / name);
    std::filesystem::copy_file(golden / "pack", work_ / "run/output/1-0");
    for (Row row : csv_rows(read_text(golden / "results.csv"))) old_rows_.push_back(std::move(row));
  }

  // The columns of then are those of now, but for new ones before the message.
  void expect_old_cells(const std::vector<Row>& rows) const {
    ASSERT_EQ(rows.size(), old_rows_.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::size_t shared = old_rows_[i].size() - 1;
      for (std::size_t cell = 0; cell < shared; ++cell) EXPECT_EQ(rows[i].at(cell), old_rows_[i][cell]);
      EXPECT_EQ(rows[i].back(), old_rows_[i].back());
    }
  }

  const std::string old_digest_ = "86551a07b719952e892c0823ee8da4a9";
  std::vector<Row> old_rows_;
};

TEST_F(GoldenRun, HasItsResultsAndTheDefaultsOfNewColumns) {
  const Ended ended = run(mpifarm({"results", path_}));
  expect_status(ended, 0);
  expect_old_cells(csv_rows(ended.out));
  const std::vector<Row> rows = csv_rows(ended.out);
  const auto at = static_cast<std::size_t>(std::ranges::find(rows[0], "left_running") - rows[0].begin());
  for (std::size_t i = 1; i < rows.size(); ++i) EXPECT_EQ(rows[i].at(at), "0");
}

TEST_F(GoldenRun, ShowsWhatItsCommandsWrote) {
  EXPECT_EQ(output(), "out 1\nout 2\nout 3\nout 4\n");
  EXPECT_EQ(output({"--stderr"}), "err 1\nerr 2\nerr 3\nerr 4\n");
  EXPECT_EQ(status_of(path_).whole("failed"), 1u);
}

TEST_F(GoldenRun, HasTheDigestItHad) {
  const Ended ended = run(mpifarm({"resume", path_}));
  expect_status(ended, 1);
  EXPECT_EQ(digest_of(path_), old_digest_);
}

TEST_F(GoldenRun, IsCarriedOn) {
  expect_status(run(mpifarm({"resume", path_, "--redo", "failed"})), 1);
  EXPECT_EQ(digest_of(path_), old_digest_);
  EXPECT_EQ(output(), "out 1\nout 2\nout 3\nout 4\n");
  EXPECT_EQ(summary_of(path_).whole("resumed"), 3u);
}

TEST_F(GoldenRun, IsThatOfTheSameCommandGivenAgain) {
  const Ended ended = run(exec(0, {"--continue", "--param", "n=1..4", "--shell", "--",
                                   "echo out {n}; echo err {n} >&2; [ {n} != 3 ]"}));
  expect_status(ended, 1);
  EXPECT_EQ(digest_of(path_), old_digest_);
}

}  // namespace
}  // namespace mpifarm::e2e
