#pragma once
// What must hold for any input: a target that finds it broken ends the process, as a fuzzer expects.

#include <cstdio>
#include <cstdlib>

namespace mpifarm::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace mpifarm::fuzz
