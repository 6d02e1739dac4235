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
// (varint) and that many bytes: the packed Result of a success, the message (UTF-8, without a NUL) of
// anything else, and behind it, where the job keeps a Result all the same, a NUL and the packed Result.
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

// The two parts of the payload of what is no success.
inline BytesView failure_message(BytesView payload) { return payload.substr(0, payload.find('\0')); }
inline BytesView kept_result(BytesView payload) {  // empty when there is none
  const std::size_t message_end = payload.find('\0');
  return message_end == payload.npos ? BytesView{} : payload.substr(message_end + 1);
}

void append_entry(Bytes& entries, Outcome outcome, BytesView payload);
// The entries of `count` successes with equal results.
Bytes successes(std::uint64_t count, BytesView payload);

// Takes one entry off the front of `entries`; throws CorruptData when they are cut or name no Outcome.
OutcomeEntry take_entry(BytesView& entries);

}  // namespace mpifarm
