#pragma once
// The program, alone or on ranks, and what is expected of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/command.hpp"
#include "support/files.hpp"

namespace mpifarm::e2e {

using Arguments = std::vector<std::string>;

// `mpifarm ARGUMENTS...`, without a launcher.
Command mpifarm(const Arguments& arguments);
// `mpirun -n RANKS [LAUNCHER_FLAGS...] mpifarm ARGUMENTS...`.
Command mpirun(int ranks, const Arguments& arguments, const Arguments& launcher_flags = {});
// On no launcher for 0 ranks.
Command on_ranks(int ranks, const Arguments& arguments);
// A shell's command line, in which $MPIFARM is the program on so many ranks.
Command shell(int ranks, const std::string& text);
// The same with ranks that differ: each group one rank, with its own program, flags or environment.
Command mpirun_groups(const std::vector<Arguments>& groups);
// The job of support/unsteady_job.cpp instead of mpifarm's own.
std::string unsteady_job();
std::string trouble_job();  // tests/support/trouble_job.hpp
std::string leaving_job();  // support/leaving_job.cpp
// A library for LD_PRELOAD: support/failing_sync.cpp.
std::string failing_sync();
std::string program();

Arguments operator+(Arguments left, const Arguments& right);

// How the line begins that plain mpirun is met with: it ends all ranks with one.
extern const std::string no_recovery;

// The other lines that are mpifarm's own words: an error is exactly one.
std::vector<std::string> own_lines(const Ended& ended);

// Refused with exit status 2, by one line that holds all of `parts` and says what to do; nothing concluded.
void expect_refused(const Ended& ended, const std::vector<std::string>& parts);
void expect_status(const Ended& ended, int status);

// The same as started by a program that ignores how its children end, which what it starts inherits.
Command under_a_careless_caller(Command command);

// The processes that are ranks of the command: not its launchers, nor the ranks' helpers and their children.
std::vector<pid_t> ranks_of(Process& process);
// Those but rank 0.
std::vector<pid_t> workers_of(Process& process, const std::filesystem::path& run);

// The process that holds the run; 0 when none does.
pid_t lock_holder(const std::filesystem::path& run);

Json summary_of(const std::filesystem::path& run);
std::string digest_of(const std::filesystem::path& run);
std::string results_of(const std::filesystem::path& run);
// `mpifarm status RUN --json`.
Json status_of(const std::filesystem::path& run);

// Waits until the run's journal has grown by so many bytes; false when the command ends before or a minute
// has passed.
bool wait_for_growth(Process& process, const std::filesystem::path& run, std::uint64_t from_bytes,
                     std::uint64_t by_bytes);
// Waits until so many outcomes are on record.
bool wait_for_outcomes(Process& process, const std::filesystem::path& run, std::uint64_t outcomes);

}  // namespace mpifarm::e2e
