#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "base/error.hpp"

namespace mpifarm {

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

bool FileDescriptor::close() {
  const int descriptor = std::exchange(fd_, -1);
  return descriptor < 0 || ::close(descriptor) == 0;
}

void throw_errno(const std::filesystem::path& path, const char* what) {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw MachineryFailure{path.string() + " could not be " + what + " (" + errno_text(error) + "); " +
                         (full ? "make room" : "look at the file system") + ", then resume the run"};
}

FileDescriptor open_to_read(const std::filesystem::path& path) {
  FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.get() < 0) throw_errno(path, "opened");
  return file;
}

std::uint64_t file_bytes(const FileDescriptor& file, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_errno(path, "examined");
  return static_cast<std::uint64_t>(status.st_size);
}

void write_all(const FileDescriptor& file, BytesView bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = EIO;
    if (written <= 0) throw_errno(path, "written");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void sync_directory(const std::filesystem::path& directory) {
  const FileDescriptor file{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (file.get() < 0) throw_errno(directory, "opened");
  // Some network file systems cannot sync a directory, and need not.
  if (::fsync(file.get()) != 0 && errno != EINVAL && errno != ENOTSUP) throw_errno(directory, "synced");
}

void sync_file(const std::filesystem::path& path) {
  if (::fsync(open_to_read(path).get()) != 0) throw_errno(path, "synced");
}

void cut_file(const std::filesystem::path& path, std::uint64_t bytes) {
  const FileDescriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (file.get() < 0) throw_errno(path, "opened");
  if (file_bytes(file, path) > bytes && ::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0)
    throw_errno(path, "truncated");
  if (::fsync(file.get()) != 0) throw_errno(path, "synced");
}

bool settle_output(int descriptor) {
  struct stat facts {};
  if (fstat(descriptor, &facts) != 0) return false;
  if (!S_ISREG(facts.st_mode)) return true;
  if (fsync(descriptor) != 0 && errno != EINVAL && errno != EROFS) return false;
  const int copy = dup(descriptor);  // some file systems say it when a descriptor is closed
  return copy >= 0 && close(copy) == 0;
}

std::string output_name(int descriptor) {
  std::error_code unseen;
  const auto file = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), unseen);
  return !unseen && file.is_absolute() ? file.string() : "stdout";
}

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw_errno(path, "read");
  try {
    return {std::istreambuf_iterator<char>{in}, {}};
  } catch (const std::ios_base::failure&) {  // a directory, a broken disk
    throw_errno(path, "read");
  }
}

void replace_file(const std::filesystem::path& path, BytesView text) {
  const std::filesystem::path building = path.string() + ".new";
  {
    const FileDescriptor file{::open(building.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (file.get() < 0) throw_errno(building, "opened");
    write_all(file, text, building);
  }
  if (::rename(building.c_str(), path.c_str()) != 0) throw_errno(path, "replaced");
}

}  // namespace mpifarm
