#pragma once
// The standard output and standard error of one command, as pipes that are read here.

#include <sys/types.h>

#include <array>
#include <functional>
#include <vector>

#include "base/bytes.hpp"
#include "base/file.hpp"
#include "exec/output_keeper.hpp"

struct pollfd;

namespace mpifarm::exec {

using TakeOutput = std::function<void(Stream, BytesView)>;

// One thread.
class CommandStreams {
 public:
  // Borrows `take`, which is given what is read.
  explicit CommandStreams(const TakeOutput& take) : take_{take} {}

  // Makes both pipes. False with errno set when there are too few descriptors.
  bool open();
  // The ends that the command writes to, until they are handed over.
  int output() const { return theirs_[0].get(); }
  int error() const { return theirs_[1].get(); }
  void hand_over() { theirs_ = {}; }

  // Fills in two events to poll(2) for, and takes in what they tell.
  void watch(pollfd* events) const;
  void take_in(const pollfd* events);
  // Reads what is there.
  void drain();
  // Whether a process has an end open for writing, as far as has been read.
  bool any_open() const { return ours_[0].get() >= 0 || ours_[1].get() >= 0; }
  // Whether the process has one of the open streams among its descriptors.
  bool held_by(pid_t process) const;
  // Bytes read so far, of both.
  std::uint64_t bytes() const { return bytes_; }

 private:
  void drain(std::size_t stream);

  const TakeOutput& take_;
  std::array<FileDescriptor, 2> ours_, theirs_;
  Bytes buffer_;
  std::uint64_t bytes_ = 0;
};

}  // namespace mpifarm::exec
