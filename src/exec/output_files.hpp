#pragma once
// What commands wrote as files of their own: `output/T/ID.out` and, where something was written there,
// `output/T/ID.err` in the run directory; T is a thousandth of the task's id, so that no directory is large.

#include <array>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/file.hpp"
#include "exec/output_keeper.hpp"

namespace mpifarm::exec {

inline constexpr const char* files_pack = "files";  // as the name of a pack: not in one, but in such files

std::filesystem::path output_file(const std::filesystem::path& run_directory, TaskId task, Stream kind);

// A file has its name when its command has ended, and another one before.
class OutputFiles final : public OutputKeeper {
 public:
  // `rank`: this one's; two may be at one task when one is taken for lost. `other`, which may be null, is
  // given everything too. What was written is on stable storage when a command has ended.
  OutputFiles(std::filesystem::path run_directory, std::uint32_t rank,
              std::unique_ptr<OutputKeeper> other = nullptr)
      : run_directory_{std::move(run_directory)}, rank_{rank}, other_{std::move(other)} {}

  void begin(TaskId task) override;
  void append(TaskId task, Stream kind, KeptStream& stream, BytesView bytes) override;
  void finish(TaskId task) override;

 private:
  std::filesystem::path unfinished(TaskId task, Stream kind) const;
  static std::size_t place(Stream kind) { return kind == Stream::standard_output ? 0 : 1; }
  FileDescriptor& file(Stream kind) { return files_[place(kind)]; }

  std::filesystem::path run_directory_;
  std::uint32_t rank_;
  std::array<FileDescriptor, 2> files_;
  std::unique_ptr<OutputKeeper> other_;
  std::array<KeptStream, 2> other_streams_;
};

// Hands the bytes of a stream to `take`. Throws MachineryFailure naming the file when it cannot be read.
void read_output_file(const std::filesystem::path& run_directory, TaskId task, Stream kind,
                      const std::function<void(BytesView)>& take);

}  // namespace mpifarm::exec
