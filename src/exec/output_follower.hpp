#pragma once
// Shows the lines of running commands: what the packs of a start gain is read on from where it was.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "base/file.hpp"
#include "exec/output_keeper.hpp"

namespace mpifarm::exec {

// A pack must have been written by lines (CaptureOptions), so that no chunk ends inside of one. One thread.
class OutputFollower {
 public:
  using Show = std::function<void(Stream, BytesView)>;

  // Of the ranks 0 to `ranks` - 1. Packs may not be there yet.
  OutputFollower(const std::filesystem::path& run_directory, std::uint64_t start, unsigned ranks);

  // Hands what is new to `show`, a chunk at a time: whole lines, but for the end of a stream, and pieces of
  // long ones. Throws what `show` throws, MachineryFailure for a pack that is damaged.
  void read_on(const Show& show);
  // The same, and sees what other hosts wrote last: a network file system may tell later of it.
  void read_rest(const Show& show);
  // For packs that are to be seen, and not to be kept.
  void remove_packs();

 private:
  struct Pack {
    std::filesystem::path path;
    FileDescriptor file;
    std::uint64_t read = 0;  // bytes
  };
  static void read_pack(Pack& pack, const Show& show);

  std::vector<Pack> packs_;
};

}  // namespace mpifarm::exec
