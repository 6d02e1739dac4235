#include "exec/output_follower.hpp"

#include <fcntl.h>

#include <string>
#include <system_error>

#include "exec/output_pack.hpp"

namespace mpifarm::exec {

OutputFollower::OutputFollower(const std::filesystem::path& run_directory, std::uint64_t start,
                               unsigned ranks) {
  packs_.reserve(ranks);
  for (unsigned rank = 0; rank < ranks; ++rank)
    packs_.push_back(
        {pack_path(run_directory, std::to_string(start) + "-" + std::to_string(rank)), FileDescriptor{}, 0});
}

void OutputFollower::read_pack(Pack& pack, const Show& show) {
  if (pack.file.get() < 0)
    pack.file = FileDescriptor{open(pack.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  if (pack.file.get() < 0) return;
  pack.read = read_chunks(pack.path, pack.file, pack.read, show);
}

void OutputFollower::read_on(const Show& show) {
  for (Pack& pack : packs_) read_pack(pack, show);
}

void OutputFollower::read_rest(const Show& show) {
  for (Pack& pack : packs_) {
    pack.file = FileDescriptor{};
    read_pack(pack, show);
  }
}

void OutputFollower::remove_packs() {
  for (const Pack& pack : packs_) {
    std::error_code unseen;
    std::filesystem::remove(pack.path, unseen);
  }
}

}  // namespace mpifarm::exec
