// The jobs that the tests of open faults need. The program is built twice: its second layout has the fields
// of a Result in another order, as after an edit between a run and its resume.

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mpifarm_main.hpp>
#include <mutex>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>

// Its fields have one type, so that bytes of one layout can be read in the other.
struct Rebuilt {
  static constexpr auto name = "rebuilt";
  static constexpr auto summary = "Results whose fields changed places when the program was built again";

  struct Params {
    std::int64_t count = 10;
  };
  struct Task {
    std::int64_t n;
  };
  struct Result {
#if OPEN_FAULTS_LAYOUT == 1
    std::int64_t apples, pears;
#else
    std::int64_t pears, apples;
#endif
  };

  explicit Rebuilt(const Params& params) : params_{params} {}
  std::uint64_t size() const { return static_cast<std::uint64_t>(params_.count); }
  Task task(std::uint64_t i) const { return {static_cast<std::int64_t>(i)}; }
  // With OPEN_FAULTS_HOLD in the environment, tasks from the fifth on wait until the run is killed.
  Result compute(const Task& task, mpifarm::Context& context) const {
    while (task.n >= 5 && std::getenv("OPEN_FAULTS_HOLD") != nullptr && !context.stop_requested())
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    Result result{};
    result.apples = task.n;
    result.pears = 1000 + task.n;
    return result;
  }

 private:
  Params params_;
};
BOOST_DESCRIBE_STRUCT(Rebuilt::Params, (), (count))
BOOST_DESCRIBE_STRUCT(Rebuilt::Task, (), (n))
#if OPEN_FAULTS_LAYOUT == 1
BOOST_DESCRIBE_STRUCT(Rebuilt::Result, (), (apples, pears))
#else
BOOST_DESCRIBE_STRUCT(Rebuilt::Result, (), (pears, apples))
#endif

struct Deep {
  static constexpr auto name = "deep";
  static constexpr auto summary = "A recursion that takes some megabytes of stack";

  struct Params {
    std::int64_t kilobytes = 4096;
  };
  struct Task {
    std::int64_t n;
  };
  struct Result {
    std::int64_t frames;
  };

  explicit Deep(const Params& params) : params_{params} {}
  std::uint64_t size() const { return 1; }
  Task task(std::uint64_t) const { return {0}; }
  Result compute(const Task&, mpifarm::Context&) const { return {descend(params_.kilobytes)}; }

 private:
  // Each frame takes a kilobyte.
  [[gnu::noinline]] static std::int64_t descend(std::int64_t left) {
    std::array<volatile char, 1024> frame{};
    frame[static_cast<std::size_t>(left) % frame.size()] = 1;
    const std::int64_t below = left == 0 ? 0 : descend(left - 1);
    return below + frame[static_cast<std::size_t>(left) % frame.size()];
  }

  Params params_;
};
BOOST_DESCRIBE_STRUCT(Deep::Params, (), (kilobytes))
BOOST_DESCRIBE_STRUCT(Deep::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Deep::Result, (), (frames))

// Stands for exceptions of libraries that come without a text.
struct Wordless : std::exception {
  const char* what() const noexcept override { return nullptr; }
};

enum class Place { nowhere, size, task, tasks, conclude, compute };
BOOST_DESCRIBE_ENUM(Place, nowhere, size, task, tasks, conclude, compute)

inline void throw_at(Place here, Place wanted) {
  if (here != wanted) return;
  if (here == Place::compute) throw Wordless{};
  throw std::out_of_range{"stoi"};  // says nothing of its caller, like many of the standard library
}

struct Indexed {
  static constexpr auto name = "indexed";
  static constexpr auto summary = "An indexed job that throws where it is told";

  struct Params {
    Place at = Place::nowhere;
  };
  struct Task {
    std::int64_t n;
  };
  struct Result {
    std::int64_t n;
  };

  explicit Indexed(const Params& params) : params_{params} {}
  std::uint64_t size() const {
    throw_at(Place::size, params_.at);
    return 3;
  }
  Task task(std::uint64_t i) const {
    throw_at(Place::task, params_.at);
    return {static_cast<std::int64_t>(i)};
  }
  Result compute(const Task& task, mpifarm::Context&) const {
    if (task.n == 1) throw_at(Place::compute, params_.at);
    return {task.n};
  }
  void reduce(const Task&, const Result&) {}
  std::string conclude() const {
    throw_at(Place::conclude, params_.at);
    return "all is well";
  }

