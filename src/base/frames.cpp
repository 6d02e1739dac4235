#include "base/frames.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace mpifarm {
namespace {

constexpr std::size_t read_bytes = 64 << 10;  // at once

struct Head {
  std::uint32_t size = 0, inverted = 0;
};

// One descriptor beside the bytes of a message (cmsg(3)).
struct Passing {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
};

}  // namespace

void FrameSocket::put(BytesView frame, int passed) {
  if (!unsent()) {
    out_.clear();
    sent_ = 0;
  }
  const auto size = static_cast<std::uint32_t>(frame.size());
  const Head head{size, ~size};
  out_.append(reinterpret_cast<const char*>(&head), sizeof head);
  out_ += frame;
  if (passed >= 0) passing_ = passed;
}

bool FrameSocket::flush(Wait wait) {
  while (unsent()) {
    iovec part{out_.data() + sent_, out_.size() - sent_};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    Passing passing;
    if (passing_ >= 0) {
      message.msg_control = passing.space.data();
      message.msg_controllen = passing.space.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &passing_, sizeof(int));
    }
    const ssize_t count =
        sendmsg(socket_.get(), &message, MSG_NOSIGNAL | (wait == Wait::no ? MSG_DONTWAIT : 0));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    sent_ += static_cast<std::size_t>(count);
    passing_ = -1;
  }
  return true;
}

Filled FrameSocket::fill(Wait wait) {
  in_.erase(0, std::exchange(taken_, 0));
  std::array<char, read_bytes> arrived;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
  while (true) {
    iovec part{arrived.data(), arrived.size()};
    Passing passing;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = passing.space.data();
    message.msg_controllen = passing.space.size();
    const ssize_t count =
        recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | (wait == Wait::no ? MSG_DONTWAIT : 0));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? Filled::nothing : Filled::closed;
    in_.append(arrived.data(), static_cast<std::size_t>(count));
    if (const cmsghdr* header = CMSG_FIRSTHDR(&message);
        header != nullptr && header->cmsg_type == SCM_RIGHTS) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
      passed_.emplace_back(descriptor);
    }
    return Filled::some;
  }
}

bool FrameSocket::next(Bytes& frame) {
  Head head;
  if (in_.size() - taken_ < sizeof head) return false;
  std::memcpy(&head, in_.data() + taken_, sizeof head);
  if (head.inverted != ~head.size) throw CorruptData{"what came through a socket is no frame"};
  if (in_.size() - taken_ - sizeof head < head.size) return false;
  frame.assign(in_, taken_ + sizeof head, head.size);
  taken_ += sizeof head + head.size;
  return true;
}

FileDescriptor FrameSocket::next_passed() {
  if (passed_.empty()) return FileDescriptor{-1};
  FileDescriptor descriptor = std::move(passed_.front());
  passed_.pop_front();
  return descriptor;
}

std::pair<FileDescriptor, FileDescriptor> socket_pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw MachineryFailure{"no socket pair could be made (" + errno_text(errno) +
                           "); raise the limit on open files"};
  return {FileDescriptor{ends[0]}, FileDescriptor{ends[1]}};
}

}  // namespace mpifarm
