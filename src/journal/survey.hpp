#pragma once
// Which bytes of a run directory's journal count.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/interval_set.hpp"
#include "journal/format.hpp"

namespace mpifarm::journal {

struct Segment {
  std::filesystem::path path;
  SegmentHeader header;
  std::uint64_t valid_bytes = 0;  // header and records that count; what lies behind them is ignored
};

struct Survey {
  std::filesystem::path run;
  std::vector<Segment> segments;  // in order, from 1; empty when nothing was ever recorded
  std::uint64_t torn_bytes =
      0;                  // behind the last valid record of the last segment: a write that a crash cut short
  bool sealed = false;    // the last record is a Sealed
  bool complete = false;  // and says that the run is complete
  // A file behind the last segment that never got a whole header, so holds no record. The next start renames
  // it away.
  std::optional<std::filesystem::path> torn_segment;
  // Positions whose failures a start that is about to begin makes void; a Redo record will say so.
  IntervalSet redo;
  // The same of successes whose output is lost; a Lost record will say so.
  IntervalSet lost;

  std::uint64_t run_id() const { return segments.empty() ? 0 : segments.front().header.run_id; }
};

// Reads the headers of all segments, and the last segment whole to find its valid length. Changes nothing.
// The run must be dead: of one that lives, the survey is out of date at once, and a write in progress may
// look like damage. Throws Damaged when what a start of the run relied on, or a record with valid ones behind
// it, is not what was written; BadInput when another version wrote the journal; MachineryFailure when it
// cannot be read.
Survey inspect(const std::filesystem::path& run);

// The header of segment `number`; nothing when there is no such file or its header is not whole (yet).
std::optional<SegmentHeader> read_header(const std::filesystem::path& run, std::uint32_t number);

}  // namespace mpifarm::journal
