#include "app/simulate_command.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "base/amounts.hpp"
#include "describe/value.hpp"

namespace mpifarm::app {
namespace {

std::string as_json(const sim::ClusterOptions& cluster, const sim::Report& report, double wanted,
                    std::optional<double> limit) {
  using Object = describe::Value::Object;
  Object object{{"nodes", cluster.nodes},
                {"slots", cluster.slots},
                {"tasks", cluster.count},
                {"duration", cluster.durations.text()},
                {"seed", cluster.seed},
                {"latency_seconds", cluster.latency_seconds},
                {"bytes_per_second", cluster.bytes_per_second},
                {"master_cost", cluster.cost.text()},
                {"makespan_seconds", report.makespan_seconds},
                {"work_seconds", report.work_seconds},
                {"bound_seconds", report.bound_seconds},
                {"efficiency", report.efficiency},
                {"master_busy", report.master_busy},
                {"committer_busy", report.committer_busy},
                {"messages", report.messages},
                {"leases", report.leases},
                {"most_leases", report.most_leases},
                {"most_intervals", report.most_intervals},
                {"master_bytes", report.master_bytes}};
  if (wanted > 0) {
    object.emplace_back("wanted", wanted);
    describe::Value shortest;  // null: never reached
    if (limit) shortest = describe::Value{*limit};
    object.emplace_back("shortest_mean_seconds", std::move(shortest));
  }
  return describe::to_json(describe::Value{std::move(object)}, 2) + "\n";
}

std::string limit_line(double wanted, std::optional<double> limit) {
  if (!limit)
    return fmt::format("one master never reaches {:.3g} % of what one without cost would\n", wanted * 100);
  if (*limit <= sim::least_mean)
    return fmt::format("one master is not the limit, down to a mean of {} a task\n", duration_text(*limit));
  return fmt::format(
      "one master is the limit below a mean of {} a task: with shorter ones it reaches less than {:.3g} % of "
      "what "
      "a master without cost would\n",
      duration_text(*limit), wanted * 100);
}

std::string for_people(const sim::ClusterOptions& cluster, const sim::Report& report) {
  return fmt::format(
      "{} ({}) on {} of {}\n"
      "  makespan   {}, at best {}: {:.2f} % efficient\n"
      "  master     {:.1f} % busy, its committer {:.1f} %; {}, {}\n"
      "  memory     about {} MB in rank 0: at most {} at once\n"
      "  costs      --master-cost {} (us a message, lease, task, commit)\n",
      counted(cluster.count, "task"), cluster.durations.text(), counted(cluster.nodes, "node"),
      counted(cluster.slots, "slot"), duration_text(report.makespan_seconds),
      duration_text(report.bound_seconds), report.efficiency * 100, report.master_busy * 100,
      report.committer_busy * 100, counted(report.messages, "message"), counted(report.leases, "lease"),
      report.master_bytes / 1'000'000 + 1, counted(report.most_leases, "lease"), cluster.cost.text());
}

}  // namespace

void simulate(const SimulateCommand& command) {
  sim::ClusterOptions cluster = command.cluster;
  cluster.cost = sim::parse_master_cost(command.master_cost);
  const sim::Report report = sim::simulate(cluster);
  std::string text = command.json ? "" : for_people(cluster, report);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);  // the limit takes its time
  std::optional<double> limit;
  if (command.wanted > 0) limit = sim::shortest_mean(cluster, command.wanted);
  if (command.json)
    text = as_json(cluster, report, command.wanted, limit);
  else
    text = command.wanted > 0 ? "  limit      " + limit_line(command.wanted, limit) : "";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace mpifarm::app
