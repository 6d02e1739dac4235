#pragma once
// "Did you mean": the known name nearest to a mistyped one.

#include <span>
#include <string>
#include <string_view>

namespace mpifarm {

// The name with the smallest edit distance (Levenshtein 1966), or "" when none is near (a third of the
// letters).
std::string nearest_name(std::string_view typed, std::span<const std::string> names);

}  // namespace mpifarm
