#include "processes.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

namespace mpifarm::chaos {
namespace {

constexpr std::size_t longest_name = 15;  // of what the kernel keeps

// What could be read, should the process end meanwhile.
std::string contents(const std::string& file) {
  std::ostringstream out;
  out << std::ifstream{file, std::ios::binary}.rdbuf();
  return out.str();
}

bool lives(const Seen& process) { return process.state != 'Z' && process.state != 'X'; }

// False when it is gone. "PID (NAME) STATE PARENT ...", and a name may hold anything.
bool look_at(const std::string& directory, Seen& seen) {
  const std::string text = contents(directory + "/stat");
  const std::size_t name = text.find('('), name_end = text.rfind(')');
  if (name == std::string::npos || name_end == std::string::npos) return false;
  seen.name = text.substr(name + 1, name_end - name - 1);
  std::istringstream{text.substr(name_end + 1)} >> seen.state >> seen.parent;
  return true;
}

int rank_in_environment(pid_t process) {
  const std::string environment = '\0' + contents(fmt::format("/proc/{}/environ", process));
  const std::string key = std::string{'\0'} + "OMPI_COMM_WORLD_RANK=";
  const std::size_t at = environment.find(key);
  int rank = -1;
  if (at != std::string::npos)
    std::from_chars(environment.data() + at + key.size(), environment.data() + environment.size(), rank);
  return rank;
}

}  // namespace

std::vector<Seen> descendants() {
  std::multimap<pid_t, Seen> by_parent;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    Seen seen;
    seen.id = std::stoi(name);
    if (look_at(entry.path(), seen)) by_parent.emplace(seen.parent, seen);
  }
  std::vector<Seen> found;
  std::vector<pid_t> parents{getpid()};
  while (!parents.empty()) {
    const auto [first, last] = by_parent.equal_range(parents.back());
    parents.pop_back();
    for (auto child = first; child != last; ++child) {
      found.push_back(child->second);
      found.back().rank = rank_in_environment(child->second.id);
      parents.push_back(child->second.id);
    }
  }
  return found;
}

std::vector<Seen> ranks_of(const std::vector<Seen>& all, const std::string& program) {
  std::set<pid_t> with_rank;
  for (const Seen& process : all)
    if (process.rank >= 0) with_rank.insert(process.id);
  std::vector<Seen> ranks;
  for (const Seen& process : named(all, program.substr(0, longest_name)))
    if (process.rank >= 0 && !with_rank.contains(process.parent)) ranks.push_back(process);
  std::ranges::sort(ranks, {}, &Seen::rank);
  return ranks;
}

std::vector<Seen> named(const std::vector<Seen>& all, const std::string& name) {
  std::vector<Seen> found;
  std::ranges::copy_if(all, std::back_inserter(found),
                       [&](const Seen& process) { return lives(process) && process.name == name; });
  return found;
}

std::string describe(const std::vector<Seen>& processes) {
  std::string text;
  for (const Seen& process : processes) {
    text += fmt::format("{}{} {} ({}", text.empty() ? "" : ", ", process.name, process.id, process.state);
    if (process.rank >= 0) text += fmt::format(", rank {}", process.rank);
    text += fmt::format(", of {})", process.parent);
  }
  return text;
}

}  // namespace mpifarm::chaos
