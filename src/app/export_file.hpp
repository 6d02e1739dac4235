#pragma once
// The destination of `results`: stdout, or a file that gets its name when it is whole.

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/bytes.hpp"
#include "base/file.hpp"

namespace mpifarm::app {

// Throws BadInput when `file` lies within a run directory, whose files are the run's own.
void refuse_run_files(const std::filesystem::path& file);

// A template of mkostemp(3) for a file beside `file`, which gets its name later.
std::string beside(const std::filesystem::path& file);
// The mode of a new file as the umask has it. One thread.
mode_t usual_mode();

class ExportFile {
 public:
  // `file` is empty for stdout; a pipe or a device is written to as it is. Throws BadInput when it cannot be
  // written, or is a run's own.
  explicit ExportFile(const std::string& file);
  ExportFile(const ExportFile&) = delete;
  ExportFile& operator=(const ExportFile&) = delete;
  ~ExportFile();  // removes an unfinished one

  // Both throw MachineryFailure naming the file.
  void write(BytesView bytes);
  void finish();

 private:
  [[noreturn]] void fail(int error) const;

  std::filesystem::path file_;      // empty: stdout
  std::filesystem::path building_;  // beside the file; empty: it is written to directly
  FileDescriptor descriptor_;
};

}  // namespace mpifarm::app
