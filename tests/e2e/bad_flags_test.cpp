// Bad flags and values: one line, exit status 2, nothing made.

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

struct Bad {
  Arguments arguments;
  std::vector<std::string> said;  // parts of the line
};

Command in(const Workspace& work, Command command) {
  command.directory = work.path();
  return command;
}

void expect_all_refused(const std::vector<Bad>& all) {
  for (const Bad& bad : all) {
    SCOPED_TRACE(testing::PrintToString(bad.arguments));
    const Workspace work;
    expect_refused(run(in(work, mpifarm(bad.arguments))), bad.said);
    EXPECT_TRUE(work.names().empty()) << "something was made";
  }
}

TEST(BadFlags, UnknownNamesAreRefusedWithTheNearest) {
  expect_all_refused({
      {{"runn", "squares"}, {"\"runn\"", "did you mean run?"}},
      {{"statsu", "x"}, {"\"statsu\"", "did you mean status?"}},
      {{"--versoin"}, {"--versoin", "did you mean --version?"}},
      {{"run", "sqares"}, {"\"sqares\"", "did you mean squares?"}},
      {{"run", "zzzzzzzz"}, {"\"zzzzzzzz\"", "mpifarm list"}},
      {{"describe", "chekcsum"}, {"\"chekcsum\"", "did you mean checksum?"}},
      {{"run", "squares", "--form", "3"}, {"--form", "did you mean --from?"}},
      {{"run", "squares", "--thread=3"}, {"--thread", "did you mean --threads?"}},
      {{"run", "squares", "--duration", "1"}, {"--duration"}},
      {{"run", "spin", "--fail_rate", "1"}, {"--fail_rate", "did you mean --fail-rate?"}},
      {{"run", "squares", "-x"}, {"-x"}},
      {{"status", "x", "--jsno"}, {"--jsno", "did you mean --json?"}},
      {{"results", "x", "--formt", "csv"}, {"--formt", "did you mean --format?"}},
      {{"resume", "x", "--thread", "1"}, {"--thread"}},
      {{"resume", "x", "--order", "lifo"}, {"--order"}},
      {{"list", "--all"}, {"--all"}},
      {{"describe", "squares", "--json"}, {"--json"}},
  });
}

TEST(BadFlags, WhatIsMissingOrTooMuchIsRefused) {
  expect_all_refused({
      {{"run"}, {"job"}},
      {{"run", "--to", "3"}, {"job"}},
      {{"run", "--quiet"}, {"job"}},
      {{"resume"}, {"RUN"}},
      {{"status"}, {"RUN"}},
      {{"results"}, {"RUN"}},
      {{"describe"}, {"JOB"}},
      {{"run", "squares", "--to"}, {"--to"}},
      {{"run", "squares", "--seed"}, {"--seed"}},
      {{"run", "squares", "extra"}, {"\"extra\""}},
      {{"run", "squares", "squares"}, {"\"squares\""}},
      {{"list", "extra"}, {"\"extra\""}},
      {{"describe", "squares", "extra"}, {"\"extra\""}},
      {{"status", "one", "two"}, {"two"}},
      {{"--version", "extra"}, {"\"extra\""}},
      {{"run", "squares", "--seed", "1", "--seed", "2"}, {"--seed", "more than once"}},
      {{"run", "squares", "--to", "1", "--to", "2"}, {"--to", "more than once"}},
      {{"run", "squares", "--run", ""}, {"--run"}},
      {{"run", "squares", "--continue"}, {"--continue", "--run"}},
      {{"run", "checksum"}, {"--path"}},
  });
}

TEST(BadFlags, ValuesOfRunFlagsAreCheckedOverTheirWholeRange) {
  std::vector<Bad> all;
  const auto refuse = [&all](const std::string& flag, const std::vector<std::string>& values) {
    for (const std::string& value : values)
      all.push_back({{"run", "squares", flag, value}, {flag, "\"" + value + "\""}});
  };
  refuse("--threads", {"0", "-1", "4097", "99999999999999999999", "2x", "1.5", "", "many"});
  refuse("--master-slots", {"-1", "99999999999999999999", "1e2"});
  refuse("--batch", {"0", "-1", "99999999999999999999", "big"});
  refuse("--prefetch", {"-1", "99999999999999999999", "0x10"});
  refuse("--seed", {"-1", "18446744073709551616", "1.0", " 1", "1 ", "nan", ""});
  refuse("--retries", {"-1", "1000001", "4294967296", "1e3"});
  refuse("--retry-delay", {"-1", "nan", "inf", "1e400", "soon"});
  refuse("--grace", {"-0.1", "nan", "inf", "1e7", "x"});
  refuse("--nice", {"-1", "20", "4294967296", "x"});
  refuse("--order", {"random", "FIFO", ""});
  refuse("--durability", {"full", ""});
  refuse("--results", {"xml", "sqlite3", ""});
  expect_all_refused(all);
}

TEST(BadFlags, SwitchesTakeOnlyTruthValues) {
  expect_all_refused({
      {{"run", "squares", "--quiet=maybe"}, {"--quiet", "maybe"}},
      {{"run", "squares", "--dry-run=2x"}, {"--dry-run", "2x"}},
      {{"run", "spin", "--wait=perhaps"}, {"--wait", "\"perhaps\""}},
  });
}

