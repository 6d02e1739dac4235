#include "base/outcome.hpp"

#include "base/error.hpp"

namespace mpifarm {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::succeeded:
      return "succeeded";
    case Outcome::failed:
      return "failed";
    case Outcome::timed_out:
      return "timed out";
    case Outcome::crashed:
      return "crashed";
  }
  return "unknown";
}

void append_entry(Bytes& entries, Outcome outcome, BytesView payload) {
  entries.push_back(static_cast<char>(outcome));
  append_varint(entries, payload.size());
  entries += payload;
}

OutcomeEntry take_entry(BytesView& entries) {
  if (entries.empty()) throw CorruptData{"outcome entries end early"};
  const auto outcome = static_cast<Outcome>(entries.front());
  entries.remove_prefix(1);
  std::uint64_t size = 0;
  if (outcome > Outcome::crashed || !take_varint(entries, size) || size > entries.size())
    throw CorruptData{"outcome entry is damaged"};
  const OutcomeEntry entry{outcome, entries.substr(0, size)};
  entries.remove_prefix(size);
  return entry;
}

}  // namespace mpifarm
