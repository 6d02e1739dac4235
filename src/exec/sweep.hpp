#pragma once
// Values to go through: `alpha=0:1:0.1`, `seed=1..100`, `method=jacobi,sor`, and all or pairs of them.

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exec/command_template.hpp"

namespace mpifarm::exec {

// Values by number: a list, or counted when asked for.
class AxisValues {
 public:
  AxisValues() = default;
  AxisValues(std::initializer_list<std::string> listed) : listed_{listed}, size_{listed.size()} {}
  explicit AxisValues(std::vector<std::string> listed) : listed_{std::move(listed)}, size_{listed_.size()} {}
  // `at` is called with numbers below `size`.
  AxisValues(std::uint64_t size, std::function<std::string(std::uint64_t)> at)
      : at_{std::move(at)}, size_{size} {}

  std::uint64_t size() const { return size_; }
  std::string operator[](std::uint64_t i) const { return at_ ? at_(i) : listed_[i]; }

 private:
  std::vector<std::string> listed_;
  std::function<std::string(std::uint64_t)> at_;
  std::uint64_t size_ = 0;
};

struct Axis {
  std::string name;
  AxisValues values;  // at least one
};

// Of `name=FROM:TO:STEP` (numbers; the end belongs to it where a step meets it), `name=FROM..TO` (integers,
// up or down; 001..100 has as many digits each) or `name=A,B,C` (texts; "\," is a comma). Decimal fractions
// are counted exactly: 0:1:0.1 gives 0.3, not 0.30000000000000004. Throws BadInput for a range that is empty,
// endless, of more than 10 million values or not of numbers, and for a name that is none.
Axis parse_axis(const std::string& flag, std::string_view text);

// The tasks that axes make. Immutable; any thread.
class Sweep {
 public:
  // `linked`: the first values together, then the second ones, and so on; else every combination, the last
  // axis fastest. Throws BadInput when two axes have one name, when linked ones differ in length, and for
  // more than 2^63 combinations.
  Sweep(std::vector<Axis> axes, bool linked);

  std::uint64_t size() const { return size_; }  // 0 without axes
  Values at(std::uint64_t i) const;
  const std::vector<Axis>& axes() const { return axes_; }

 private:
  std::vector<Axis> axes_;
  bool linked_;
  std::uint64_t size_ = 0;
};

}  // namespace mpifarm::exec
