#pragma once
// What all cases together say.

#include <array>

#include "trial.hpp"

namespace mpifarm::chaos {

// Of a share of wrong runs, none of `runs` having been wrong: the exact upper end of a one-sided interval of
// 95 %, 1 - 0.05^(1/runs), about 3/runs. C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial
// limits", Biometrika 26, 1934. For `wrong` of them, the share at which so few have a chance of 5 %.
double upper_bound_95(std::uint64_t runs, std::uint64_t wrong);

class Tally {
 public:
  void add(const Report& report);
  std::uint64_t wrong() const { return wrong_; }
  std::string text() const;  // a table by kind and the bound

 private:
  struct Count {
    std::uint64_t drawn = 0, hit = 0, wrong = 0;
  };
  std::array<Count, kinds> by_kind_;
  std::uint64_t runs_ = 0, disturbed_ = 0, wrong_ = 0, wrong_disturbed_ = 0, starts_ = 0, mpirun_hung_ = 0;
};

}  // namespace mpifarm::chaos
