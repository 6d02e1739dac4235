#include "compute/family.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/numbers.hpp"
#include "base/processes.hpp"

namespace mpifarm {
namespace {

constexpr int most_rounds = 1000;         // a family that outruns this is left to the kernel's limits
constexpr useconds_t dying_micros = 500;  // between two looks at those that were killed

using Children = std::multimap<pid_t, pid_t>;  // by parent; without the dead

// Who is whose child, from /proc/PID/stat: "PID (NAME) STATE PARENT ..." (proc(5)).
Children all_children() {
  Children children;
  std::error_code gone;
  for (std::filesystem::directory_iterator entry{"/proc", gone}, end; !gone && entry != end;
       entry.increment(gone)) {
    pid_t process = 0;
    if (!parse_number(entry->path().filename().string(), process).empty()) continue;
    std::string stat;
    std::getline(std::ifstream{entry->path() / "stat"}, stat);
    const auto name_end = stat.rfind(") ");
    if (name_end == std::string::npos) continue;
    const char state = stat[name_end + 2];
    if (state == 'Z' || state == 'X') continue;
    children.emplace(static_cast<pid_t>(std::atoi(stat.c_str() + name_end + 4)), process);
  }
  return children;
}

bool kernel_lists_children() {  // CONFIG_PROC_CHILDREN
  return access(("/proc/self/task/" + std::to_string(getpid()) + "/children").c_str(), R_OK) == 0;
}

// Dead ones too.
std::vector<pid_t> own_children() {
  if (kernel_lists_children()) return children_of(getpid());
  std::vector<pid_t> own;
  const Children children = all_children();
  const auto [begin, end] = children.equal_range(getpid());
  for (auto child = begin; child != end; ++child) own.push_back(child->second);
  return own;
}

void add_family(const Children& children, pid_t process, std::set<pid_t>& family) {
  if (!family.insert(process).second) return;
  const auto [begin, end] = children.equal_range(process);
  for (auto child = begin; child != end; ++child) add_family(children, child->second, family);
}

}  // namespace

std::vector<pid_t> living_descendants() {
  if (!kernel_lists_children()) {
    std::set<pid_t> family;
    add_family(all_children(), getpid(), family);
    family.erase(getpid());
    return {family.begin(), family.end()};
  }
  std::vector<pid_t> family = living_children_of(getpid());
  for (std::size_t i = 0; i < family.size(); ++i) {
    const std::vector<pid_t> children = living_children_of(family[i]);
    family.insert(family.end(), children.begin(), children.end());
  }
  return family;
}

void kill_family(pid_t process) {
  std::set<pid_t> stopped;
  for (int round = 0; round < most_rounds; ++round) {
    std::set<pid_t> family;
    add_family(all_children(), process, family);
    bool grown = false;
    for (const pid_t member : family)
      if (stopped.insert(member).second) {
        ::kill(member, SIGSTOP);
        grown = true;
      }
    if (!grown) break;
  }
  for (const pid_t member : stopped) ::kill(member, SIGKILL);
}

void kill_descendants(const std::function<bool(pid_t)>& kept) {
  for (int round = 0; round < most_rounds; ++round) {
    bool found = false;
    for (const pid_t child : own_children()) {
      if (kept(child)) continue;
      found = true;
      if (waitpid(child, nullptr, WNOHANG) == 0) kill_family(child);
    }
    if (!found) return;
    usleep(round == 0 ? 0 : dying_micros);
  }
}

}  // namespace mpifarm
