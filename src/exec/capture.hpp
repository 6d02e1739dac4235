#pragma once
// What a command writes, on its way into the pack.

#include <cstdint>
#include <string>

#include "exec/output_pack.hpp"

namespace mpifarm::exec {

// Holds it in memory while it is little. One thread.
class Capture {
 public:
  // `pack` is borrowed; null: nothing is kept. `limit`: bytes kept of each stream.
  Capture(OutputPack* pack, TaskId task, std::uint64_t limit) : pack_{pack}, task_{task}, limit_{limit} {}

  void take(Stream kind, BytesView bytes);
  void finish();  // writes the rest; then the streams are whole
  const KeptStream& stream(Stream kind) const {
    return (kind == Stream::standard_output ? output_ : error_).stream;
  }
  // The last line of standard error that is not blank, printable.
  std::string last_line() const;

 private:
  struct Kept {
    KeptStream stream;
    Bytes waiting;
  };
  Kept& kept(Stream kind) { return kind == Stream::standard_output ? output_ : error_; }
  void write(Stream kind);

  OutputPack* pack_;
  TaskId task_;
  std::uint64_t limit_;
  Kept output_, error_;
  std::string tail_;  // of standard error
};

}  // namespace mpifarm::exec
