// The templates of slurm/, as their users submit them.

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <set>

#include "slurm_job.hpp"

namespace mpifarm::e2e {
namespace {

using testing::HasSubstr;

// What `sbatch FLAGS slurm/SCRIPT ARGUMENTS` does in a folder of its own.
class Sbatch : public SlurmJob {
 protected:
  Command submitting(const Arguments& flags, const std::string& script, const Arguments& arguments,
                     std::map<std::string, std::string> environment = {}) const {
    environment.insert({{"SLURM_CONF", cluster_configuration}, {"MPIFARM", program()}});
    return {.arguments = Arguments{"/usr/bin/sbatch", "-W", "--parsable"} + flags +
                         Arguments{MPIFARM_SLURM_FOLDER "/" + script} + arguments,
            .environment = std::move(environment),
            .directory = work_ / "",
            .deadline = std::chrono::seconds{300}};
  }
  Command submitting_run(const std::string& script,
                         std::map<std::string, std::string> environment = {}) const {
    environment["RUN"] = path();
    return submitting({"-N3"}, script, spin_flags, std::move(environment));
  }
  std::string path() const { return work_ / "run"; }
  std::string log(const std::string& name = "mpifarm-") const {
    std::string text;
    for (const auto& entry : std::filesystem::directory_iterator{work_ / ""})
      if (entry.path().filename().string().starts_with(name) && entry.path().extension() == ".log")
        text += read_text(entry.path());
    return text;
  }
  // The only job there is.
  static std::string job_id() { return first_word(ask("squeue -h -o %i")); }
  static std::string ask(const std::string& command) {
    const Ended ended = run(
        {.arguments = {"/bin/sh", "-c", command}, .environment = {{"SLURM_CONF", cluster_configuration}}});
    EXPECT_EQ(ended.status, 0) << command << ": " << ended.err;
    return ended.out;
  }
  static std::string first_word(const std::string& text) { return text.substr(0, text.find_first_of(" \n")); }
  // Slurm makes a job that was put back wait for two minutes; some seconds it needs, as what its earlier
  // start was allowed is revoked for all starts until then.
  static void start_again_soon(const std::string& job) {
    const auto says = [&](const std::string& command) { return ask(command + " -h -j " + job + " -o %T"); };
    ASSERT_TRUE(wait_until([&] { return says("squeue") == "PENDING\n"; }));
    ASSERT_TRUE(wait_until([&] { return says("squeue -t COMPLETING").empty(); }));
    ask("scontrol update JobId=" + job + " StartTime=now+5");
  }
  // sbatch waits for the first end of a job, be it that it starts again, and squeue does not show it for a
  // moment.
  static void expect_completes_soon(const std::filesystem::path& run) {
    const auto is_complete = [&] {  // the next start takes the summary away
      std::ifstream summary{run / "summary.json"};
      return std::string{std::istreambuf_iterator<char>{summary}, {}}.find(R"("status": "complete")") !=
             std::string::npos;
    };
    EXPECT_TRUE(wait_until(is_complete, std::chrono::seconds{240})) << ask("squeue");
  }
  static void expect_completes(const std::filesystem::path& run) {
    expect_completes_soon(run);
    EXPECT_TRUE(wait_until([] { return ask("squeue -h").empty(); })) << ask("squeue");
  }

