// What a run leaves, where it says what, and who may read it.

#include <sys/stat.h>

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(RunDirectory, HasItsFilesForItsOwnerOnly) {
  for (const int ranks : {0, 3}) {
    const Workspace work;
    expect_status(run(on_ranks(ranks, {"run", "squares", "--to", "50", "--run", work / "run"})), 0);
    EXPECT_THAT(names_in(work / "run"),
                ElementsAre("journal", "log.txt", "results.csv", "run.json", "status.json", "summary.json"));
    EXPECT_THAT(work.names(), ElementsAre("run"));
    struct stat status {};
    ASSERT_EQ(stat((work / "run").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700u);
    for (const std::string& name : names_in(work / "run")) {
      ASSERT_EQ(stat((work / "run" / name).c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 077, 0u) << name << " is open to others";
    }
  }
}

TEST(RunDirectory, ManifestSaysWhatTheRunIs) {
  const Workspace work;
  expect_status(
      run(mpirun(2, {"run", "squares", "--from", "3", "--to", "9", "--seed", "18446744073709551615",
                     "--order", "shuffle", "--retries", "2", "--durability", "sync", "--run", work / "run"})),
      0);
  const Json manifest = Json::file(work / "run" / "run.json");
  EXPECT_EQ(manifest.text("job"), "squares");
  EXPECT_EQ(manifest.object("params").whole("from"), 3u);
  EXPECT_EQ(manifest.object("params").whole("to"), 9u);
  EXPECT_EQ(manifest.whole("tasks"), 6u);
  EXPECT_EQ(manifest.whole("seed"), 18446744073709551615u);
  EXPECT_EQ(manifest.text("order"), "shuffle");
  EXPECT_EQ(manifest.whole("retries"), 2u);
  EXPECT_EQ(manifest.text("durability"), "sync");
  EXPECT_EQ(manifest.whole("ranks"), 2u);
  EXPECT_EQ(manifest.text("version"), MPIFARM_VERSION);
  EXPECT_NE(manifest.text("source_digest"), "");
}

TEST(RunDirectory, IsNamedAfterJobAndTimeByDefault) {
  const Workspace work;
  Command command = mpifarm({"run", "squares", "--to", "3"});
  command.directory = work.path();
  for (int i = 0; i < 3; ++i) expect_status(run(command), 0);
  EXPECT_THAT(work.names(), ElementsAre("runs"));
  const std::vector<std::string> names = names_in(work / "runs");
  EXPECT_EQ(names.size(), 3u) << "two starts of one second share a directory";
  for (const std::string& name : names)
    EXPECT_THAT(name, testing::MatchesRegex("squares-[0-9]{8}-[0-9]{6}(-[0-9])?"));
}

TEST(RunDirectory, IsMadeWithItsParents) {
  const Workspace work;
  expect_status(run(mpirun(2, {"run", "squares", "--to", "3", "--run", work / "a" / "b" / "c"})), 0);
  EXPECT_EQ(csv_rows(results_of(work / "a" / "b" / "c")).size(), 4u);
}

TEST(RunDirectory, MayBeNamedWithASlashBehind) {
  const Workspace work;
  const Ended ended = run(mpifarm({"run", "squares", "--to", "3", "--run", (work / "run").string() + "/"}));
  expect_status(ended, 0);
  EXPECT_TRUE(std::filesystem::exists(work / "run" / "summary.json"));
}

TEST(RunDirectory, MayHaveAnOddName) {
  const Workspace work;
  const std::string path = work / "a run, \"of\" \xc3\xa4 day;\n";
  expect_status(run(mpirun(2, {"run", "squares", "--to", "3", "--run", path})), 0);
  EXPECT_EQ(status_of(path).text("status"), "complete");
}

class StreamsOn : public testing::TestWithParam<int> {};

TEST_P(StreamsOn, StdoutHasTheConclusionAlone) {
  const Workspace work;
  const Ended ended = run(on_ranks(GetParam(), {"run", "squares", "--to", "20", "--run", work / "run"}));
  expect_status(ended, 0);
  EXPECT_EQ(ended.out, "largest square: 361\n");
  ASSERT_EQ(own_lines(ended).size(), 1u) << ended.err;
  EXPECT_THAT(ended.err, HasSubstr("squares complete: 20 of 20 tasks succeeded"));
  EXPECT_THAT(ended.err, HasSubstr(digest_of(work / "run")));
  EXPECT_THAT(read_text(work / "run" / "log.txt"), HasSubstr("squares complete"));
}

TEST_P(StreamsOn, QuietSaysNothingOfASuccess) {
  const Workspace work;
  const Ended ended =
      run(on_ranks(GetParam(), {"run", "squares", "--to", "20", "--quiet", "--run", work / "run"}));
  expect_status(ended, 0);
  EXPECT_EQ(ended.out, "largest square: 361\n");
  EXPECT_EQ(ended.err, "");
  EXPECT_THAT(read_text(work / "run" / "log.txt"), HasSubstr("squares complete"));
}

TEST_P(StreamsOn, QuietStillSaysAnError) {
  const Workspace work;
  expect_refused(run(on_ranks(GetParam(), {"run", "checksum", "--path", "/no/such/file", "--quiet", "--run",
                                           work / "run"})),
                 {"/no/such/file", "No such file"});
  EXPECT_TRUE(work.names().empty());
}

INSTANTIATE_TEST_SUITE_P(Ranks, StreamsOn, testing::Values(0, 1, 3));

TEST(Streams, ResultsThatCannotBeWrittenAreAnError) {
  const Workspace work;
  expect_status(run(mpifarm({"run", "squares", "--to", "20", "--run", work / "run"})), 0);
  const Ended ended = run(Command{
      {"/bin/sh", "-c", "exec " + program() + " results '" + (work / "run").string() + "' > /dev/full"}});
  expect_status(ended, 3);
  EXPECT_EQ(own_lines(ended).size(), 1u) << ended.err;
}

TEST(Streams, ConclusionThatCannotBeWrittenIsAnError) {
  const Workspace work;
  const Ended ended = run(Command{
      {"/bin/sh", "-c",
       "exec " + program() + " run squares --to 20 --run '" + (work / "run").string() + "' > /dev/full"}});
  EXPECT_EQ(ended.status, 3) << "what stdout was to have is lost, and nobody said so";
}

}  // namespace
}  // namespace mpifarm::e2e
