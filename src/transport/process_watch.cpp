#include "transport/process_watch.hpp"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace mpifarm {
namespace {

// By number: the C library's headers for these clash with the kernel's in places.
int open_process(pid_t process) { return static_cast<int>(syscall(SYS_pidfd_open, process, 0)); }

}  // namespace

ProcessWatch::ProcessWatch() : events_{epoll_create1(EPOLL_CLOEXEC)} {}

void ProcessWatch::add(int key, pid_t process) {
  FileDescriptor opened{open_process(process)};
  if (opened.get() < 0) return;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = key;
  if (epoll_ctl(events_.get(), EPOLL_CTL_ADD, opened.get(), &event) == 0) processes_[key] = std::move(opened);
}

std::vector<int> ProcessWatch::ended() {
  std::vector<int> keys;
  std::array<epoll_event, 16> found{};
  if (processes_.empty()) return keys;
  const int count = epoll_wait(events_.get(), found.data(), static_cast<int>(found.size()), 0);
  for (int i = 0; i < count; ++i) {
    const int key = found[static_cast<std::size_t>(i)].data.fd;
    keys.push_back(key);
    processes_.erase(key);  // closed, it is no longer asked about
  }
  return keys;
}

void ProcessWatch::kill(int key) {
  if (const auto process = processes_.find(key); process != processes_.end())
    syscall(SYS_pidfd_send_signal, process->second.get(), SIGKILL, nullptr, 0);
}

std::string process_space() {
  std::string boot;
  std::getline(std::ifstream{"/proc/sys/kernel/random/boot_id"}, boot);
  std::error_code unknown;
  return boot + " " + std::filesystem::read_symlink("/proc/self/ns/pid", unknown).string();
}

}  // namespace mpifarm
