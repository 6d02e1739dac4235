// A program with one job: every task ends its process.

#include <unistd.h>

#include <boost/describe.hpp>
#include <mpifarm.hpp>
#include <mpifarm_main.hpp>

struct Crash {
  static constexpr auto name = "crash";
  static constexpr auto summary = "End the process";

  struct Params {
    std::uint64_t count = 100;
  };
  struct Task {
    std::uint64_t n;
  };
  struct Result {
    std::uint64_t n;
  };

  explicit Crash(const Params& params) : params_{params} {}

  std::uint64_t size() const { return params_.count; }
  Task task(std::uint64_t i) const { return {i}; }
  Result compute(const Task&, mpifarm::Context&) const { _exit(1); }

 private:
  Params params_;
};
BOOST_DESCRIBE_STRUCT(Crash::Params, (), (count))
BOOST_DESCRIBE_STRUCT(Crash::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Crash::Result, (), (n))

int main(int argc, char** argv) { return mpifarm::main<Crash>(argc, argv); }
