#pragma once
// The smallest whole job, and the one to copy: integers in, their squares out.

#include <algorithm>
#include <mpifarm.hpp>
#include <stdexcept>

struct Squares {
  static constexpr auto name = "squares";
  static constexpr auto summary = "Square every integer in [from, to)";
  static constexpr mpifarm::ParamHelp help[] = {
      {"from", "the first integer"},
      {"to", "behind the last"},
  };
  static constexpr auto source_params = {"from", "to"};

  struct Params {
    std::int64_t from = 0, to = 10'000;  // become --from and --to
  };
  struct Task {
    std::int64_t n;
  };
  struct Result {
    std::int64_t n, square;  // become the columns of the results
  };

  // Once per computing process: warm state lives here. Throws BadInput when `to` is below `from`.
  explicit Squares(const Params& params) : params_{params} {
    if (params.to < params.from)
      throw mpifarm::BadInput{"--to is below --from (" + std::to_string(params.to) + " is below " +
                              std::to_string(params.from) + "); give a --to of at least --from"};
  }

  // An indexed source: any rank makes task i by itself. Unsigned, as the distance may be beyond int64.
  std::uint64_t size() const {
    return static_cast<std::uint64_t>(params_.to) - static_cast<std::uint64_t>(params_.from);
  }
  Task task(std::uint64_t i) const {
    return {static_cast<std::int64_t>(static_cast<std::uint64_t>(params_.from) + i)};
  }

  // Many threads at once: const is the contract. A throw is a failed attempt, never a crash.
  Result compute(const Task& task, mpifarm::Context&) const {
    std::int64_t square = 0;
    if (__builtin_mul_overflow(task.n, task.n, &square))
      throw std::overflow_error{"the square does not fit 64 bits"};
    return {task.n, square};
  }
  void reduce(const Task&, const Result& r) { largest_ = std::max(largest_, r.square); }  // in task order
  std::string conclude() const { return "largest square: " + std::to_string(largest_); }  // to stdout

 private:
  Params params_;
  std::int64_t largest_ = 0;
};
BOOST_DESCRIBE_STRUCT(Squares::Params, (), (from, to))
BOOST_DESCRIBE_STRUCT(Squares::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Squares::Result, (), (n, square))
