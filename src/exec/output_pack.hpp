#pragma once
// What commands wrote, in few files: one for each rank and start, `output/START-RANK` in the run directory.
//
// A pack is a row of chunks, appended each by one write(2), so that the slots of a rank share it. A chunk is
// a header of 40 bytes and its payload; all numbers are little endian:
//
//   0  char[4]  "MPFO"
//   4  u32      stream: 1 standard output, 2 standard error
//   8  u64      the task's id
//   16 u64      where the stream's chunk before this one begins, + 1; 0: this is its first
//   24 u64      XXH3 (64 bits) of the payload, with that of the header (this as 0) as its seed
//   32 u64      bytes of the payload

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/bytes.hpp"
#include "base/file.hpp"
#include "base/ids.hpp"
#include "exec/output_keeper.hpp"

namespace mpifarm::exec {

std::filesystem::path pack_path(const std::filesystem::path& run_directory, const std::string& pack);

// One slot's hand on a rank's pack.
class OutputPack final : public OutputKeeper {
 public:
  // `durable`: on stable storage when a command has ended.
  explicit OutputPack(std::filesystem::path path, bool durable = false)
      : path_{std::move(path)}, durable_{durable} {}

  // Appends a chunk. `stream.last` is where the stream's last one begins, + 1. The file and its directory are
  // made when they are missing.
  void append(TaskId task, Stream kind, KeptStream& stream, BytesView payload) override;
  void finish(TaskId task) override;

 private:
  void open();

  std::filesystem::path path_;
  bool durable_;
  bool dirty_ = false;  // something was appended since the last finish()
  FileDescriptor file_;
};

// Hands the payloads from `offset` on to `take`, in the order in which they were appended, as far as they are
// whole. Returns the offset behind the last one. Throws as read_output.
std::uint64_t read_chunks(const std::filesystem::path& pack, const FileDescriptor& file, std::uint64_t offset,
                          const std::function<void(Stream, BytesView)>& take);

// Hands the kept bytes of a stream to `take`, in their order. Throws MachineryFailure naming the file, and
// the offset of what is damaged.
void read_output(const std::filesystem::path& pack, TaskId task, Stream kind, std::uint64_t last,
                 const std::function<void(BytesView)>& take);

// Whether a stream's chunks are all there, each within the file. The payloads of the file's last 64 MB, which
// a crash of the host may have taken, are compared with their hashes, too.
bool has_output(const FileDescriptor& file, TaskId task, Stream kind, std::uint64_t last);

}  // namespace mpifarm::exec
