#pragma once
// What a journal says. The number of a type on disk is its place in `Record`, from 1: add types at the end,
// change none.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/interval_set.hpp"
#include "base/outcome.hpp"

namespace mpifarm::journal {

// Tasks that have ended for good.
struct Outcomes {
  OutcomeBlock block;
  Bytes descriptors;  // sequential sources: for each entry a length (varint) and the packed Task; indexed:
                      // empty

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& block& descriptors;
  }
};

// An attempt that failed and will be followed by another.
struct FailedAttempt {
  Position position;
  std::uint32_t attempt = 1;  // from 1
  std::string message;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& position& attempt& message;
  }
};

// Tasks pulled from a sequential source, in its order.
struct SourceItems {
  Position first;
  std::vector<std::uint64_t> keys;  // hashes of the descriptors
  bool end = false;                 // the source had no more after them

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& first& keys& end;
  }
};

// The first record of a segment.
struct Started {
  std::uint32_t ranks = 0;
  std::uint32_t threads = 0;
  std::string time;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& ranks& threads& time;
  }
};

// The last record of a segment that ended in order.
struct Sealed {
  bool complete = false;  // nothing of the run is left to do
  std::string time;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& complete& time;
  }
};

// What this start has spent so far. The last one of a segment counts.
struct Spent {
  Nanos wall{};  // since the first hand-out
  Nanos busy{};  // slot time
  Nanos cpu{};   // CPU time of the computing threads

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& wall& busy& cpu;
  }
  friend bool operator==(const Spent&, const Spent&) = default;
};

// An attempt that ended the process it was computed in, and will be followed by another.
struct CrashedAttempt {
  Position position;
  std::uint32_t crashes = 1;  // of this task so far
  std::string message;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& position& crashes& message;
  }
};

// Tasks that were on a rank when it was lost, so one of them may have been the reason: they are computed in
// isolation from now on.
struct Suspects {
  std::vector<Interval> positions;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& positions;
  }
};

// Failures of earlier starts that are computed anew: what the segments before say of these tasks' ends is
// void.
struct Redo {
  std::vector<Interval> positions;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& positions;
  }
};

// Successes of earlier starts whose output is not there any more, and which are computed anew: what the
// segments before say of these tasks' ends is void.
struct Lost {
  std::vector<Interval> positions;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& positions;
  }
};

// A shard has seen its source to the end: what all shards of one run must have seen alike. The last one
// counts.
struct WholeSource {
  std::uint64_t tasks = 0;  // of all shards
  std::string digest;       // of their descriptors in the order of the source

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& tasks& digest;
  }
  friend bool operator==(const WholeSource&, const WholeSource&) = default;
};

using Record = std::variant<Outcomes, FailedAttempt, SourceItems, Started, Sealed, Spent, CrashedAttempt,
                            Suspects, Redo, Lost, WholeSource>;

// A set of record types, for readers that want only some.
using TypeMask = std::uint32_t;
inline constexpr TypeMask all_types = (1u << std::variant_size_v<Record>)-1;

template <class T, std::size_t i = 0>
constexpr std::size_t index_of() {
  if constexpr (std::is_same_v<T, std::variant_alternative_t<i, Record>>)
    return i;
  else
    return index_of<T, i + 1>();
}

template <class... T>
constexpr TypeMask mask_of() {
  return ((TypeMask{1} << index_of<T>()) | ...);
}

}  // namespace mpifarm::journal
