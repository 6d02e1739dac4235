#include "compute/backend.hpp"

namespace mpifarm {

Assignment part_of(const Assignment& whole, std::uint64_t begin, std::uint64_t end) {
  Assignment part = whole;
  part.first = {whole.first.value + begin};
  part.count = end - begin;
  if (whole.descriptors.empty()) return part;
  BytesView rest = whole.descriptors, descriptor;
  for (std::uint64_t i = 0; i < begin; ++i) take_sized(rest, descriptor);
  const BytesView from = rest;
  for (std::uint64_t i = begin; i < end; ++i) take_sized(rest, descriptor);
  part.descriptors = from.substr(0, from.size() - rest.size());
  return part;
}

}  // namespace mpifarm
