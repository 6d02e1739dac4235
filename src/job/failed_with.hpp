#pragma once
// How a job keeps what became of an attempt that failed.

#include <stdexcept>
#include <string>
#include <utility>

#include "base/outcome.hpp"

namespace mpifarm {

// Thrown by `compute`: the attempt has failed or timed out, and the Result is kept beside the message all the
// same. `compute` throws it with its own job's Result; anything else is an exception like another.
template <class Result>
class FailedWith : public std::runtime_error {
 public:
  FailedWith(const std::string& message, Result result, Outcome outcome = Outcome::failed)
      : std::runtime_error{message}, result_{std::move(result)}, outcome_{outcome} {}

  const Result& result() const { return result_; }
  Outcome outcome() const { return outcome_; }

 private:
  Result result_;
  Outcome outcome_;
};

}  // namespace mpifarm
