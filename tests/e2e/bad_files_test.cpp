// Run directories that cannot be what is wanted of them.

#include <sys/stat.h>

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;

class BadDirectory : public testing::TestWithParam<int> {
 protected:
  Ended start(const std::string& directory, const Arguments& more = {}) const {
    return run(on_ranks(GetParam(), Arguments{"run", "squares", "--to", "5", "--run", directory} + more));
  }
  Ended resume(const std::string& directory) const {
    return run(on_ranks(GetParam(), {"resume", directory}));
  }

  const Workspace work_;
};

TEST_P(BadDirectory, ThatExistsIsRefusedAndLeftAlone) {
  expect_status(start(work_ / "run"), 0);
  const std::string before = read_text(work_ / "run" / "run.json");
  expect_refused(start(work_ / "run"), {work_ / "run", "exists"});
  EXPECT_EQ(read_text(work_ / "run" / "run.json"), before);
  write_text(work_ / "file", "mine");
  expect_refused(start(work_ / "file"), {work_ / "file", "exists"});
  EXPECT_EQ(read_text(work_ / "file"), "mine");
  fs::create_symlink(work_ / "nowhere", work_ / "link");
  expect_refused(start(work_ / "link"), {work_ / "link", "exists"});
  EXPECT_EQ(work_.names(), (std::vector<std::string>{"file", "link", "run"}));
}

TEST_P(BadDirectory, ThatCannotBeMadeIsRefused) {
  write_text(work_ / "file", "");
  expect_refused(start(work_ / "file" / "run"), {"file/run", "Not a directory"});
  expect_refused(start("/proc/mpifarm-run"), {"/proc/mpifarm-run"});
  expect_refused(start(work_ / std::string(300, 'x')), {"xxx", "name too long"});
  EXPECT_EQ(work_.names(), (std::vector<std::string>{"file"}));
}

TEST_P(BadDirectory, ThatIsNoRunIsRefused) {
  fs::create_directory(work_ / "empty");
  expect_refused(resume(work_ / "nowhere"), {"nowhere", "no such run"});
  expect_refused(resume(work_ / "empty"), {"empty", "no run"});
  expect_refused(start(work_ / "empty", {"--continue"}), {"empty", "no run"});
  EXPECT_TRUE(names_in(work_ / "empty").empty());
}

INSTANTIATE_TEST_SUITE_P(Ranks, BadDirectory, testing::Values(0, 3));

TEST(BadManifest, IsRefused) {
  const Workspace work;
  expect_status(run(mpifarm({"run", "squares", "--to", "5", "--run", work / "run"})), 0);
  const fs::path manifest = work / "run" / "run.json";
  const std::string good = read_text(manifest);
  const auto with = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  const auto resume = [&work] { return run(mpifarm({"resume", work / "run"})); };
  write_text(manifest, good.substr(0, good.size() / 2));
  expect_refused(resume(), {"run.json"});
  write_text(manifest, "");
  expect_refused(resume(), {"run.json"});
  write_text(manifest, with("\"squares\"", "\"cubes\""));
  expect_refused(resume(), {"cubes"});
  write_text(manifest, with("mpifarm run 1", "mpifarm run 9"));
  expect_refused(resume(), {"run.json", "mpifarm run 9"});
  write_text(manifest, with("\"to\": 5", "\"to\": 6"));
  expect_refused(resume(), {"source changed", "5", "6"});
  write_text(manifest, with("\"to\": 5", "\"to\": \"x\""));
  expect_refused(resume(), {"to", "x"});
  write_text(manifest, with("\"order\": \"fifo\"", "\"order\": \"up\""));
  expect_refused(resume(), {"order", "up"});
}

// Root may write anywhere, so these start as nobody.
TEST(ForbiddenDirectory, IsRefusedForANewRun) {
  const Workspace work;
  fs::permissions(work.path(), fs::perms{0755});
  fs::create_directory(work / "closed");
  fs::permissions(work / "closed", fs::perms{0555});
  Command command = mpifarm({"run", "squares", "--run", work / "closed" / "run"});
  command.as_nobody = true;
  expect_refused(run(command), {"closed/run", "Permission denied"});
  EXPECT_TRUE(names_in(work / "closed").empty());
}

TEST(ForbiddenDirectory, IsRefusedForAResume) {
  const Workspace work;
  fs::permissions(work.path(), fs::perms{0755});
  expect_status(run(mpifarm({"run", "squares", "--run", work / "run"})), 0);
  for (const std::string& name : names_in(work / "run"))
    fs::permissions(work / "run" / name, fs::perms{0444});
  fs::permissions(work / "run", fs::perms{0555});
  Command command = mpifarm({"resume", work / "run"});
  command.as_nobody = true;
  expect_refused(run(command), {work / "run", "Permission denied"});
}

TEST(ForbiddenDirectory, IsRefusedForQuestions) {
  const Workspace work;
  fs::permissions(work.path(), fs::perms{0755});
  expect_status(run(mpifarm({"run", "squares", "--run", work / "run"})), 0);
  for (const char* command : {"status", "results", "resume"}) {
    SCOPED_TRACE(command);
    Command question = mpifarm({command, work / "run"});
    question.as_nobody = true;
    expect_refused(run(question), {work / "run", "Permission denied"});
  }
}

TEST(Questions, AboutWhatIsNoRunAreRefused) {
  const Workspace work;
  fs::create_directory(work / "empty");
  for (const char* command : {"status", "results"}) {
    SCOPED_TRACE(command);
    expect_refused(run(mpifarm({command, work / "nowhere"})), {"nowhere", "no such run"});
    expect_refused(run(mpifarm({command, work / "empty"})), {"empty", "no run"});
  }
}

}  // namespace
}  // namespace mpifarm::e2e
