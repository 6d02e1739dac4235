#include "app/help.hpp"

namespace mpifarm::app {

std::string describe_flag(const describe::FlagInfo& flag) {
  std::string text = flag.help;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : " ") + more; };
  if (flag.repeated) add(text.empty() ? "may be given many times" : "; may be given many times");
  if (!flag.default_text.empty() && !flag.is_switch) add("(" + flag.default_text + ")");
  if (const std::size_t gap = text.find(" ;"); gap != text.npos) text.erase(gap, 1);
  return text;
}

std::string overall_help() {
  return R"(mpifarm computes many tasks on the cores of one or many hosts, loses none, and tells where the time went.

Usage: mpifarm COMMAND ...          each command has --help

  run JOB [flags]      compute a job on this host's cores; on many ranks: mpirun -n N mpifarm run JOB ...
  launch -n N -- JOB   the same under mpirun or srun, watched, and carried on when it dies
  resume RUN           carry on an unfinished run, on any number of ranks
  stop RUN             ask a live run to end in order
  status RUN           the state of a live or ended run (--watch follows it)
  results RUN...       results in task order: CSV, JSON Lines, SQLite or a joblog
  output RUN [TASK]    what the commands of an exec run wrote
  retry-line RUN TASK  the line that runs one of them by hand
  merge RUN...         shards of a run (--shard K/N) become one run
  list                 the jobs
  describe JOB         one job's flags, task fields and result fields
  simulate             the real scheduler on a virtual cluster: how many nodes one master can feed

A first run, two ranks, and a look at what it left:

  mpirun -n 2 mpifarm run checksum --path /usr/share/doc --run my-run   runs it
  mpifarm status my-run                                                 how it went
  mpifarm results my-run | head                                         a row a task
  sha256sum --quiet -c my-run/SHA256SUMS                                the same, by another tool

Any program: mpifarm run exec --param n=1..10 -- echo {n}
)";
}

}  // namespace mpifarm::app
