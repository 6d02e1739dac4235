#pragma once
// Makes durable, on a thread of its own, what the tasks of a rank leave in the run directory: each second,
// and when asked.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/waker.hpp"
#include "job/any_job.hpp"

namespace mpifarm {

// One thread uses it, the loop's.
class FileSettler {
 public:
  // Wakes `waker`, which is borrowed, when there is an answer. `each_second`: not only when asked.
  FileSettler(std::unique_ptr<KeptFiles> files, std::uint64_t start, std::uint32_t rank, bool each_second,
              Waker& waker);
  FileSettler(const FileSettler&) = delete;
  FileSettler& operator=(const FileSettler&) = delete;
  ~FileSettler();

  void ask();
  // Once for each time it was asked, when that is done, and once for the first failure: why it failed, else
  // empty.
  std::optional<std::string> answer();

 private:
  void serve();
  bool wait();

  std::unique_ptr<KeptFiles> files_;
  std::uint64_t start_;
  std::uint32_t rank_;
  bool each_second_;
  Waker& waker_;
  std::mutex mutex_;
  std::condition_variable asked_for_;
  bool asked_ = false, closing_ = false, failed_ = false;
  std::string problem_;  // the first
  std::optional<std::string> answer_;
  std::thread thread_;
};

}  // namespace mpifarm
