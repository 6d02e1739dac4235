// Jobs that end their process, change its directory, or write a file, in a place of their own code.

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <mpifarm_main.hpp>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

// Nothing is done while LEAVING_OFF is set, so that a resume can complete.
void act(const std::string& manner) {
  if (std::getenv("LEAVING_OFF") != nullptr) return;
  if (manner == "exit_0") std::exit(0);
  if (manner == "exit_1") std::exit(1);
  if (manner == "quick_exit_0") std::quick_exit(0);
  if (manner == "chdir" && chdir("/") != 0) throw std::runtime_error{"no chdir"};
  if (manner.starts_with("touch:")) {
    const int file = open(manner.substr(6).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0 || close(file) != 0) throw std::runtime_error{"its file cannot be written"};
  }
}

}  // namespace

struct Params {
  std::int64_t count = 20;
  std::string place = "compute";  // or tasks, reduce, conclude
  std::string manner = "exit_0";
  double pause = 0;  // seconds that every task takes
};
struct Task {
  std::int64_t n;
};
struct Result {
  std::int64_t n;
};
BOOST_DESCRIBE_STRUCT(Params, (), (count, place, manner, pause))
BOOST_DESCRIBE_STRUCT(Task, (), (n))
BOOST_DESCRIBE_STRUCT(Result, (), (n))

// The place is reached in the middle of the tasks.
class Job {
 public:
  explicit Job(const ::Params& params) : params_{params} {}
  ::Result compute(const ::Task& task, mpifarm::Context&) const {
    std::this_thread::sleep_for(std::chrono::duration<double>{params_.pause});
    reach("compute", task.n);
    return {task.n};
  }
  void reduce(const ::Task& task, const ::Result& result) {
    reach("reduce", task.n);
    sum_ += result.n;
  }
  std::string conclude() const {
    reach("conclude", params_.count / 2);
    return "sum: " + std::to_string(sum_);
  }

 protected:
  void reach(const std::string& place, std::int64_t n) const {
    if (place == params_.place && n == params_.count / 2) act(params_.manner);
  }

  ::Params params_;
  std::int64_t sum_ = 0;
};

struct Leaving : Job {
  static constexpr auto name = "leaving";
  static constexpr auto summary = "Numbers, in the midst of which the process ends";
  using Params = ::Params;
  using Task = ::Task;
  using Result = ::Result;

  using Job::Job;
  std::uint64_t size() const { return static_cast<std::uint64_t>(params_.count); }
  Task task(std::uint64_t i) const { return {static_cast<std::int64_t>(i)}; }
};

struct LeavingList : Job {
  static constexpr auto name = "leaving_list";
  static constexpr auto summary = "The same numbers from a sequential source";
  using Params = ::Params;
  using Task = ::Task;
  using Result = ::Result;

  using Job::Job;
  auto tasks() const {
    return std::views::iota(std::int64_t{0}, params_.count) | std::views::transform([this](std::int64_t n) {
             reach("tasks", n);
             return Task{n};
           });
  }
};

int main(int argc, char** argv) { return mpifarm::main<Leaving, LeavingList>(argc, argv); }
