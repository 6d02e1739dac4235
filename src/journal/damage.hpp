#pragma once
// The error of a journal whose committed bytes are not what was written.

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/error.hpp"

namespace mpifarm::journal {

// Nothing may be added to a journal that throws this: records behind the damage would be lost or counted
// twice.
struct Damaged : MachineryFailure {
  // `offset` is the first byte of the record (or of the header: 0) that cannot be trusted.
  Damaged(const std::filesystem::path& where, std::uint64_t offset, std::string_view why);

  std::filesystem::path file;
  std::uint64_t at;
};

}  // namespace mpifarm::journal
