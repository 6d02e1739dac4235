#include "run/failures.hpp"

#include <algorithm>

namespace mpifarm {
namespace {

constexpr std::size_t most_groups = 100;
constexpr std::size_t most_message_bytes = 500;

// Every number as 0, every quoted text empty.
std::string key_of(Outcome outcome, std::string_view message) {
  std::string key{to_string(outcome)};
  key += ':';
  for (std::size_t at = 0; at < message.size(); ++at) {
    const char c = message[at];
    const bool digit = c >= '0' && c <= '9';
    if (!digit || key.back() != '0') key += digit ? '0' : c;
    const std::size_t end = c == '"' ? message.find('"', at + 1) : message.npos;
    if (end != message.npos) at = end;
  }
  return key;
}

}  // namespace

void Failures::add(TaskId id, Outcome outcome, std::string_view message) {
  const std::string_view shown = message.substr(0, most_message_bytes);
  add(key_of(outcome, shown), {std::string{to_string(outcome)}, std::string{shown}, 1, id.value});
}

void Failures::add(const Failures& other) {
  for (const auto& [key, group] : other.groups_) add(key, group);
}

void Failures::add(const std::string& key, const FailureGroup& group) {
  const bool full = groups_.size() >= most_groups && !groups_.contains(key);
  auto [found, added] = groups_.try_emplace(full ? std::string{} : key, group);
  if (added) {
    if (full) found->second.message = "other messages";
    return;
  }
  found->second.count += group.count;
  if (group.first_task >= found->second.first_task) return;
  found->second.first_task = group.first_task;
  if (!full) found->second.message = group.message;
}

std::vector<FailureGroup> Failures::groups() const {
  std::vector<FailureGroup> groups;
  for (const auto& [key, group] : groups_) groups.push_back(group);
  std::ranges::stable_sort(groups, std::ranges::greater{}, &FailureGroup::count);
  return groups;
}

}  // namespace mpifarm
