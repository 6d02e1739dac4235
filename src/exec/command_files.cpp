#include "exec/command_files.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>

namespace mpifarm::exec {

namespace fs = std::filesystem;

namespace {

fs::path mark_of(const fs::path& output) {
  return output.parent_path() / ("." + output.filename().string() + ".unfinished");
}

}  // namespace

void mark_unfinished(const CommandFiles& files) {
  for (const fs::path& path : files.outputs) std::ofstream{mark_of(path)};
}

void unmark(const CommandFiles& files) {
  std::error_code unseen;
  for (const fs::path& path : files.outputs) fs::remove(mark_of(path), unseen);
}

std::string missing_output(const CommandFiles& files) {
  const auto missing = std::ranges::find_if(files.outputs, [](const fs::path& path) {
    std::error_code unseen;
    return !fs::exists(path, unseen);
  });
  return missing == files.outputs.end() ? std::string{} : missing->string();
}

bool is_up_to_date(const CommandFiles& files, fs::file_time_type begun) {
  fs::file_time_type youngest_input = fs::file_time_type::min();
  std::error_code unseen;
  for (const fs::path& path : files.inputs) {
    const fs::file_time_type time = fs::last_write_time(path, unseen);
    if (unseen) return false;
    youngest_input = std::max(youngest_input, time);
  }
  return std::ranges::all_of(files.outputs, [&](const fs::path& path) {
    const fs::file_time_type time = fs::last_write_time(path, unseen);
    return !unseen && time >= youngest_input && time < begun && !fs::exists(mark_of(path), unseen);
  });
}

std::vector<fs::file_time_type> output_times(const CommandFiles& files) {
  std::vector<fs::file_time_type> times;
  times.reserve(files.outputs.size());
  for (const fs::path& path : files.outputs) {
    std::error_code unseen;
    const fs::file_time_type time = fs::last_write_time(path, unseen);
    times.push_back(unseen ? fs::file_time_type::min() : time);
  }
  return times;
}

void set_aside(const CommandFiles& files, const std::vector<fs::file_time_type>& before) {
  const std::vector<fs::file_time_type> now = output_times(files);
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i] == before[i]) continue;
    fs::path aside = files.outputs[i];
    std::error_code unseen;
    fs::rename(files.outputs[i], aside += ".failed", unseen);
  }
}

}  // namespace mpifarm::exec
