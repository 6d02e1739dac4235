// chaos N: N real runs, each disturbed at a random moment and carried on until it is complete.

#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <string_view>

#include "base/numbers.hpp"
#include "crew.hpp"
#include "tally.hpp"

namespace mpifarm::chaos {
namespace {

constexpr std::string_view usage =
    "usage: chaos N [--seed S] [--only K] [--like TEXT] [--jobs J] [-v]\n"
    "  N         runs, numbered from 0\n"
    "  --seed S  what they are drawn from (random)\n"
    "  --only K  run K alone\n"
    "  --like T  those alone whose line, as -v prints it, has T\n"
    "  --jobs J  so many at a time (2)\n"
    "  -v        what each was, and what happened\n";

struct Options {
  std::uint64_t runs = 0;
  std::optional<std::uint64_t> seed, only;
  std::string like;
  int jobs = 2;
  bool verbose = false;
};

template <class Number>
Number number_of(const std::string& text) {
  Number number{};
  if (const auto why = parse_number(text, number); !why.empty())
    throw std::invalid_argument{"not a number it can take: " + text};
  return number;
}

Options parse(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto value = [&] { return words.at(++i); };
    if (words[i] == "--seed")
      options.seed = number_of<std::uint64_t>(value());
    else if (words[i] == "--only")
      options.only = number_of<std::uint64_t>(value());
    else if (words[i] == "--like")
      options.like = value();
    else if (words[i] == "--jobs")
      options.jobs = number_of<int>(value());
    else if (words[i] == "-v")
      options.verbose = true;
    else
      options.runs = number_of<std::uint64_t>(words[i]);
  }
  if (options.only) options.runs = *options.only + 1;
  if (options.runs == 0 || options.jobs < 1) throw std::invalid_argument{"nothing to do"};
  return options;
}

Abilities abilities() {
  return {e2e::run(e2e::mpifarm({"run", "--help"})).out.find("--isolate") != std::string::npos};
}

// Made anew; removed unless something in it is to be looked at.
class Places {
 public:
  Places() {
    std::string name = std::filesystem::temp_directory_path() / "mpifarm-chaos-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary directory"};
    path_ = name;
  }
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;
  ~Places() {
    std::error_code ignored;
    if (!kept_) std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

int carry_out(const Options& options) {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const std::uint64_t seed = options.seed ? *options.seed : std::random_device{}();
  const Abilities able = abilities();
  Places places;
  Loads loads{places.path() / "loads"};
  Tally tally;
  Crew crew{options.jobs, loads, places.path(), [&](const Case& drawn, const Report& report) {
              tally.add(report);
              const bool good = report.wrong.empty();
              if (good && !options.verbose) return;
              std::cout << (good ? "good   " : "WRONG  ") << describe(drawn) << '\n';
              for (const std::string& told : report.story) std::cout << "       " << told << '\n';
              for (const std::string& why : report.wrong) std::cout << "       WRONG " << why << '\n';
              if (!good) std::cout << "       see " << crew.place_of(drawn).string() << '\n';
              std::cout.flush();
              if (!good) places.keep();
            }};
  std::vector<Case> cases;
  for (std::uint64_t number = options.only.value_or(0); number < options.runs; ++number) {
    const Case drawn = draw_case(seed, number, able);
    if (describe(drawn).find(options.like) != std::string::npos) cases.push_back(drawn);
  }
  for (const Case& drawn : cases)
    loads.undisturbed(drawn.shape);  // waits for any child, so before the crew has some
  for (const Case& drawn : cases)
    if (!crew.carry_out(drawn)) break;
  crew.finish();
  std::cout << "seed " << seed << '\n' << tally.text();
  return tally.wrong() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace mpifarm::chaos

int main(int argc, char** argv) {
  try {
    return mpifarm::chaos::carry_out(mpifarm::chaos::parse({argv + 1, argv + argc}));
  } catch (const std::logic_error& error) {
    std::cerr << "chaos: " << error.what() << '\n' << mpifarm::chaos::usage;
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "chaos: " << error.what() << '\n';
    return 3;
  }
}
