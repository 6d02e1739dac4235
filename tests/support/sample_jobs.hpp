#pragma once
// Jobs to test the farm with: one for each kind of source, with results that tell the id, the random stream
// and the order of the fold.

#include <boost/describe.hpp>
#include <cstdint>
#include <mpifarm.hpp>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

namespace mpifarm::support {

// Indexed. Every `fail_every`-th task throws.
struct Numbers {
  static constexpr auto name = "numbers";
  static constexpr auto summary = "Random numbers, a filler, and failures at will";
  static constexpr auto measured = {"attempt"};
  static constexpr auto source_params = {"count", "offset"};

  struct Params {
    std::uint64_t count = 1000, offset = 0, fail_every = 0, filler_bytes = 0;
    std::string refuse;
  };
  struct Task {
    std::uint64_t n;
  };
  struct Result {
    std::uint64_t n, random, attempt;
    std::string filler;
  };

  explicit Numbers(const Params& params) : params_{params} {
    if (!params.refuse.empty()) throw BadInput{params.refuse};
  }

  std::uint64_t size() const { return params_.count; }
  Task task(std::uint64_t i) const { return {i + params_.offset}; }
  Result compute(const Task& task, Context& context) const {
    if (params_.fail_every > 0 && context.id().value % params_.fail_every == params_.fail_every - 1)
      throw std::runtime_error{"task " + std::to_string(task.n) + " fails"};
    return {task.n, context.random()(), context.attempt(), std::string(params_.filler_bytes, 'x')};
  }
  void reduce(const Task& task, const Result& result) {
    hash_ = (hash_ ^ task.n ^ result.random) * 0x9e3779b97f4a7c15 + 1;
  }
  std::string conclude() const { return std::to_string(hash_); }

 private:
  Params params_;
  std::uint64_t hash_ = 0;
};
BOOST_DESCRIBE_STRUCT(Numbers::Params, (), (count, offset, fail_every, filler_bytes, refuse))
BOOST_DESCRIBE_STRUCT(Numbers::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Numbers::Result, (), (n, random, attempt, filler))

// Sequential, made as it is pulled. The source throws at `broken_at`, if that is not 0.
struct Words {
  static constexpr auto name = "words";
  static constexpr auto summary = "Words from a lazy range, backwards";

  struct Params {
    std::uint64_t count = 1000, broken_at = 0;
  };
  struct Task {
    std::string word;
  };
  struct Result {
    std::string backwards;
  };

  explicit Words(const Params& params) : params_{params} {}

  auto tasks() const {
    return std::views::iota(std::uint64_t{0}, params_.count) |
           std::views::transform([broken_at = params_.broken_at](std::uint64_t i) {
             if (broken_at > 0 && i == broken_at) throw BadInput{"line " + std::to_string(i) + " is broken"};
             return Task{"word " + std::to_string(i)};
           });
  }
  Result compute(const Task& task, Context&) const { return {{task.word.rbegin(), task.word.rend()}}; }
  void reduce(const Task& task, const Result& result) {
    if (text_.size() < 200) text_ += task.word + "=" + result.backwards + ";";
    ++folded_;
  }
  std::string conclude() const { return std::to_string(folded_) + " " + text_; }

 private:
  Params params_;
  std::string text_;
  std::uint64_t folded_ = 0;
};
BOOST_DESCRIBE_STRUCT(Words::Params, (), (count, broken_at))
BOOST_DESCRIBE_STRUCT(Words::Task, (), (word))
BOOST_DESCRIBE_STRUCT(Words::Result, (), (backwards))

}  // namespace mpifarm::support
