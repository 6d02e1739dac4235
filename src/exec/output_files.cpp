#include "exec/output_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/error.hpp"

namespace mpifarm::exec {
namespace {

constexpr std::uint64_t files_a_directory = 1000;
constexpr std::size_t read_bytes = 256 << 10;
constexpr std::array<Stream, 2> both{Stream::standard_output, Stream::standard_error};

}  // namespace

std::filesystem::path output_file(const std::filesystem::path& run_directory, TaskId task, Stream kind) {
  return run_directory / "output" / std::to_string(task.value / files_a_directory) /
         (std::to_string(task.value) + (kind == Stream::standard_output ? ".out" : ".err"));
}

std::filesystem::path OutputFiles::unfinished(TaskId task, Stream kind) const {
  const std::filesystem::path path = output_file(run_directory_, task, kind);
  return path.parent_path() / ("." + path.filename().string() + "." + std::to_string(rank_));
}

void OutputFiles::begin(TaskId task) {
  other_streams_ = {};
  const std::filesystem::path directory =
      output_file(run_directory_, task, Stream::standard_output).parent_path();
  for (const auto& path : {directory.parent_path(), directory})
    if (mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) throw_errno(path, "made");
  for (const Stream kind : both) {
    const std::filesystem::path path = unfinished(task, kind);
    file(kind) = FileDescriptor{open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (file(kind).get() < 0) throw_errno(path, "opened");
  }
}

void OutputFiles::append(TaskId task, Stream kind, KeptStream& stream, BytesView bytes) {
  write_all(file(kind), bytes, unfinished(task, kind));
  if (other_) other_->append(task, kind, other_streams_[place(kind)], bytes);
  stream.last = 1;
}

void OutputFiles::finish(TaskId task) {
  for (const Stream kind : both) {
    const std::filesystem::path from = unfinished(task, kind), to = output_file(run_directory_, task, kind);
    const bool empty = lseek(file(kind).get(), 0, SEEK_CUR) == 0;
    if (!empty && fdatasync(file(kind).get()) != 0) throw_errno(to, "written");
    if (!file(kind).close()) throw_errno(to, "written");
    if (empty && kind == Stream::standard_error) {
      unlink(from.c_str());
      unlink(to.c_str());  // of an attempt before
    } else if (rename(from.c_str(), to.c_str()) != 0) {
      throw_errno(to, "written");
    }
  }
}

void read_output_file(const std::filesystem::path& run_directory, TaskId task, Stream kind,
                      const std::function<void(BytesView)>& take) {
  const std::filesystem::path path = output_file(run_directory, task, kind);
  const FileDescriptor file = open_to_read(path);
  Bytes buffer(read_bytes, '\0');
  while (true) {
    const ssize_t count = read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno(path, "read");
    if (count == 0) return;
    take({buffer.data(), static_cast<std::size_t>(count)});
  }
}

}  // namespace mpifarm::exec
