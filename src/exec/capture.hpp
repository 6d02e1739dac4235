#pragma once
// What a command writes, on its way to what keeps it.

#include <cstdint>
#include <string>

#include "exec/output_keeper.hpp"

namespace mpifarm::exec {

struct CaptureOptions {
  std::uint64_t limit = 0;  // bytes kept of each stream
  bool by_lines = false;    // handed on as soon as there are whole lines, and nothing but these until the end
};

// Holds it in memory while it is little. One thread.
class Capture {
 public:
  // `keeper` is borrowed; null: nothing is kept.
  Capture(OutputKeeper* keeper, TaskId task, CaptureOptions options);

  void take(Stream kind, BytesView bytes);
  void finish();  // hands on the rest; then the streams are whole
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
  void hand_on_lines(Stream kind);
  void hand_on(Stream kind, std::size_t bytes);

  OutputKeeper* keeper_;
  TaskId task_;
  CaptureOptions options_;
  Kept output_, error_;
  std::string tail_;  // of standard error
};

}  // namespace mpifarm::exec
