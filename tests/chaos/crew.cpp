#include "crew.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace mpifarm::chaos {
namespace {

namespace fs = std::filesystem;

// A line for each fact: its name, and what follows it.
std::string encode(const Report& report) {
  std::string text;
  const auto add = [&](const std::string& fact, std::string rest) {
    std::ranges::replace(rest, '\n', ' ');
    text += fact + " " + rest + "\n";
  };
  for (const auto& [kind, hit] : report.disturbances)
    add(hit ? "hit" : "missed", std::to_string(static_cast<int>(kind)));
  add("mpirun_hung", std::to_string(report.mpirun_hung));
  for (const std::string& told : report.story) add("story", told);
  for (const std::string& why : report.wrong) add("wrong", why);
  return text + "end\n";
}

Report decode(const std::string& text) {
  Report report;
  bool whole = false;
  for (const std::string& line : e2e::lines_of(text)) {
    const std::string fact = line.substr(0, line.find(' '));
    const std::string rest = line.substr(std::min(line.size(), fact.size() + 1));
    if (fact == "hit" || fact == "missed")
      report.disturbances.emplace_back(static_cast<Kind>(std::stoi(rest)), fact == "hit");
    if (fact == "mpirun_hung") report.mpirun_hung = std::stoi(rest);
    if (fact == "story") report.story.push_back(rest);
    if (fact == "wrong") report.wrong.push_back(rest);
    whole = whole || fact == "end";
  }
  if (!whole) report.wrong.emplace_back("the process that carried it out died");
  return report;
}

volatile std::sig_atomic_t interrupted = 0;

void interrupt(int) { interrupted = 1; }

void kill_descendants() {
  for (const Seen& process : descendants()) ::kill(process.id, SIGKILL);
}

// When the driver dies or is stopped, nothing that was started is to stay: orphans come to this process.
void leave(int) {
  kill_descendants();
  _exit(1);
}

[[noreturn]] void be_carrier(const Case& drawn, Loads& loads, const fs::path& place) {
  std::signal(SIGTERM, leave);
  std::signal(SIGINT, SIG_IGN);  // the driver says when to end
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  setenv("TMPDIR", place.c_str(), 1);  // what launchers leave goes with the place
  Report report;
  try {
    report = Trial{drawn, loads, place}.carry_out();
  } catch (const std::exception& error) {
    report.wrong.emplace_back(error.what());
  }
  kill_descendants();
  e2e::write_text(place / "report", encode(report));
  _exit(0);
}

}  // namespace

Crew::Crew(int most, Loads& loads, fs::path directory, Done done)
    : most_{static_cast<std::size_t>(most)},
      loads_{loads},
      directory_{std::move(directory)},
      done_{std::move(done)} {
  struct sigaction action {};  // which ends a wait
  action.sa_handler = interrupt;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

Crew::~Crew() {
  for (const auto& [process, drawn] : under_way_) ::kill(process, SIGTERM);
  for (const auto& [process, drawn] : under_way_)
    while (waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
    }
}

fs::path Crew::place_of(const Case& drawn) const {
  return directory_ / (std::to_string(drawn.seed) + "-" + std::to_string(drawn.number));
}

bool Crew::carry_out(const Case& drawn) {
  while (under_way_.size() >= most_)
    if (!wait_for_one()) return false;
  const fs::path place = place_of(drawn);
  fs::create_directories(place);
  const pid_t process = fork();
  if (process < 0) throw std::runtime_error{"cannot fork"};
  if (process == 0) be_carrier(drawn, loads_, place);
  under_way_.emplace(process, drawn);
  return true;
}

void Crew::finish() {
  while (!under_way_.empty() && wait_for_one()) {
  }
}

bool Crew::wait_for_one() {
  int status = 0;
  const pid_t process = waitpid(-1, &status, 0);
  if (interrupted != 0) return false;
  if (process < 0 && errno != EINTR) throw std::runtime_error{"lost a process"};
  const auto found = under_way_.find(process);
  if (found == under_way_.end()) return true;
  const Case drawn = found->second;
  under_way_.erase(found);
  const fs::path place = place_of(drawn);
  const Report report = decode(fs::exists(place / "report") ? e2e::read_text(place / "report") : "");
  if (report.wrong.empty()) fs::remove_all(place);
  done_(drawn, report);
  return true;
}

}  // namespace mpifarm::chaos