  Workspace work_;
};

TEST_F(Sbatch, RunUsesEveryNodeByEitherLauncher) {
  for (const std::string launcher : {"srun", "mpirun"}) {
    const std::string path = work_ / launcher;
    const Ended ended =
        run(submitting({"-N3"}, "run.sbatch", spin_flags, {{"LAUNCHER", launcher}, {"RUN", path}}));
    expect_status(ended, 0);
    expect_whole(path);
    const Json summary = summary_of(path);
    EXPECT_EQ(summary.whole("ranks"), 3u);
    EXPECT_EQ(summary.whole("threads"), 3u) << "a core was granted on each";
  }
}

// What stands behind -- is the command's own, flags that look like mpifarm's included.
TEST_F(Sbatch, RunsCommandsOnEveryNode) {
  const Arguments commands{
      "exec",    "--batch", "1",  "--param",
      "n=1..60", "--shell", "--", "sleep 0.05; echo --run {n} $SLURMD_NODENAME; test {n} != 7"};
  expect_status(run(submitting({"-N3"}, "run.sbatch", commands, {{"RUN", path()}})), 1);
  EXPECT_EQ(summary_of(path()).whole("failed"), 1u);
  std::set<std::string> nodes;
  std::vector<std::string> lines = lines_of(run(mpifarm({"output", path()})).out);
  ASSERT_EQ(lines.size(), 60u);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string begin = "--run " + std::to_string(i + 1) + " ";
    ASSERT_TRUE(lines[i].starts_with(begin)) << lines[i];
    nodes.insert(lines[i].substr(begin.size()));
  }
  EXPECT_THAT(nodes, testing::SizeIs(3));
  EXPECT_THAT(run(mpifarm({"status", path()})).out,
              HasSubstr("exit status 1 (task 6, on " + lines[6].substr(lines[6].rfind(' ') + 1) + ")"));
}

TEST_F(Sbatch, RunGoesBackIntoTheQueueForWantOfTime) {
  Process process{submitting_run("run.sbatch")};
  ASSERT_TRUE(wait_for_outcomes(process, path(), 50));
  const std::string job = job_id();
  ask("scancel --batch --signal=USR1 " + job);
  start_again_soon(job);
  expect_completes(path());
  EXPECT_THAT(log(), HasSubstr("start 1 of at most 20 has no time left: the job goes back into the queue"));
  expect_undisturbed(path());
  EXPECT_EQ(summary_of(path()).whole("starts"), 2u);
}

TEST_F(Sbatch, RunIsCarriedOnWhenItIsRequeuedInTheMiddle) {
  Process process{submitting_run("run.sbatch")};
  ASSERT_TRUE(wait_for_outcomes(process, path(), 50));
  const std::string job = job_id();
  ask("scontrol requeue " + job);
  start_again_soon(job);
  expect_completes(path());
  expect_whole(path());
  EXPECT_EQ(summary_of(path()).whole("starts"), 2u);
}

TEST_F(Sbatch, RunThatIsAskedToStopIsNotPutBack) {
  Process process{submitting_run("run.sbatch")};
  ASSERT_TRUE(wait_for_outcomes(process, path(), 50));
  ask("scancel --batch --signal=TERM " + job_id());
  expect_status(process.wait(), 75);
  EXPECT_EQ(summary_of(path()).text("stopped"), "asked");
  EXPECT_EQ(tally_journal(path()).seals, 1u);
  expect_status(run(submitting_run("run.sbatch")), 0);
  expect_undisturbed(path());
}

// A limit of a minute, the least there is, and work for more: it ends by itself, and the next job carries it
// on.
TEST_F(Sbatch, ChainSubmitsTheNextJobBeforeTheTimeIsUp) {
  const Arguments job{"spin", "--count", "1900",    "--wait", "--duration",
                      "0.1",  "--law",   "uniform", "--seed", "3"};
  const Ended first = run(submitting({"-N3", "--time=1"}, "chain.sbatch", job));
  expect_status(first, 75);
  const std::string id = first_word(first.out), run_directory = work_ / ("runs/mpifarm-" + id);
  expect_completes(run_directory);
  const Json summary = summary_of(run_directory);
  EXPECT_EQ(summary.text("status"), "complete") << log();
  EXPECT_EQ(summary.whole("starts"), 2u);
  EXPECT_EQ(summary.whole("total_attempts"), 1900u) << "a task was computed twice";
  EXPECT_EQ(summary.whole("ranks"), 3u) << "the next job was asked for less";
}

TEST_F(Sbatch, ArrayOfShardsMakesOneRun) {
  const Ended ended =
      run(submitting({"--array=1-4"}, "array.sbatch", spin_flags, {{"RUNS", work_ / "shards"}}));
  expect_status(ended, 0);
  Arguments merge{"merge"};
  for (const std::string shard : {"2", "4", "1", "3"}) merge.push_back(work_ / ("shards/" + shard));
  const Ended merged = run(mpifarm(merge + Arguments{"--run", path()}));
  expect_status(merged, 0);
  EXPECT_EQ(merged.out, undisturbed().conclusion);
  EXPECT_TRUE(results_of(path()) == undisturbed().results) << "results.csv differs";
  EXPECT_EQ(digest_of(path()), undisturbed().digest);
}

// The last task has the job id of the whole array.
TEST_F(Sbatch, ArrayPutsBackNoShardButTheOneWithoutTime) {
  const Arguments job{"spin", "--count", "1200", "--wait", "--duration", "0.03"};
  Process process{submitting({"--array=1-3"}, "array.sbatch", job, {{"RUNS", work_ / "shards"}})};
  ASSERT_TRUE(wait_for_outcomes(process, work_ / "shards/3", 20));
  const std::string array = first_word(ask("squeue -h -o %F"));
  ask("scancel --batch --signal=USR1 " + array + "_3");
  start_again_soon(array + "_3");
  for (const std::string shard : {"1", "2", "3"}) {
    const std::string run = work_ / ("shards/" + shard);
    expect_completes_soon(run);
    EXPECT_EQ(summary_of(run).whole("starts"), shard == "3" ? 2u : 1u);
    EXPECT_EQ(summary_of(run).whole("total_attempts"), 400u);
  }
}

TEST_F(Sbatch, RunIsPutBackWhenItsFirstNodeIsLost) {
  Process process{submitting({"-N2"}, "run.sbatch", spin_flags, {{"RUN", path()}})};
  ASSERT_TRUE(wait_for_outcomes(process, path(), 50));
  const std::string job = job_id(), host = first_word(ask("squeue -h -o %B"));
  lose_node(host);
  start_again_soon(job);
  expect_completes(path());
  expect_whole(path());
  EXPECT_EQ(summary_of(path()).whole("starts"), 2u);
}

TEST_F(Sbatch, RunGoesOnWhenAnotherNodeIsLost) {
  Process process{
      submitting({"-N3"}, "run.sbatch", spin_flags + Arguments{"--heartbeat", "2"}, {{"RUN", path()}})};
  ASSERT_TRUE(wait_for_outcomes(process, path(), 50));
  lose_node("node3");
  expect_completes(path());
  expect_whole(path());
  EXPECT_EQ(summary_of(path()).whole("lost_ranks"), 1u);
  EXPECT_EQ(summary_of(path()).whole("starts"), 1u);
}

TEST_F(Sbatch, ArrayWithGapsIsRefused) {
  expect_status(run(submitting({"--array=1-4:3"}, "array.sbatch", spin_flags)), 2);
  EXPECT_THAT(log(), HasSubstr("the array is not 1-N without gaps"));
}

TEST_F(Sbatch, WithoutMpifarmSaysWhatToSet) {
  for (const std::string script : {"run", "chain", "array", "scaling"}) {
    const Arguments flags{"-N1", "--array=1-1", "--output=" + script + ".log"};
    expect_status(run(submitting(flags, script + ".sbatch", spin_flags, {{"MPIFARM", "/no/mpifarm"}})), 2);
    EXPECT_THAT(read_text(work_ / (script + ".log")), HasSubstr("mpifarm is not found (\"/no/mpifarm\")"));
  }
}

TEST(Templates, OutsideOfAJobSayHowToSubmitThem) {
  for (const std::string script : {"run", "chain", "array", "scaling"}) {
    const Ended ended =
        run({.arguments = {"/bin/bash", MPIFARM_SLURM_FOLDER "/" + script + ".sbatch", "spin"},
             .environment = {{"MPIFARM", program()}, {"SLURM_JOB_ID", ""}}});
    expect_status(ended, 2);
    EXPECT_THAT(ended.err, HasSubstr("sbatch " MPIFARM_SLURM_FOLDER "/" + script + ".sbatch spin"));
  }
}

TEST_F(Sbatch, ScalingGoesThroughTheNodesOfTheJob) {
  const Arguments job{"spin", "--count", "40", "--duration", "0.01", "--wait"};
  for (const std::string launcher : {"srun", "mpirun"}) {
    const std::string out = work_ / launcher;
    const Ended ended = run(submitting({"-N3"}, "scaling.sbatch", job,
                                       {{"OUT", out},
                                        {"LAUNCHER", launcher},
                                        {"OPTIONS", "--rounds 1 --threads 1 --simulate-to 16"},
                                        {"SCALING", MPIFARM_SLURM_FOLDER "/../scripts/scaling/scaling.py"}}));
    expect_status(ended, 0);
    EXPECT_THAT(names_in(out),
                testing::IsSupersetOf({"scaling.csv", "simulated.csv", "report.txt", "strong.png",
                                       "strong-1x1-1", "strong-2x1-1", "strong-3x1-1"}));
    for (const std::string ranks : {"1", "2", "3"}) {
      const Json summary = summary_of(out + "/strong-" + ranks + "x1-1");
      EXPECT_EQ(std::to_string(summary.whole("ranks")), ranks);
      EXPECT_EQ(summary.text("status"), "complete");
    }
    EXPECT_THAT(log("mpifarm-scaling-"), HasSubstr("#SBATCH --nodes="));
  }
}

}  // namespace
}  // namespace mpifarm::e2e
