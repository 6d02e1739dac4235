#include "base/processes.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace mpifarm {
namespace {

std::filesystem::path files_of(pid_t process) { return "/proc/" + std::to_string(process); }

}  // namespace

char process_state(pid_t process) {
  std::string stat;  // "PID (NAME) STATE ..."
  std::getline(std::ifstream{files_of(process) / "stat"}, stat);
  const auto name_end = stat.rfind(") ");
  return name_end == std::string::npos ? 'X' : stat[name_end + 2];
}

pid_t parent_of(pid_t process) {
  std::string stat;  // "PID (NAME) STATE PARENT ..."
  std::getline(std::ifstream{files_of(process) / "stat"}, stat);
  const auto name_end = stat.rfind(") ");
  return name_end == std::string::npos ? 0 : std::atoi(stat.c_str() + name_end + 4);
}

std::string process_name(pid_t process) {
  std::string name;
  std::getline(std::ifstream{files_of(process) / "comm"}, name);
  return name;
}

std::vector<pid_t> children_of(pid_t process) {
  std::vector<pid_t> children;
  std::error_code gone;
  std::filesystem::directory_iterator thread{files_of(process) / "task", gone};
  for (; !gone && thread != std::filesystem::directory_iterator{}; thread.increment(gone)) {
    std::ifstream file{thread->path() / "children"};
    for (pid_t child = 0; file >> child;) children.push_back(child);
  }
  return children;
}

std::vector<pid_t> living_children_of(pid_t process) {
  std::vector<pid_t> children = children_of(process);
  std::erase_if(children, [](pid_t child) { return !is_living(child); });
  return children;
}

}  // namespace mpifarm
