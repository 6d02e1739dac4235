#include "node/identity.hpp"

#include <elf.h>
#include <link.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "base/hash.hpp"

#ifndef MPIFARM_VERSION
#error "the build defines MPIFARM_VERSION"
#endif

namespace mpifarm {
namespace {

// Takes the build id (an ELF note the linker writes) of the first object listed, the program itself.
int take_build_id(dl_phdr_info* object, std::size_t, void* out) {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* at = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
    const char* const end = at + segment.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const auto aligned = [](std::size_t size) { return (size + 3) / 4 * 4; };
      const char* const payload = at + sizeof note + aligned(note.n_namesz);
      if (note.n_type == NT_GNU_BUILD_ID) {
        static_cast<std::string*>(out)->assign(payload, note.n_descsz);
        return 1;
      }
      at = payload + aligned(note.n_descsz);
    }
  }
  return 1;
}

// Not the secret itself.
std::string describe_token(std::uint64_t token) {
  constexpr std::uint64_t shown = 0xffff;
  return token == 0 ? "not set" : "with hash " + std::to_string(token & shown);
}

std::string make_build_id() {
  std::string id;
  dl_iterate_phdr(take_build_id, &id);
  std::string text = version() + "-";
  for (std::size_t i = 0; i < std::min<std::size_t>(id.size(), 6); ++i) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned char>(id[i]));
    text += digits.data();
  }
  return text;
}

}  // namespace

std::string version() { return MPIFARM_VERSION; }

std::string build_id() {
  static const std::string id = make_build_id();
  return id;
}

void check_token() {
  const char* token = std::getenv("MPIFARM_TOKEN");
  if (token != nullptr && *token == '\0')
    throw BadInput{"MPIFARM_TOKEN is empty (\"\"); give it a value, or unset it"};
}

wire::Identity my_identity(std::uint64_t run) {
  const char* token = std::getenv("MPIFARM_TOKEN");
  return {wire::protocol_version, build_id(), run, token == nullptr ? 0 : hash64(token, run)};
}

std::string identity_mismatch(const wire::Identity& mine, const wire::Identity& theirs) {
  if (mine.protocol != theirs.protocol)
    return "protocol version " + std::to_string(theirs.protocol) + " instead of " +
           std::to_string(mine.protocol);
  if (mine.build != theirs.build) return "build " + theirs.build + " instead of " + mine.build;
  if (mine.run != theirs.run) return "another run";
  if (mine.token != theirs.token)
    return "MPIFARM_TOKEN " + describe_token(theirs.token) + " there, " + describe_token(mine.token) +
           " on rank 0";
  return {};
}

}  // namespace mpifarm
