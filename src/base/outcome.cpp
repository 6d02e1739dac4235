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
  append_sized(entries, payload);
}

Bytes successes(std::uint64_t count, BytesView payload) {
  Bytes entries;
  for (; count > 0; --count) append_entry(entries, Outcome::succeeded, payload);
  return entries;
}

OutcomeEntry take_entry(BytesView& entries) {
  if (entries.empty()) throw CorruptData{"outcome entries end early"};
  const auto outcome = static_cast<Outcome>(entries.front());
  entries.remove_prefix(1);
  OutcomeEntry entry{outcome, {}};
  if (outcome > Outcome::crashed || !take_sized(entries, entry.payload))
    throw CorruptData{"outcome entry is damaged"};
  return entry;
}

}  // namespace mpifarm
