// A program with one job: every task waits, and says in a file that it was computed.

#include <fcntl.h>
#include <unistd.h>

#include <boost/describe.hpp>
#include <chrono>
#include <mpifarm.hpp>
#include <mpifarm_main.hpp>
#include <thread>

struct Counted {
  static constexpr auto name = "counted";
  static constexpr auto summary = "Wait, and add a byte to a file";

  struct Params {
    std::uint64_t count = 1000;
    double pause = 0.01;  // seconds
    std::string file = "counted";
  };
  struct Task {
    std::uint64_t n;
  };
  struct Result {
    std::uint64_t n;
  };

  explicit Counted(const Params& params)
      : params_{params}, file_{open(params.file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)} {
    if (file_ < 0) throw mpifarm::BadInput{"--file cannot be opened"};
  }

  std::uint64_t size() const { return params_.count; }
  Task task(std::uint64_t i) const { return {i}; }
  Result compute(const Task& task, mpifarm::Context&) const {
    std::this_thread::sleep_for(std::chrono::duration<double>{params_.pause});
    if (write(file_, "x", 1) != 1) throw std::runtime_error{"the file cannot be written"};
    return {task.n};
  }

 private:
  Params params_;
  int file_;
};
BOOST_DESCRIBE_STRUCT(Counted::Params, (), (count, pause, file))
BOOST_DESCRIBE_STRUCT(Counted::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Counted::Result, (), (n))

int main(int argc, char** argv) { return mpifarm::main<Counted>(argc, argv); }
