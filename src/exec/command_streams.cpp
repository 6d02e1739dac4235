#include "exec/command_streams.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

namespace mpifarm::exec {
namespace {

constexpr std::size_t read_bytes = 64 << 10;
constexpr int most_reads = 32;  // at a time: others write too, and time goes by; no pipe holds more (pipe(7))

}  // namespace

bool CommandStreams::open() {
  for (std::size_t i = 0; i < ours_.size(); ++i) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    ours_[i] = FileDescriptor{ends[0]};
    theirs_[i] = FileDescriptor{ends[1]};
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return false;
  }
  return true;
}

void CommandStreams::watch(pollfd* events) const {
  for (std::size_t i = 0; i < ours_.size(); ++i) events[i] = {ours_[i].get(), POLLIN, 0};
}

void CommandStreams::take_in(const pollfd* events) {
  for (std::size_t i = 0; i < ours_.size(); ++i)
    if (events[i].revents == POLLHUP)
      ours_[i] = FileDescriptor{};  // nothing is left to read
    else if (events[i].revents != 0)
      drain(i);
}

void CommandStreams::drain() {
  for (std::size_t i = 0; i < ours_.size(); ++i) drain(i);
}

void CommandStreams::drain(std::size_t i) {
  FileDescriptor& stream = ours_[i];
  if (stream.get() >= 0) buffer_.resize(read_bytes);
  for (int reads = 0; stream.get() >= 0 && reads < most_reads; ++reads) {
    const ssize_t count = read(stream.get(), buffer_.data(), buffer_.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;
    if (count == 0) {
      stream = FileDescriptor{};
    } else {
      bytes_ += static_cast<std::uint64_t>(count);
      take_(i == 0 ? Stream::standard_output : Stream::standard_error,
            {buffer_.data(), static_cast<std::size_t>(count)});
    }
  }
}

bool CommandStreams::held_by(pid_t process) const {
  std::error_code unseen;
  std::filesystem::directory_iterator entry{"/proc/" + std::to_string(process) + "/fd", unseen};
  for (; !unseen && entry != std::filesystem::directory_iterator{}; entry.increment(unseen)) {
    struct stat theirs {
    }, ours{};
    if (stat(entry->path().c_str(), &theirs) != 0 || !S_ISFIFO(theirs.st_mode)) continue;
    for (const FileDescriptor& stream : ours_)
      if (stream.get() >= 0 && fstat(stream.get(), &ours) == 0 && ours.st_ino == theirs.st_ino &&
          ours.st_dev == theirs.st_dev)
        return true;
  }
  return false;
}

}  // namespace mpifarm::exec
