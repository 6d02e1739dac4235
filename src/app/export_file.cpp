#include "app/export_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/error.hpp"
#include "run/run_directory.hpp"

namespace mpifarm::app {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why) {
  throw BadInput{"the output cannot be written (" + file.string() + ": " + why + "); name another file"};
}

bool holds_a_run(const std::filesystem::path& folder) try {
  const RunDirectory run{folder};
  return run.is_run() && read_file(run.manifest()).find("\"mpifarm run ") != Bytes::npos;
} catch (const MachineryFailure&) {
  return false;
}

}  // namespace

std::string beside(const std::filesystem::path& file) {
  return (file.parent_path() / ("." + file.filename().string() + ".XXXXXX")).string();
}

mode_t usual_mode() {
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

void refuse_run_files(const std::filesystem::path& file) {
  std::error_code unseen;
  const std::filesystem::path target =
      std::filesystem::weakly_canonical(std::filesystem::absolute(file), unseen);
  for (std::filesystem::path folder = target.parent_path(); !unseen && folder.has_relative_path();
       folder = folder.parent_path())
    if (holds_a_run(folder))
      refuse(file, "it lies in the run directory " + folder.string() + ", which is the run's own");
}

ExportFile::ExportFile(const std::string& file) : file_{file} {
  if (file.empty()) {
    descriptor_ = FileDescriptor{fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)};
    if (descriptor_.get() < 0) refuse("stdout", errno_text(errno));
    return;
  }
  refuse_run_files(file);
  std::error_code unseen;
  struct stat facts {};
  const bool there = stat(file.c_str(), &facts) == 0;
  if (!there || S_ISREG(facts.st_mode)) {
    if (there) file_ = std::filesystem::canonical(file, unseen);  // a link stays one
    if (unseen || (there && access(file.c_str(), W_OK) != 0)) refuse(file, errno_text(EACCES));
    std::string building = beside(file_);
    descriptor_ = FileDescriptor{mkostemp(building.data(), O_CLOEXEC)};
    if (descriptor_.get() >= 0) {
      building_ = building;
      fchmod(descriptor_.get(), there ? facts.st_mode & 07777 : usual_mode());
      return;
    }
    // A file in a folder that cannot be written to is written to directly, unless it has a second name.
    if (!there || facts.st_nlink > 1) refuse(file, errno_text(errno));
    descriptor_ = FileDescriptor{open(file_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC)};
    if (descriptor_.get() < 0) refuse(file, errno_text(errno));
    return;
  }
  descriptor_ = FileDescriptor{open(file.c_str(), O_WRONLY | O_CLOEXEC)};
  if (descriptor_.get() < 0) refuse(file, errno_text(errno));
}

ExportFile::~ExportFile() {
  if (!building_.empty()) unlink(building_.c_str());
}

void ExportFile::fail(int error) const {
  const std::string name = file_.empty() ? output_name(descriptor_.get()) : file_.string();
  throw MachineryFailure{name + " could not be written (" + errno_text(error) +
                         "); make room, or name another file with -o"};
}

void ExportFile::write(BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void ExportFile::finish() {
  if (!settle_output(descriptor_.get()) || (!file_.empty() && !descriptor_.close())) fail(errno);
  if (building_.empty()) return;
  if (std::rename(building_.c_str(), file_.c_str()) != 0) fail(errno);
  building_.clear();
}

}  // namespace mpifarm::app
