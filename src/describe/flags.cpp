#include "describe/flags.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace mpifarm::describe {

std::string flag_name(std::string_view field) {
  std::string name = "--";
  for (const char c : field) name += c == '_' ? '-' : c;
  return name;
}

void check_flags(std::span<const GivenFlag> given, std::span<const FlagInfo> flags) {
  std::vector<std::string> names;
  for (const FlagInfo& flag : flags) names.push_back(flag.name);
  for (const GivenFlag& one : given) {
    const auto name = std::ranges::find(names, one.first);
    if (name == names.end())
      throw BadInput{one.first + " is no flag of this job; " + name_advice(one.first, names, "flags")};
    const FlagInfo& flag = flags[static_cast<std::size_t>(name - names.begin())];
    if (!flag.repeated && std::ranges::count(given, one.first, &GivenFlag::first) > 1)
      throw BadInput{one.first + " is given more than once; give it once"};
  }
}

}  // namespace mpifarm::describe
