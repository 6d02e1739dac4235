#include "node/file_settler.hpp"

#include <chrono>
#include <exception>
#include <utility>

namespace mpifarm {
namespace {

constexpr auto interval = std::chrono::seconds{1};

}  // namespace

FileSettler::FileSettler(std::unique_ptr<KeptFiles> files, std::uint64_t start, std::uint32_t rank,
                         bool each_second, Waker& waker)
    : files_{std::move(files)},
      start_{start},
      rank_{rank},
      each_second_{each_second},
      waker_{waker},
      thread_{[this] { serve(); }} {}

FileSettler::~FileSettler() {
  {
    const std::scoped_lock lock{mutex_};
    closing_ = true;
  }
  asked_for_.notify_one();
  thread_.join();
}

void FileSettler::ask() {
  {
    const std::scoped_lock lock{mutex_};
    asked_ = true;
  }
  asked_for_.notify_one();
}

std::optional<std::string> FileSettler::answer() {
  const std::scoped_lock lock{mutex_};
  return std::exchange(answer_, std::nullopt);
}

// False when it is to end.
bool FileSettler::wait() {
  std::unique_lock lock{mutex_};
  const auto wanted = [this] { return asked_ || closing_; };
  if (each_second_ && !failed_)
    asked_for_.wait_for(lock, interval, wanted);
  else
    asked_for_.wait(lock, wanted);
  return !closing_;
}

void FileSettler::serve() {
  while (wait()) {
    std::string problem;
    bool asked = false;
    {
      const std::scoped_lock lock{mutex_};
      asked = std::exchange(asked_, false);
    }
    try {
      files_->sync(start_, rank_);
    } catch (const std::exception& failure) {
      problem = failure.what();
    }
    {
      const std::scoped_lock lock{mutex_};
      if (problem_.empty()) problem_ = problem;  // a file system says it once
      if (!asked && (problem.empty() || std::exchange(failed_, true))) continue;
      answer_ = problem_;
    }
    waker_.wake();
  }
}

}  // namespace mpifarm
