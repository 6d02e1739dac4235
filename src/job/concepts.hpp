#pragma once
// The rules of a job, each a static assertion that names itself.

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "describe/archive.hpp"
#include "describe/check.hpp"
#include "describe/fields.hpp"
#include "job/context.hpp"

namespace mpifarm {

template <class Job>
concept IndexedJob = requires(const Job& job, std::uint64_t i) {
  { job.size() } -> std::convertible_to<std::uint64_t>;
  { job.task(i) } -> std::convertible_to<typename Job::Task>;
};

template <class Job>
concept SequentialJob = requires(const Job& job) {
  { job.tasks() } -> std::ranges::input_range;
};

template <class Job>
concept ReducingJob = requires(Job& job, const typename Job::Task& task, const typename Job::Result& result) {
  job.reduce(task, result);
};

template <class Job>
concept ConcludingJob = requires(Job& job) {
  { job.conclude() } -> std::convertible_to<std::string>;
};

template <class Job>
concept ConcludingInRunJob = requires(Job& job, const std::filesystem::path& run) {
  { job.conclude(run) } -> std::convertible_to<std::string>;
};

// The Result fields that differ from run to run.
template <class Job>
constexpr std::initializer_list<const char*> measured_fields() {
  if constexpr (requires { Job::measured; })
    return Job::measured;
  else
    return {};
}

// The params that only the job's own source uses, so that beside a list of tasks they would have no effect.
template <class Job>
constexpr std::initializer_list<const char*> source_params() {
  if constexpr (requires { Job::source_params; })
    return Job::source_params;
  else
    return {};
}

// What each param means, for --help.
using ParamHelp = std::pair<const char*, const char*>;

template <class Job>
constexpr std::span<const ParamHelp> param_help() {
  if constexpr (requires { std::span<const ParamHelp>{Job::help}; })
    return Job::help;
  else
    return {};
}

template <class Struct>
consteval bool has_field(std::string_view name) {
  bool found = false;
  describe::for_each_field_type<Struct>(
      [&](std::string_view field, auto) { found = found || field == name; });
  return found;
}

template <class Job>
consteval bool help_is_of_params() {
  for (const ParamHelp& entry : param_help<Job>())
    if (!has_field<typename Job::Params>(entry.first)) return false;
  return true;
}

template <class Struct>
consteval bool are_fields(std::initializer_list<const char*> names) {
  for (const std::string_view name : names)
    if (!has_field<Struct>(name)) return false;
  return true;
}

// Evaluated where a job is registered, after its structs are described: a concept that is asked earlier would
// remember "no".
template <class Job>
consteval void check_job() {
  static_assert(
      requires {
        { Job::name } -> std::convertible_to<std::string_view>;
      },
      "mpifarm: a job has `static constexpr auto name = \"...\"`");
  static_assert(
      requires {
        { Job::summary } -> std::convertible_to<std::string_view>;
      },
      "mpifarm: a job has `static constexpr auto summary = \"...\"`");
  static_assert(
      requires {
        typename Job::Params;
        typename Job::Task;
        typename Job::Result;
      },
      "mpifarm: a job has the structs Params, Task and Result");
  describe::check_described<typename Job::Params>();
  describe::check_described<typename Job::Task>();
  describe::check_described<typename Job::Result>();
  static_assert(std::constructible_from<Job, const typename Job::Params&>,
                "mpifarm: a job is constructed from `const Params&`");
  static_assert(IndexedJob<Job> != SequentialJob<Job>,
                "mpifarm: a job has either const members size() and task(i), or a const member tasks() that "
                "returns a range of Task");
  static_assert(
      requires(const Job& job, const typename Job::Task& task, Context& context) {
        { job.compute(task, context) } -> std::convertible_to<typename Job::Result>;
      },
      "mpifarm: a job has `Result compute(const Task&, mpifarm::Context&) const`");
  static_assert(are_fields<typename Job::Result>(measured_fields<Job>()),
                "mpifarm: `measured` names a field that Result does not have");
  static_assert(are_fields<typename Job::Params>(source_params<Job>()),
                "mpifarm: `source_params` names a field that Params does not have");
  static_assert(help_is_of_params<Job>(), "mpifarm: `help` names a field that Params does not have");
}

}  // namespace mpifarm
