#include "run/failures.hpp"

#include <algorithm>

namespace mpifarm {
namespace {

constexpr std::size_t most_groups = 100;
constexpr std::size_t most_message_bytes = 500;
constexpr std::size_t most_hosts = 100;

bool in_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Every word with a digit in it as 0, be it a number or a checksum; every quoted text empty.
std::string key_of(Outcome outcome, std::string_view message) {
  std::string key{to_string(outcome)};
  key += ':';
  for (std::size_t at = 0; at < message.size();) {
    std::size_t end = at;
    while (end < message.size() && in_word(message[end])) ++end;
    if (end > at) {
      const std::string_view word = message.substr(at, end - at);
      key += word.find_first_of("0123456789") == word.npos ? word : "0";
      at = end;
      continue;
    }
    key += message[at];
    const std::size_t close = message[at] == '"' ? message.find('"', at + 1) : message.npos;
    at = close == message.npos ? at + 1 : close + 1;
  }
  return key;
}

void add_hosts(std::vector<std::string>& hosts, const std::vector<std::string>& more) {
  for (const std::string& host : more) {
    const auto place = std::ranges::lower_bound(hosts, host);
    const bool known = place != hosts.end() && *place == host;
    if (!known && hosts.size() < most_hosts) hosts.insert(place, host);
  }
}

}  // namespace

void Failures::add(TaskId id, Outcome outcome, std::string_view message, const FailureFacts& facts) {
  const std::string_view shown = message.substr(0, most_message_bytes);
  FailureGroup group{std::string{to_string(outcome)}, std::string{shown}, 1, id.value, {}};
  if (!facts.host.empty()) group.hosts.push_back(facts.host);
  add(facts.cause + ':' + key_of(outcome, shown), group);
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
  add_hosts(found->second.hosts, group.hosts);
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
