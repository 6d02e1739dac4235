#include "exec/output_pack.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace mpifarm::exec {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they are in memory");

constexpr std::array<char, 4> magic{'M', 'P', 'F', 'O'};
constexpr std::uint64_t most_payload_bytes = std::uint64_t{1} << 30;

struct Header {
  std::array<char, 4> mark = magic;
  std::uint32_t stream = 0;
  std::uint64_t task = 0, before = 0, hash = 0, bytes = 0;
};
static_assert(sizeof(Header) == 40);

// Of the header, in which it is 0 meanwhile, and the payload.
std::uint64_t hash_of(Header header, BytesView payload) {
  header.hash = 0;
  return XXH3_64bits_withSeed(payload.data(), payload.size(), XXH3_64bits(&header, sizeof header));
}

[[noreturn]] void refuse(const std::filesystem::path& pack, std::uint64_t offset) {
  throw MachineryFailure{pack.string() + " is damaged (at offset " + std::to_string(offset) +
                         "); what a command wrote there is lost"};
}

bool read_at(const FileDescriptor& file, void* out, std::size_t bytes, std::uint64_t offset) {
  for (auto* to = static_cast<char*>(out); bytes > 0;) {
    const ssize_t count = pread(file.get(), to, bytes, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    to += count;
    bytes -= static_cast<std::size_t>(count);
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

// The header of a stream's chunk that begins before `last`. False when there is none.
bool read_header(const FileDescriptor& file, TaskId task, Stream kind, std::uint64_t last, Header& header) {
  return read_at(file, &header, sizeof header, last - 1) && header.mark == magic &&
         header.task == task.value && header.stream == static_cast<std::uint32_t>(kind) &&
         header.before < last && header.bytes <= most_payload_bytes;
}

}  // namespace

std::filesystem::path pack_path(const std::filesystem::path& run_directory, const std::string& pack) {
  return run_directory / "output" / pack;
}

void OutputPack::open() {
  std::error_code error;
  std::filesystem::create_directory(path_.parent_path(), error);
  if (!error) std::filesystem::permissions(path_.parent_path(), std::filesystem::perms::owner_all, error);
  file_ = FileDescriptor{::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  if (file_.get() < 0) throw_errno(path_, "opened");
}

void OutputPack::finish(TaskId) {
  if (durable_ && std::exchange(dirty_, false) && fdatasync(file_.get()) != 0) throw_errno(path_, "written");
}

void OutputPack::append(TaskId task, Stream kind, KeptStream& stream, BytesView payload) {
  if (file_.get() < 0) open();
  dirty_ = true;
  Header header{.stream = static_cast<std::uint32_t>(kind), .task = task.value, .before = stream.last};
  header.bytes = payload.size();
  header.hash = hash_of(header, payload);
  const std::array<iovec, 2> parts{
      iovec{&header, sizeof header},
      iovec{const_cast<char*>(payload.data()), payload.size()}};  // writev(2) does not change it
  const std::size_t bytes = sizeof header + payload.size();
  ssize_t written = 0;
  do written = writev(file_.get(), parts.data(), parts.size());
  while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(bytes)) {
    if (written >= 0) errno = ENOSPC;  // a part of it: nothing refers to that
    throw_errno(path_, "written");
  }
  // Behind the chunk now, wherever others have appended meanwhile.
  const off_t end = lseek(file_.get(), 0, SEEK_CUR);
  if (end < 0) throw_errno(path_, "written");
  stream.last = static_cast<std::uint64_t>(end) - bytes + 1;
}

std::uint64_t read_chunks(const std::filesystem::path& pack, const FileDescriptor& file, std::uint64_t offset,
                          const std::function<void(Stream, BytesView)>& take) {
  Bytes payload;
  for (Header header; read_at(file, &header, sizeof header, offset);) {
    if (header.mark != magic || header.bytes > most_payload_bytes) refuse(pack, offset);
    payload.resize(header.bytes);
    if (!read_at(file, payload.data(), payload.size(), offset + sizeof header)) return offset;
    if (hash_of(header, payload) != header.hash) refuse(pack, offset);
    take(static_cast<Stream>(header.stream), payload);
    offset += sizeof header + header.bytes;
  }
  return offset;
}

bool has_output(const FileDescriptor& file, TaskId task, Stream kind, std::uint64_t last) {
  constexpr std::uint64_t doubtful_bytes = 64 << 20;  // at the end of the file
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) return false;
  const auto end = static_cast<std::uint64_t>(facts.st_size);
  Bytes payload;
  while (last != 0) {
    Header header;
    const std::uint64_t offset = last - 1, payload_at = offset + sizeof header;
    if (!read_header(file, task, kind, last, header) || payload_at + header.bytes > end) return false;
    if (end - offset <= doubtful_bytes) {
      payload.resize(header.bytes);
      if (!read_at(file, payload.data(), payload.size(), payload_at) ||
          hash_of(header, payload) != header.hash)
        return false;
    }
    last = header.before;
  }
  return true;
}

void read_output(const std::filesystem::path& pack, TaskId task, Stream kind, std::uint64_t last,
                 const std::function<void(BytesView)>& take) {
  if (last == 0) return;
  const FileDescriptor file = open_to_read(pack);
  std::vector<std::pair<std::uint64_t, Header>> chunks;  // the last one first
  while (last != 0) {
    Header header;
    const std::uint64_t offset = last - 1;
    if (!read_header(file, task, kind, last, header)) refuse(pack, offset);
    chunks.emplace_back(offset, header);
    last = header.before;
  }
  Bytes payload;
  for (auto chunk = chunks.rbegin(); chunk != chunks.rend(); ++chunk) {
    payload.resize(chunk->second.bytes);
    if (!read_at(file, payload.data(), payload.size(), chunk->first + sizeof(Header)) ||
        hash_of(chunk->second, payload) != chunk->second.hash)
      refuse(pack, chunk->first);
    take(payload);
  }
}

}  // namespace mpifarm::exec
