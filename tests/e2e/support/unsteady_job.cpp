// Jobs that no farm should trust: their sources depend on the environment of each process, so ranks, or a run
// and its resume, may disagree.

#include <chrono>
#include <cstdlib>
#include <mpifarm_main.hpp>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

std::int64_t setting(const char* name, std::int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

}  // namespace

// Indexed: UNSTEADY_SIZE tasks from UNSTEADY_FIRST on.
struct Unsteady {
  static constexpr auto name = "unsteady";
  static constexpr auto summary = "Numbers that depend on the environment";

  struct Params {
    double pause = 0;  // seconds that every task waits
  };
  struct Task {
    std::int64_t n;
  };
  struct Result {
    std::int64_t n;
    std::vector<std::int64_t> parts;  // nested, so that results do not fit CSV
  };

  explicit Unsteady(const Params& params) : params_{params} {
    if (setting("UNSTEADY_REFUSES", 0) != 0) throw mpifarm::BadInput{"UNSTEADY_REFUSES is set (1); unset it"};
  }
  std::uint64_t size() const { return static_cast<std::uint64_t>(setting("UNSTEADY_SIZE", 100)); }
  Task task(std::uint64_t i) const { return {setting("UNSTEADY_FIRST", 0) + static_cast<std::int64_t>(i)}; }
  Result compute(const Task& task, mpifarm::Context& context) const {
    std::this_thread::sleep_for(std::chrono::duration<double>{params_.pause});
    if (context.stop_requested()) throw std::runtime_error{"stopped"};
    return {task.n, {task.n, task.n + 1}};
  }

 private:
  Params params_;
};
BOOST_DESCRIBE_STRUCT(Unsteady::Params, (), (pause))
BOOST_DESCRIBE_STRUCT(Unsteady::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Unsteady::Result, (), (n, parts))

// Sequential, and deaf to the stop token.
struct Deaf {
  static constexpr auto name = "deaf";
  static constexpr auto summary = "Tasks that do not stop when asked";

  struct Params {
    std::int64_t count = 10;
    double pause = 1;  // seconds
  };
  struct Task {
    std::int64_t n;
  };
  struct Result {
    std::int64_t n;
  };

  explicit Deaf(const Params& params) : params_{params} {}
  auto tasks() const {
    return std::views::iota(std::int64_t{0}, params_.count) |
           std::views::transform([](std::int64_t n) { return Task{n}; });
  }
  Result compute(const Task& task, mpifarm::Context&) const {
    std::this_thread::sleep_for(std::chrono::duration<double>{params_.pause});
    return {task.n};
  }

 private:
  Params params_;
};
BOOST_DESCRIBE_STRUCT(Deaf::Params, (), (count, pause))
BOOST_DESCRIBE_STRUCT(Deaf::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Deaf::Result, (), (n))

int main(int argc, char** argv) { return mpifarm::main<Unsteady, Deaf>(argc, argv); }
