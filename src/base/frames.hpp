#pragma once
// Messages between processes of one host, over a stream socket: a length of four bytes, the same
// bytes inverted, then the frame's.

#include <cstdint>
#include <deque>
#include <utility>

#include "base/bytes.hpp"
#include "base/file.hpp"

namespace mpifarm {

enum class Wait : std::uint8_t { yes, no };
enum class Filled : std::uint8_t { some, nothing, closed };  // closed: the other end is

// One end. One thread. The other end may close at any moment: then flush() and fill() say so, and what had
// arrived before can still be taken.
class FrameSocket {
 public:
  FrameSocket() = default;
  explicit FrameSocket(FileDescriptor socket) : socket_{std::move(socket)} {}

  int descriptor() const { return socket_.get(); }
  bool is_open() const { return socket_.get() >= 0; }

  // At most 4 GiB. `passed`: a descriptor that goes with the frame, borrowed until it is flushed; at most one
  // frame waits then.
  void put(BytesView frame, int passed = -1);
  // Sends what was put, all of it or as much as goes. False when the other end is closed.
  bool flush(Wait wait);
  bool unsent() const { return sent_ < out_.size(); }

  // Takes in some of what has arrived; with Wait::yes, at least something.
  Filled fill(Wait wait);
  // The next whole frame; false when there is none. Throws CorruptData for what is none.
  bool next(Bytes& frame);
  // The descriptors that came with frames, in their order.
  FileDescriptor next_passed();

 private:
  FileDescriptor socket_;
  Bytes out_;
  std::size_t sent_ = 0;  // of out_
  int passing_ = -1;
  Bytes in_;
  std::size_t taken_ = 0;  // of in_
  std::deque<FileDescriptor> passed_;
};

// Two connected ends. Throws MachineryFailure.
std::pair<FileDescriptor, FileDescriptor> socket_pair();

}  // namespace mpifarm
