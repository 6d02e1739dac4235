#include <mpifarm_main.hpp>
#include <stdexcept>

struct Cubes {
  static constexpr auto name = "cubes";
  static constexpr auto summary = "Cube every integer in [0, count)";

  struct Params {
    std::uint32_t count = 1000;
  };
  struct Task {
    std::uint64_t n;
  };
  struct Result {
    std::uint64_t n, cube;
  };

  explicit Cubes(const Params& params) : params_{params} {}
  std::uint64_t size() const { return params_.count; }
  Task task(std::uint64_t i) const { return {i}; }
  Result compute(const Task& task, mpifarm::Context&) const {
    if (task.n == 13) throw std::runtime_error{"unlucky"};
    return {task.n, task.n * task.n * task.n};
  }
  void reduce(const Task&, const Result& result) { sum_ += result.cube; }
  std::string conclude() const { return "sum: " + std::to_string(sum_); }

 private:
  Params params_;
  std::uint64_t sum_ = 0;
};
BOOST_DESCRIBE_STRUCT(Cubes::Params, (), (count))
BOOST_DESCRIBE_STRUCT(Cubes::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Cubes::Result, (), (n, cube))

int main(int c, char** v) { return mpifarm::main<Cubes>(c, v); }
