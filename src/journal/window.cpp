#include "journal/window.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mpifarm::journal {

void Window::fill(std::uint64_t offset, std::size_t bytes) {
  const std::uint64_t end = start_ + filled_;
  const std::size_t keep = offset >= start_ && offset < end ? end - offset : 0;
  const char* kept = buffer_.get() + (filled_ - keep);
  const std::size_t wanted = std::max(bytes, usual_);
  // A buffer that a huge record has blown up is given back.
  if (capacity_ < wanted || capacity_ > 8 * wanted) {
    auto bigger = std::make_unique_for_overwrite<char[]>(wanted);
    if (keep > 0) std::memcpy(bigger.get(), kept, keep);
    buffer_ = std::move(bigger);
    capacity_ = wanted;
  } else if (keep > 0) {
    std::memmove(buffer_.get(), kept, keep);
  }
  start_ = offset;
  filled_ = keep;
  while (filled_ < bytes) {
    const ssize_t got = ::pread(file_->get(), buffer_.get() + filled_, capacity_ - filled_,
                                static_cast<off_t>(start_ + filled_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno(path_, "read");
    if (got == 0) return;
    filled_ += static_cast<std::size_t>(got);
  }
}

}  // namespace mpifarm::journal
