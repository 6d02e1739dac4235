#pragma once
// What people read while a run goes on: to stderr, and to the run's log.txt once there is one.

#include <filesystem>
#include <string>
#include <string_view>

namespace mpifarm::log {

enum class Level { debug, info, warning };

// Until it is called, warnings go to stderr. `quiet`: nothing but warnings; `verbose`: debug lines too.
// Before other threads start.
void configure(bool quiet, bool verbose);
// Also writes everything to `file`, appending. Throws MachineryFailure.
void open_file(const std::filesystem::path& file);

// Any thread.
void write(Level level, std::string_view text);
inline void debug(std::string_view text) { write(Level::debug, text); }
inline void info(std::string_view text) { write(Level::info, text); }
inline void warning(std::string_view text) { write(Level::warning, text); }

// Lines that stay below everything written to stderr, which must be a terminal then, `columns` wide by now;
// "" takes them away. None may be longer than that.
void set_footer(std::string lines, unsigned columns = 80);
// Leaves them where they are, as lines like others.
void keep_footer();

// To the file alone, e.g. what tasks say; on stderr only when verbose.
void to_file(std::string_view text);

}  // namespace mpifarm::log
