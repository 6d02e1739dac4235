#include "tally.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mpifarm::chaos {
namespace {

constexpr double chance = 0.05;

// That at most `wrong` of `runs` are, each being so with probability `share`.
double chance_of_so_few(std::uint64_t runs, std::uint64_t wrong, double share) {
  double sum = 0;
  for (std::uint64_t k = 0; k <= wrong; ++k) {
    const double n = static_cast<double>(runs), m = static_cast<double>(k);
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(m + 1) - std::lgamma(n - m + 1) + m * std::log(share) +
                    (n - m) * std::log1p(-share));
  }
  return sum;
}

}  // namespace

double upper_bound_95(std::uint64_t runs, std::uint64_t wrong) {
  if (wrong >= runs) return 1;
  if (wrong == 0) return 1 - std::pow(chance, 1 / static_cast<double>(runs));
  double low = 0, high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (chance_of_so_few(runs, wrong, middle) > chance ? low : high) = middle;
  }
  return high;
}

void Tally::add(const Report& report) {
  const bool bad = !report.wrong.empty();
  const bool hit = std::ranges::any_of(report.disturbances, [](const auto& each) { return each.second; });
  ++runs_;
  starts_ += report.story.size();
  mpirun_hung_ += static_cast<std::uint64_t>(report.mpirun_hung);
  wrong_ += bad;
  disturbed_ += hit;
  wrong_disturbed_ += hit && bad;
  for (const auto& [kind, struck] : report.disturbances) {
    Count& count = by_kind_.at(static_cast<std::size_t>(kind));
    ++count.drawn;
    count.hit += struck;
    count.wrong += bad;
  }
}

std::string Tally::text() const {
  std::string text = fmt::format("{:<22}{:>8}{:>8}{:>8}\n", "disturbance", "drawn", "hit", "wrong");
  for (std::size_t i = 0; i < kinds; ++i)
    if (const Count& count = by_kind_[i]; count.drawn > 0)
      text += fmt::format("{:<22}{:>8}{:>8}{:>8}\n", name_of(static_cast<Kind>(i)), count.drawn, count.hit,
                          count.wrong);
  if (mpirun_hung_ > 0)
    text += fmt::format("mpirun stayed when its ranks had ended or were stopped, and was killed: {} times\n",
                        mpirun_hung_);
  return text + fmt::format(
                    "{} runs in {} starts, {} of them disturbed before their end; {} wrong\n"
                    "a disturbed run goes wrong with a probability below {:.2g} (95 %, {} of {} seen)\n",
                    runs_, starts_, disturbed_, wrong_, upper_bound_95(disturbed_, wrong_disturbed_),
                    wrong_disturbed_, disturbed_);
}

}  // namespace mpifarm::chaos
