// A program with one job: tasks and results of a 40-character text each, from a sequential source, so that
// descriptors travel.

#include <boost/describe.hpp>
#include <mpifarm.hpp>
#include <mpifarm_main.hpp>

struct Strings {
  static constexpr auto name = "strings";
  static constexpr auto summary = "Reverse texts of 40 characters";
  static constexpr auto source_params = {"count"};

  struct Params {
    std::uint64_t count = 1'000'000;
  };
  struct Task {
    std::string text;
  };
  struct Result {
    std::string text;
  };

  explicit Strings(const Params& params) : params_{params} {}

  mpifarm::Generated<Task> tasks() const {
    return mpifarm::Generated<Task>{[i = std::uint64_t{0}, count = params_.count](Task& task) mutable {
      if (i == count) return false;
      task.text.assign(40, 'x');
      for (std::uint64_t left = i++, at = 40; left > 0; left /= 10)
        task.text[--at] = static_cast<char>('0' + left % 10);
      return true;
    }};
  }
  Result compute(const Task& task, mpifarm::Context&) const {
    return {std::string{task.text.rbegin(), task.text.rend()}};
  }

 private:
  Params params_;
};
BOOST_DESCRIBE_STRUCT(Strings::Params, (), (count))
BOOST_DESCRIBE_STRUCT(Strings::Task, (), (text))
BOOST_DESCRIBE_STRUCT(Strings::Result, (), (text))

int main(int argc, char** argv) { return mpifarm::main<Strings>(argc, argv); }
