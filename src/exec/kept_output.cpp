#include "exec/kept_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "exec/output_files.hpp"
#include "exec/output_pack.hpp"

namespace mpifarm::exec {

const FileDescriptor* KeptOutputFiles::open_pack(const std::string& name) {
  Pack& pack = packs_[name];
  if (pack.file.get() < 0)
    pack.file = FileDescriptor{open(pack_path(run_directory_, name).c_str(), O_RDONLY | O_CLOEXEC)};
  return pack.file.get() < 0 ? nullptr : &pack.file;
}

// Its size as it is read first: what is appended meanwhile is for the next time.
void KeptOutputFiles::sync_pack(const std::string& name) {
  const FileDescriptor* file = open_pack(name);
  if (file == nullptr) return;
  Pack& pack = packs_[name];
  const std::filesystem::path path = pack_path(run_directory_, name);
  const std::uint64_t bytes = file_bytes(*file, path);
  if (bytes == pack.bytes) return;
  if (fdatasync(file->get()) != 0) throw_errno(path, "synced");
  if (const int copy = dup(file->get()); copy < 0 || close(copy) != 0) throw_errno(path, "closed");
  pack.bytes = bytes;
}

void KeptOutputFiles::sync(std::uint64_t start, std::optional<std::uint32_t> rank) {
  if (policy_.output == files_pack) return;
  const std::string of_start = std::to_string(start) + "-";
  if (rank) return sync_pack(of_start + std::to_string(*rank));
  std::error_code none_yet;
  std::filesystem::directory_iterator entry{run_directory_ / "output", none_yet};
  for (; !none_yet && entry != std::filesystem::directory_iterator{}; entry.increment(none_yet))
    if (const std::string name = entry->path().filename().string(); name.starts_with(of_start))
      sync_pack(name);
}

bool KeptOutputFiles::holds(TaskId task, BytesView result) {
  return holds(task, Stream::standard_output, kept_output(result, Stream::standard_output)) &&
         holds(task, Stream::standard_error, kept_output(result, Stream::standard_error));
}

bool KeptOutputFiles::holds(TaskId task, Stream kind, const KeptOutput& kept) {
  if (kept.pack.empty() || kept.at == 0) return true;
  if (kept.pack == files_pack) {
    std::error_code unseen;
    const std::uint64_t bytes = std::filesystem::file_size(output_file(run_directory_, task, kind), unseen);
    if (unseen) return false;
    if (kept.bytes <= policy_.limit) return bytes == kept.bytes;
    // Whole lines alone are kept of what is shown as it comes.
    return policy_.streams ? bytes > 0 && bytes <= policy_.limit : bytes == policy_.limit;
  }
  const FileDescriptor* file = open_pack(kept.pack);
  return file != nullptr && has_output(*file, task, kind, kept.at);
}

}  // namespace mpifarm::exec
