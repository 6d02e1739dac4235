// The parts by themselves, in time a task.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>

#include "base/hash.hpp"
#include "base/interval_set.hpp"
#include "base/order.hpp"
#include "bench/farm_steps.hpp"
#include "compute/thread_backend.hpp"
#include "job/job_type.hpp"
#include "jobs/squares.hpp"
#include "journal/writer.hpp"
#include "run/results.hpp"

namespace mpifarm::bench {
namespace {

void per_task(benchmark::State& state, std::uint64_t tasks) {
  state.counters["task"] =
      benchmark::Counter(static_cast<double>(tasks) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void check(benchmark::State& state, bool right) {
  if (!right) state.SkipWithError("the answer is wrong");
}

void scheduler(benchmark::State& state, bool sequential) {
  const auto batch = static_cast<std::uint64_t>(state.range(0));
  const std::uint64_t tasks = batch * 20'000;
  for (auto _ : state) check(state, schedule(tasks, batch, sequential) == tasks);
  per_task(state, tasks);
}
BENCHMARK_CAPTURE(scheduler, range, false)->Arg(1)->Arg(10)->Arg(100);
BENCHMARK_CAPTURE(scheduler, descriptors, true)->Arg(1)->Arg(10)->Arg(100);

void codec(benchmark::State& state) {
  const auto batch = static_cast<std::uint64_t>(state.range(0));
  constexpr std::uint64_t leases = 100;
  for (auto _ : state) check(state, exchange_messages(leases, batch) == leases * batch);
  per_task(state, leases * batch);
}
BENCHMARK(codec)->Arg(1)->Arg(100);

void order_ids(benchmark::State& state, OrderKind kind) {
  const Order order{kind, 100'000'000, 7, 0, {}};
  std::uint64_t position = 0;
  for (auto _ : state) benchmark::DoNotOptimize(order.id({position++}));
  per_task(state, 1);
}
BENCHMARK_CAPTURE(order_ids, fifo, OrderKind::fifo);
BENCHMARK_CAPTURE(order_ids, shuffle, OrderKind::shuffle);

// A batch of squares on the threads of a backend, from start to collect.
void backend(benchmark::State& state) {
  const auto batch = static_cast<std::uint64_t>(state.range(0));
  const JobType& type = job_type<Squares>();
  const auto job =
      type.make(type.params_from_flags(std::vector<describe::GivenFlag>{{"--to", "1000000000"}}));
  Waker waker;
  ThreadBackend threads{*job, waker, {.slots = 1, .seed = 0, .nice = 0, .log = {}}};
  std::vector<Completion> completions;
  for (auto _ : state) {
    threads.start({{{1}, {0}, batch, 1, {}, {}}});
    std::uint64_t done = 0;
    while (done < batch) {
      waker.sleep(std::chrono::milliseconds{10});
      threads.collect(completions);
      for (const Completion& completion : completions) done += completion.block.count;
      completions.clear();
    }
  }
  per_task(state, batch);
}
BENCHMARK(backend)->Arg(1)->Arg(1000)->Arg(65536)->UseRealTime();

void digest(benchmark::State& state) {
  const Bytes result(16, 'x');
  Digest digest;
  std::uint64_t id = 0;
  for (auto _ : state) digest.add_success(id++, result);
  benchmark::DoNotOptimize(digest.hex());
  per_task(state, 1);
}
BENCHMARK(digest);

void journal_append(benchmark::State& state) {
  constexpr std::uint64_t batch = 1000;
  journal::Writer writer{std::make_unique<journal::NullStorage>(), {}};
  const journal::Record record = journal::Outcomes{{{0}, batch, batch, successes(batch, Bytes(16, 'x'))}, {}};
  for (auto _ : state) {
    writer.append(record);
    writer.flush();
  }
  per_task(state, batch);
}
BENCHMARK(journal_append);

void results_csv(benchmark::State& state) {
  const JobType& type = job_type<Squares>();
  const ResultsText text{type, ResultsFormat::csv};
  const Bytes result = pack(Squares::Result{123456789, 15241578750190521});
  Bytes out;
  std::uint64_t id = 0;
  for (auto _ : state) {
    text.append(out, {{id++}, Outcome::succeeded, result, {}});
    if (out.size() > (1 << 18)) out.clear();
  }
  per_task(state, 1);
}
BENCHMARK(results_csv);

void accepted_set(benchmark::State& state) {
  IntervalSet set;
  std::uint64_t next = 0;
  for (auto _ : state) {  // two workers that alternate
    set.insert({next + 10, next + 20});
    set.insert({next, next + 10});
    next += 20;
  }
  per_task(state, 2);
}
BENCHMARK(accepted_set);

}  // namespace
}  // namespace mpifarm::bench

BENCHMARK_MAIN();
