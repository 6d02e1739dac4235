#pragma once
// What became of tasks, in the packed form that travels from a worker through the journal to the results
// without being copied task by task.

#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "base/ids.hpp"

namespace mpifarm {

enum class Outcome : std::uint8_t { succeeded, failed, timed_out, crashed };

std::string_view to_string(Outcome outcome);  // "succeeded", "failed", "timed out", "crashed"

// Outcomes of `count` tasks at consecutive positions. An entry is the Outcome (one byte), then a length
// (varint) and that many bytes: the packed Result of a success, the message (UTF-8) of anything else.
struct OutcomeBlock {
  Position first;
  std::uint64_t count = 0;
  std::uint64_t succeeded = 0;  // how many of the entries are successes
  Bytes entries;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& first& count& succeeded& entries;
  }
};

struct OutcomeEntry {
  Outcome outcome = Outcome::succeeded;
  BytesView payload;  // borrowed from the block
};

void append_entry(Bytes& entries, Outcome outcome, BytesView payload);
// The entries of `count` successes with equal results.
Bytes successes(std::uint64_t count, BytesView payload);

// Takes one entry off the front of `entries`; throws CorruptData when they are cut or name no Outcome.
OutcomeEntry take_entry(BytesView& entries);

}  // namespace mpifarm
