#pragma once
// The files that a command reads and those that it leaves behind, as make(1) looks at them.

#include <filesystem>
#include <string>
#include <vector>

namespace mpifarm::exec {

struct CommandFiles {
  std::vector<std::filesystem::path> inputs, outputs;
};

// The first output that is not there; empty when all are.
std::string missing_output(const CommandFiles& files);

// Says beside each output that it is being written, so that it is not taken for done whatever happens
// (where its directory is there), and takes that back.
void mark_unfinished(const CommandFiles& files);
void unmark(const CommandFiles& files);

// Every output is there, is not marked as unfinished, is older than `begun`, when the run was made, and not
// older than any input: what is younger may be unfinished work of a command of this run. False when an input
// is not there.
bool is_up_to_date(const CommandFiles& files, std::filesystem::file_time_type begun);

// When each output was written; of one that is not there, the earliest time.
std::vector<std::filesystem::file_time_type> output_times(const CommandFiles& files);
// Gives outputs that were written since names that end in ".failed".
void set_aside(const CommandFiles& files, const std::vector<std::filesystem::file_time_type>& before);

}  // namespace mpifarm::exec
