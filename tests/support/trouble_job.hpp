#pragma once
// A job with tasks that crash, never end, eat memory, or start processes that they leave behind.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mpifarm.hpp>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mpifarm::support {

// Where memory is touched, so that the compiler cannot see that it does nothing.
inline volatile char* touched = nullptr;

// Whatever a sanitizer or a caller made of the signal.
inline void die_of(int signal) {
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

inline void wait_for_ever() {
  while (true) std::this_thread::sleep_for(std::chrono::hours{1});
}

inline void eat_memory() {
  constexpr std::size_t part_bytes = 16 << 20;
  std::vector<std::unique_ptr<char[]>> parts;
  while (true) {
    parts.push_back(std::make_unique<char[]>(part_bytes));
    touched = parts.back().get();
    for (std::size_t i = 0; i < part_bytes; i += 4096) touched[i] = 1;
  }
}

// Processes that start processes, up to 2^(2 * generations).
inline void start_many(int generations) {
  for (; generations > 0; --generations)
    for (int i = 0; i < 2; ++i)
      if (fork() == 0) break;
  wait_for_ever();
}

// A grandchild in a session of its own, whose parent is gone.
inline void leave_one_behind() {
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() == 0) wait_for_ever();
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

// What a program does that makes itself a daemon, or that writes where nothing of it is.
inline void spoil_connections(bool closes) {
  const std::string garbage(100, 'x');
  for (int descriptor = 3; descriptor < 100; ++descriptor)
    if (closes)
      close(descriptor);
    else if (write(descriptor, garbage.data(), garbage.size()) < 0)
      continue;
  if (closes) wait_for_ever();
}

// An MPI program that a task starts would take itself for a rank.
inline void refuse_launcher() {
  for (char** entry = environ; *entry != nullptr; ++entry)
    for (const std::string prefix : {"OMPI_", "PMIX_", "PMI_", "ORTE_"})
      if (std::string{*entry}.starts_with(prefix) && !std::string{*entry}.starts_with("OMPI_ALLOW_"))
        throw std::runtime_error{*entry};
}

inline void flood() {
  const std::string line(1000, 'x');
  while (true) std::puts(line.c_str());
}

// A file without a name that has so many numbers, one after the other; to be read.
inline int numbers_from(std::int64_t count) {
  std::FILE* file = std::tmpfile();
  if (file == nullptr) throw std::runtime_error{"no file"};
  for (std::int64_t n = 0; n < count; ++n) std::fwrite(&n, sizeof n, 1, file);
  std::fflush(file);
  return open(("/proc/self/fd/" + std::to_string(fileno(file))).c_str(), O_RDONLY | O_CLOEXEC);
}

struct Trouble {
  static constexpr auto name = "trouble";
  static constexpr auto summary = "Tasks of which one or more misbehave";

  struct Params {
    std::int64_t count = 100;
    std::int64_t poison = -1;  // the first that misbehaves
    std::int64_t every = 0;    // and each so many behind it; 0: no other
    std::string manner = "segv";
    std::int64_t fails = -1;    // a task that throws, whatever the others do
    double pause = 0;           // seconds that every task takes
    std::uint64_t ballast = 0;  // bytes that the job takes
  };
  struct Task {
    std::int64_t n;
    std::string note;
  };
  struct Result {
    std::int64_t n;
  };

  explicit Trouble(const Params& params) : params_{params}, ballast_(params.ballast, 'b') {
    if (params.manner == "constructor") die_of(SIGSEGV);
    if (params.manner == "opened") file_ = numbers_from(params.count);
    if (params.manner.starts_with("write:"))
      file_ = open(params.manner.substr(6).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  }
  std::uint64_t size() const { return static_cast<std::uint64_t>(params_.count); }
  Task task(std::uint64_t i) const { return {static_cast<std::int64_t>(i), "task " + std::to_string(i)}; }
  Result compute(const Task& task, Context& context) const {
    std::this_thread::sleep_for(std::chrono::duration<double>{params_.pause});
    if (task.n == params_.fails) throw std::runtime_error{"this one fails"};
    const std::int64_t behind = task.n - params_.poison;
    if (params_.manner == "opened") check_place(task.n);
    if (params_.manner.starts_with("write:") && write(file_, &task.n, sizeof task.n) != sizeof task.n)
      throw std::runtime_error{"its file cannot be written"};
    if (params_.poison >= 0 &&
        (behind == 0 || (params_.every > 0 && behind > 0 && behind % params_.every == 0)))
      misbehave(context);
    return {task.n};
  }

 private:
  // In two steps, as a stream does: who shares the place with others reads what is not his.
  void check_place(std::int64_t n) const {
    const std::scoped_lock lock{place_};
    std::int64_t found = -1;
    const auto size = static_cast<off_t>(sizeof found);
    lseek(file_, n * size, SEEK_SET);
    std::this_thread::yield();
    if (read(file_, &found, sizeof found) != size) throw std::runtime_error{"its file is closed"};
    if (found != n) throw std::runtime_error{"another has moved the place in its file"};
  }
  void misbehave(Context& context) const {
    const std::string& manner = params_.manner;
    if (manner == "segv") die_of(SIGSEGV);
    if (manner == "kill") die_of(SIGKILL);
    if (manner == "abort") std::abort();
    if (manner == "exit") _exit(3);
    if (manner == "slow_on_rank_1" && std::getenv("OMPI_COMM_WORLD_RANK") == std::string{"1"})
      std::this_thread::sleep_for(std::chrono::seconds{60});
    if (manner.starts_with("until:") && !std::filesystem::exists(manner.substr(6)))
      throw std::runtime_error{"it is not there yet"};
    if (manner == "throw") throw std::runtime_error{"it threw"};
    if (manner == "once" && context.attempt() == 1) die_of(SIGSEGV);
    if (manner == "loop") wait_for_ever();
    if (manner == "heed")
      while (true) {
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
        if (context.stop_requested()) throw std::runtime_error{"stopped"};
      }
    if (manner == "late") std::this_thread::sleep_for(std::chrono::milliseconds{102});
    if (manner == "close" || manner == "garbage") spoil_connections(manner == "close");
    if (manner == "environment") refuse_launcher();
    if (manner == "hog") eat_memory();
    if (manner == "bomb") start_many(4);
    if (manner == "leave") leave_one_behind();
    if (manner == "leave_and_loop") {
      leave_one_behind();
      wait_for_ever();
    }
    if (manner == "flood") flood();
    if (manner == "log_flood")
      while (true) context.log(std::string(1000, 'x'));
    if (manner == "log") context.log("a line of a task");
  }

  Params params_;
  std::string ballast_;
  int file_ = -1;  // that the job has opened
  mutable std::mutex place_;
};
BOOST_DESCRIBE_STRUCT(Trouble::Params, (), (count, poison, every, manner, fails, pause, ballast))
BOOST_DESCRIBE_STRUCT(Trouble::Task, (), (n, note))
BOOST_DESCRIBE_STRUCT(Trouble::Result, (), (n))

}  // namespace mpifarm::support
