// A job one of whose tasks ends its process, once in a run, and says of which rank that was.

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <mpifarm_main.hpp>
#include <string>
#include <thread>

struct Leaving {
  static constexpr auto name = "leaving";
  static constexpr auto summary = "Waiting tasks, one of which leaves";

  struct Params {
    std::uint64_t count = 100;
    double pause = 0;      // seconds, of every task
    std::int64_t at = -1;  // the task that leaves
    std::string once;      // a file that is made by leaving, and that keeps it from happening again
  };
  struct Task {
    std::uint64_t n;
  };
  struct Result {
    std::uint64_t n, drawn;
  };

  explicit Leaving(const Params& params) : params_{params} {}
  std::uint64_t size() const { return params_.count; }
  Task task(std::uint64_t i) const { return {i}; }
  Result compute(const Task& task, mpifarm::Context& context) const {
    if (params_.at >= 0 && task.n == static_cast<std::uint64_t>(params_.at)) leave_once();
    std::this_thread::sleep_for(std::chrono::duration<double>{params_.pause});
    return {task.n, context.random()()};
  }

 private:
  void leave_once() const {
    const int file = open(params_.once.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return;
    const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
    const std::string text = rank == nullptr ? "0" : rank;
    if (write(file, text.data(), text.size()) < 0) _exit(4);
    _exit(3);
  }

  Params params_;
};
BOOST_DESCRIBE_STRUCT(Leaving::Params, (), (count, pause, at, once))
BOOST_DESCRIBE_STRUCT(Leaving::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Leaving::Result, (), (n, drawn))

int main(int argc, char** argv) { return mpifarm::main<Leaving>(argc, argv); }
