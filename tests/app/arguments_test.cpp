// The command line as text: what is understood, and each refusal's words.

#include "app/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "jobs/jobs.hpp"

namespace mpifarm::app {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

using Words = std::vector<std::string>;

template <class T>
T parsed(const Words& words) {
  return std::get<T>(parse_arguments(words, all_jobs()));
}

std::string refusal(const Words& words) {
  try {
    parse_arguments(words, all_jobs());
  } catch (const BadInput& error) {
    return error.what();
  }
  return "not refused";
}

TEST(Arguments, RunTakesJobFlagsAndRunFlagsInAnyOrder) {
  for (const Words& words :
       {Words{"run", "squares", "--from", "-3", "--to=7", "--threads", "2", "--run", "D"},
        Words{"run", "--threads", "2", "--run", "D", "squares", "--from", "-3", "--to=7"}}) {
    const auto command = parsed<RunCommand>(words);
    EXPECT_EQ(command.type->name(), "squares");
    EXPECT_THAT(command.job_flags, testing::UnorderedElementsAre(Pair("--from", "-3"), Pair("--to", "7")));
    EXPECT_EQ(command.start.threads, 2U);
    EXPECT_EQ(command.directory, "D");
  }
}

TEST(Arguments, RunWithoutFlagsHasTheDefaults) {
  const auto command = parsed<RunCommand>({"run", "squares"});
  EXPECT_FALSE(command.start.threads);
  EXPECT_FALSE(command.start.batching.batch);
  EXPECT_FALSE(command.run.order);
  EXPECT_FALSE(command.run.durability);
  EXPECT_FALSE(command.continues);
  EXPECT_TRUE(command.directory.empty());
}

TEST(Arguments, AutoIsTheAbsenceOfANumber) {
  const auto command = parsed<RunCommand>({"run", "squares", "--threads", "auto", "--batch", "auto",
                                           "--prefetch", "auto", "--master-slots", "auto"});
  EXPECT_FALSE(command.start.threads);
  EXPECT_FALSE(command.start.batching.batch);
  EXPECT_FALSE(command.start.batching.prefetch);
  EXPECT_FALSE(command.start.master_slots);
}

TEST(Arguments, EveryRunFlagArrives) {
  const auto command = parsed<RunCommand>(
      {"run",           "spin",     "--order",        "shuffle", "--seed",    "7",     "--retries", "3",
       "--retry-delay", "0.5",      "--durability",   "sync",    "--results", "jsonl", "--batch",   "9",
       "--prefetch",    "0",        "--master-slots", "0",       "--nice",    "0",     "--grace",   "1.5",
       "--quiet",       "--dry-run"});
  EXPECT_EQ(command.run.order, OrderKind::shuffle);
  EXPECT_EQ(command.run.seed, 7U);
  EXPECT_EQ(command.run.retries, 3U);
  EXPECT_EQ(command.run.retry_delay_seconds, 0.5);
  EXPECT_EQ(command.run.durability, Durability::sync);
  EXPECT_EQ(command.run.results, ResultsFormat::jsonl);
  EXPECT_EQ(command.start.batching.batch, 9U);
  EXPECT_EQ(command.start.batching.prefetch, 0U);
  EXPECT_EQ(command.start.master_slots, 0U);
  EXPECT_EQ(command.start.nice, 0);
  EXPECT_EQ(command.start.grace_seconds, 1.5);
  EXPECT_TRUE(command.start.quiet);
  EXPECT_TRUE(command.dry_run);
}

TEST(Arguments, ARepeatedJobFlagKeepsItsOrderAndSwallowsNothing) {
  const auto command = parsed<RunCommand>({"run", "checksum", "--path", "b", "--path", "a", "--quiet"});
  EXPECT_THAT(command.job_flags, ElementsAre(Pair("--path", "b"), Pair("--path", "a")));
  EXPECT_THAT(refusal({"run", "checksum", "--path", "b", "a"}), HasSubstr("not expected here (\"a\")"));
}

TEST(Arguments, ASwitchMayHaveAValue) {
  EXPECT_THAT(parsed<RunCommand>({"run", "spin", "--wait"}).job_flags, ElementsAre(Pair("--wait", "true")));
  EXPECT_THAT(parsed<RunCommand>({"run", "spin", "--wait=no"}).job_flags, ElementsAre(Pair("--wait", "no")));
}

TEST(Arguments, AMistypedNameGetsTheNearest) {
  EXPECT_THAT(refusal({"run", "sqares"}), AllOf(HasSubstr("\"sqares\""), HasSubstr("did you mean squares?")));
  EXPECT_THAT(refusal({"run", "squares", "--form", "3"}),
              AllOf(HasSubstr("--form"), HasSubstr("did you mean --from?")));
  EXPECT_THAT(refusal({"run", "squares", "--threds=3"}), HasSubstr("did you mean --threads?"));
  EXPECT_THAT(refusal({"resum", "x"}), HasSubstr("did you mean resume?"));
}

TEST(Arguments, NumbersAreRefusedWithValueAndRange) {
  EXPECT_THAT(refusal({"run", "squares", "--threads", "0"}),
              HasSubstr("--threads is out of range (\"0\"); give a whole number from 1"));
  EXPECT_THAT(refusal({"run", "squares", "--threads", "-1"}), HasSubstr("--threads is negative (\"-1\")"));
  EXPECT_THAT(refusal({"run", "squares", "--batch", "1.5"}),
              HasSubstr("--batch is not a whole number (\"1.5\")"));
  EXPECT_THAT(refusal({"run", "squares", "--seed", "18446744073709551616"}),
              HasSubstr("--seed is out of range"));
  EXPECT_THAT(refusal({"run", "squares", "--retry-delay", "nan"}),
              HasSubstr("--retry-delay is out of range (\"nan\")"));
  EXPECT_THAT(refusal({"run", "squares", "--to", "12x"}), HasSubstr("--to is not a whole number (\"12x\")"));
  EXPECT_THAT(refusal({"run", "squares", "--to", "9223372036854775808"}), HasSubstr("--to is out of range"));
}

TEST(Arguments, WordsAreRefusedWithTheKnownOnes) {
  EXPECT_THAT(refusal({"run", "squares", "--order", "up"}), HasSubstr("(\"up\"); use fifo, lifo or shuffle"));
  EXPECT_THAT(refusal({"run", "squares", "--durability", "x"}), HasSubstr("use sync, batch or none"));
  EXPECT_THAT(refusal({"run", "squares", "--results", "x"}), HasSubstr("use csv, jsonl, sqlite or none"));
  EXPECT_THAT(refusal({"results", "R", "--format", "none"}), HasSubstr("use csv, jsonl, sqlite or joblog"));
  EXPECT_THAT(refusal({"results", "R", "--status", "x"}),
              HasSubstr("use succeeded, failed, timed-out or crashed"));
}

TEST(Arguments, MissingAndRepeatedValuesAreRefused) {
  EXPECT_THAT(refusal({"run", "squares", "--threads"}), HasSubstr("--threads has no value"));
  EXPECT_THAT(refusal({"run", "squares", "--seed", "1", "--seed", "2"}),
              HasSubstr("--seed is given more than once"));
  EXPECT_THAT(refusal({"run"}), HasSubstr("no job is named"));
  EXPECT_THAT(refusal({"run", "--threads", "2"}), HasSubstr("no job is named"));
  EXPECT_THAT(refusal({"run", "squares", "--continue"}), HasSubstr("name it with --run DIR"));
  EXPECT_THAT(refusal({"resume"}), HasSubstr("RUN is missing"));
  EXPECT_THAT(refusal({"results"}), HasSubstr("RUN is missing"));
  EXPECT_THAT(refusal({"status", "a", "b"}), HasSubstr("(\"b\")"));
}

TEST(Arguments, HelpIsThereForEveryCommand) {
  for (const Words& words :
       {Words{}, Words{"--help"}, Words{"run", "--help"}, Words{"run", "squares", "--help"},
        Words{"resume", "--help"}, Words{"status", "--help"}, Words{"results", "--help"},
        Words{"list", "--help"}, Words{"describe", "--help"}})
    EXPECT_THAT(parsed<PrintCommand>(words).text, HasSubstr("mpifarm")) << testing::PrintToString(words);
  EXPECT_THAT(parsed<PrintCommand>({"run", "squares", "--help"}).text,
              AllOf(HasSubstr("--from"), HasSubstr("--threads")));
  EXPECT_THAT(parsed<PrintCommand>({"--version"}).text,
              AllOf(HasSubstr("MPI"), HasSubstr("Boost"), HasSubstr("build")));
}

TEST(Arguments, ResultsTakesSeveralRuns) {
  const auto command =
      parsed<ResultsCommand>({"results", "A", "B", "--format", "jsonl", "--status", "timed-out", "-o", "F"});
  EXPECT_THAT(command.directories, ElementsAre("A", "B"));
  EXPECT_EQ(command.format, ResultsFormat::jsonl);
  EXPECT_EQ(command.status, "timed out");
  EXPECT_EQ(command.output, "F");
}

}  // namespace
}  // namespace mpifarm::app
