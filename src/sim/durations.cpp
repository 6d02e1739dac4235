#include "sim/durations.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.hpp"
#include "base/numbers.hpp"
#include "base/random.hpp"

namespace mpifarm::sim {
namespace {

constexpr std::array names{"constant", "uniform", "lognormal", "pareto"};

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw BadInput{"--duration is no law of durations (\"" + std::string{text} + "\": " + why +
                 "); give seconds, constant:MEAN, uniform:MEAN, lognormal:MEAN,SIGMA or pareto:MEAN,ALPHA"};
}

double number(std::string_view text, std::string_view part, double least, double most) {
  double value = 0;
  if (const std::string why = parse_number(part, value); !why.empty())
    refuse(text, "\"" + std::string{part} + "\" is " + why);
  if (value >= least && value <= most) return value;
  std::string range = "is not from ";
  append_number(range, least);
  append_number(range += " to ", most);
  refuse(text, "\"" + std::string{part} + "\" " + range);
}

}  // namespace

Nanos Durations::draw(std::uint64_t seed, std::uint64_t task) const {
  constexpr double longest = 1e9;
  double seconds = mean;
  Random random{seed, task};
  if (law == Law::uniform) seconds = 2 * mean * random.uniform();
  if (law == Law::lognormal) seconds = random.lognormal(mean, shape);
  if (law == Law::pareto) seconds = random.pareto(mean, shape);
  return Nanos{static_cast<Nanos::rep>(std::min(seconds, longest) * 1e9)};
}

std::string Durations::text() const {
  std::string text = std::string{names.at(static_cast<std::size_t>(law))} + ":";
  append_number(text, mean);
  if (law == Law::lognormal || law == Law::pareto) append_number(text += ",", shape);
  return text;
}

Durations parse_durations(std::string_view text) {
  Durations durations;
  std::string_view rest = text;
  if (const auto colon = text.find(':'); colon != text.npos) {
    const auto found = std::ranges::find(names, text.substr(0, colon));
    if (found == names.end()) refuse(text, "there is no law \"" + std::string{text.substr(0, colon)} + "\"");
    durations.law = static_cast<Durations::Law>(found - names.begin());
    rest = text.substr(colon + 1);
  }
  const bool shaped = durations.law == Durations::Law::lognormal || durations.law == Durations::Law::pareto;
  const auto comma = rest.find(',');
  if (shaped != (comma != rest.npos)) refuse(text, shaped ? "its shape is missing" : "it has no shape");
  durations.mean = number(text, rest.substr(0, comma), 1e-9, 1e8);
  if (shaped)
    durations.shape =
        number(text, rest.substr(comma + 1), durations.law == Durations::Law::pareto ? 1.001 : 0, 100);
  return durations;
}

}  // namespace mpifarm::sim