TEST(BadFlags, ASwitchSaidToBeFalseIsOff) {
  const Workspace work;
  const Ended ended = run(in(work, mpifarm({"run", "squares", "--dry-run=false", "--run", "run"})));
  if (ended.status == 2) {
    expect_refused(ended, {"--dry-run"});
  } else {
    expect_status(ended, 0);
    EXPECT_TRUE(std::filesystem::exists(work / "run" / "summary.json")) << "it was a dry run all the same";
  }
}

TEST(BadFlags, ValuesOfJobFlagsAreCheckedOverTheirWholeRange) {
  std::vector<Bad> all;
  const auto refuse = [&all](const std::string& job, const std::string& flag,
                             const std::vector<std::string>& values) {
    for (const std::string& value : values) all.push_back({{"run", job, flag, value}, {flag, value}});
  };
  refuse("squares", "--to", {"1x", "9223372036854775808", "-9223372036854775809", "1.5", "ten", "-1"});
  refuse("squares", "--from", {"10001", "nan"});
  refuse("spin", "--count", {"-1", "18446744073709551616", "1e3"});
  refuse("spin", "--duration", {"-1", "nan", "inf", "1e999", "fast"});
  refuse("spin", "--law", {"normal", "Constant"});
  refuse("spin", "--fail-rate", {"-0.1", "1.1", "nan"});
  refuse("spin", "--alpha", {"1", "-2", "nan", "inf"});
  refuse("spin", "--sigma", {"-1", "11", "nan"});
  refuse("pi", "--samples", {"0", "-5", "18446744073709551616"});
  refuse("pi", "--per-task", {"0", "-1"});
  refuse("pi", "--digits", {"-1", "99999999999"});
  refuse("checksum", "--path", {"/no/such/file", "/dev/null"});
  expect_all_refused(all);
}

TEST(BadFlags, OfResultsAreRefused) {
  const Workspace work;
  ASSERT_EQ(run(mpifarm({"run", "squares", "--to", "3", "--run", work / "run"})).status, 0);
  const std::string path = work / "run";
  expect_refused(run(mpifarm({"results", path, "--format", "xml"})), {"--format", "\"xml\""});
  expect_refused(run(mpifarm({"results", path, "--format", "none"})), {"--format", "\"none\""});
  expect_refused(run(mpifarm({"results", path, "--status", "good"})), {"--status", "\"good\""});
  expect_refused(run(mpifarm({"results", path, "-o", work / "no" / "dir"})), {"no/dir"});
  expect_refused(run(mpifarm({"results", path, "-o", work.path()})), {work.path()});
  expect_refused(run(mpifarm({"results", path, "-o", ""})), {"-o"});
  EXPECT_EQ(run(mpifarm({"results", path})).out, results_of(path));
}

TEST(BadFlags, OfSimulateAreRefused) {
  expect_all_refused({
      {{"simulate", "--nodes", "0"}, {"--nodes", "out of range"}},
      {{"simulate", "--slots", "x"}, {"--slots", "\"x\""}},
      {{"simulate", "--duration", "gauss:1"}, {"--duration", "gauss", "lognormal"}},
      {{"simulate", "--duration", "lognormal:1"}, {"--duration", "shape"}},
      {{"simulate", "--master-cost", "1,2"}, {"--master-cost", "1,2"}},
      {{"simulate", "--wanted", "1.5"}, {"--wanted"}},
      {{"simulate", "--nodes", "1000000", "--slots", "4096"}, {"--nodes", "--slots"}},
      {{"simulate", "--nodes", "1", "--slots", "1", "--count", "1000000", "--duration", "1e5"}, {"--count"}},
      {{"simulate", "--batch", "4000000000", "--result-bytes", "1000000"}, {"--batch", "--result-bytes"}},
      {{"simulate", "--duration", "1e6", "--batch", "10000", "--count", "10000"}, {"--batch", "--duration"}},
      {{"simulate", "--duration", "0"}, {"--duration", "1e-09 to 1e+08"}},
      {{"simulate", "--node", "3"}, {"--node", "did you mean --nodes?"}},
      {{"simulate", "extra"}, {"\"extra\""}},
  });
}

TEST(BadFlags, ThatContradictEachOtherAreRefused) {
  expect_all_refused({
      {{"run", "squares", "--durability", "none", "--order", "lifo"}, {"--order", "--durability none"}},
      {{"run", "squares", "--master-slots", "0"}, {"--master-slots 0"}},
  });
}

TEST(BadFlags, UnderALauncherAreSaidOnceForAllRanks) {
  const std::vector<Bad> all{
      {{"runn"}, {"\"runn\""}},
      {{"run", "sqares"}, {"\"sqares\"", "squares"}},
      {{"run", "squares", "--to", "99999999999999999999"}, {"--to", "out of range"}},
      {{"run", "squares", "--from", "5", "--to", "3"}, {"--to is below --from"}},
      {{"run", "checksum"}, {"--path"}},
      {{"run", "squares", "--durability", "none", "--order", "lifo"}, {"--order"}},
      {{"resume"}, {"RUN"}},
      {{"status", "nowhere"}, {"nowhere"}},
  };
  for (const Bad& bad : all) {
    SCOPED_TRACE(testing::PrintToString(bad.arguments));
    const Workspace work;
    expect_refused(run(in(work, mpirun(3, bad.arguments))), bad.said);
    EXPECT_TRUE(work.names().empty()) << "something was made";
  }
}

}  // namespace
}  // namespace mpifarm::e2e