 private:
  Params params_;
};
BOOST_DESCRIBE_STRUCT(Indexed::Params, (), (at))
BOOST_DESCRIBE_STRUCT(Indexed::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Indexed::Result, (), (n))

// Each task, or each result, carries so many bytes.
struct Fat {
  static constexpr auto name = "fat";
  static constexpr auto summary = "A sequence of large tasks or results";

  struct Params {
    std::int64_t count = 4000;
    std::int64_t bytes = 50'000;
    bool fat_results = false;  // results carry the bytes, and tasks nothing
    bool straggler = false;    // the first task lasts until the others are done or held back
    Place at = Place::nowhere;
  };
  struct Task {
    std::int64_t n;
    std::string text;
  };
  struct Result {
    std::int64_t length;
    std::string text;
  };

  explicit Fat(const Params& params) : params_{params} {}
  auto tasks() const {
    throw_at(Place::tasks, params_.at);
    return std::views::iota(std::int64_t{0}, params_.count) | std::views::transform([this](std::int64_t n) {
             ++moves_;
             return Task{n, params_.fat_results ? std::string{} : text()};
           });
  }
  Result compute(const Task& task, mpifarm::Context&) const {
    ++moves_;
    if (task.n == 0 && params_.straggler) wait_for_rest();
    return {static_cast<std::int64_t>(task.text.size()), params_.fat_results ? text() : std::string{}};
  }

 private:
  std::string text() const { return std::string(static_cast<std::size_t>(params_.bytes), 'x'); }

  // Returns when no task has been made or computed for half a second.
  static void wait_for_rest() {
    for (std::int64_t before = -1; before != moves_;) {
      before = moves_;
      std::this_thread::sleep_for(std::chrono::milliseconds{500});
    }
  }

  static inline std::atomic<std::int64_t> moves_{0};
  Params params_;
};
BOOST_DESCRIBE_STRUCT(Fat::Params, (), (count, bytes, fat_results, straggler, at))
BOOST_DESCRIBE_STRUCT(Fat::Task, (), (n, text))
BOOST_DESCRIBE_STRUCT(Fat::Result, (), (length, text))

// Doubles numbers on a thread of its own, like a pool of a numerical library.
class Doubler {
 public:
  Doubler() : thread_{[this](const std::stop_token& stop) { serve(stop); }} {}
  std::int64_t doubled(std::int64_t n) {
    std::unique_lock lock{mutex_};
    asked_ = n;
    has_question_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !has_question_; });
    return answer_;
  }

 private:
  void serve(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    while (changed_.wait(lock, stop, [this] { return has_question_; })) {
      answer_ = 2 * asked_;
      has_question_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::int64_t asked_ = 0, answer_ = 0;
  bool has_question_ = false;
  std::jthread thread_;
};

struct Pooled {
  static constexpr auto name = "pooled";
  static constexpr auto summary = "Numbers doubled by a pool that the job's constructor makes";

  struct Params {
    bool early = false;  // the pool is made in the constructor, else by each task
  };
  struct Task {
    std::int64_t n;
  };
  struct Result {
    std::int64_t doubled;
  };

  explicit Pooled(const Params& params) {
    if (params.early) pool_ = std::make_unique<Doubler>();
  }
  std::uint64_t size() const { return 2; }
  Task task(std::uint64_t i) const { return {static_cast<std::int64_t>(i)}; }
  Result compute(const Task& task, mpifarm::Context&) const {
    if (!pool_) return {Doubler{}.doubled(task.n)};
    const std::lock_guard one_question_at_a_time{asking_};
    return {pool_->doubled(task.n)};
  }

 private:
  std::unique_ptr<Doubler> pool_;
  mutable std::mutex asking_;
};
BOOST_DESCRIBE_STRUCT(Pooled::Params, (), (early))
BOOST_DESCRIBE_STRUCT(Pooled::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Pooled::Result, (), (doubled))

int main(int argc, char** argv) { return mpifarm::main<Rebuilt, Deep, Indexed, Fat, Pooled>(argc, argv); }
