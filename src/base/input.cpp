#include "base/input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <new>
#include <optional>
#include <utility>

#include "base/error.hpp"

namespace mpifarm {
namespace {

constexpr std::size_t chunk_bytes = 256 << 10;
constexpr int pipe_patience_ms = 20;
constexpr BytesView gzip_magic = "\x1f\x8b";

}  // namespace

// Decompresses members one after the other, as gzip does.
class Input::Gunzip {
 public:
  Gunzip() {
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, gzip_only) != Z_OK) throw std::bad_alloc{};
  }
  ~Gunzip() { inflateEnd(&stream_); }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  // The next decompressed bytes; empty when `raw` is used up, of which it takes bytes off the front. Nothing
  // when the data are damaged.
  std::optional<BytesView> next(BytesView& raw) {
    while (!raw.empty()) {  // a member's last bytes stay there until all of it has been given
      if (member_ended_ && !begin_member(raw)) break;
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
      stream_.avail_in = static_cast<uInt>(raw.size());
      stream_.next_out = reinterpret_cast<Bytef*>(plain_.data());
      stream_.avail_out = static_cast<uInt>(plain_.size());
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return std::nullopt;
      raw.remove_prefix(raw.size() - stream_.avail_in);
      member_ended_ = result == Z_STREAM_END;
      if (stream_.avail_out < plain_.size())
        return BytesView{plain_}.substr(0, plain_.size() - stream_.avail_out);
    }
    return BytesView{};
  }
  bool member_ended() const { return member_ended_; }

 private:
  // False when padding follows, which gzip ignores too.
  bool begin_member(BytesView& raw) {
    if (raw.empty() || raw.front() != gzip_magic.front()) return raw = {}, false;
    inflateReset(&stream_);
    member_ended_ = false;
    return true;
  }

  z_stream stream_{};
  Bytes plain_ = Bytes(chunk_bytes, '\0');
  bool member_ended_ = false;
};

Input::Input(std::string path) : name_{std::move(path)} {
  const bool standard = name_ == "-";
  if (standard) name_ = "standard input";
  file_ = FileDescriptor{standard ? dup(STDIN_FILENO) : ::open(name_.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status {};
  if (file_.get() < 0 || fstat(file_.get(), &status) != 0) refuse(errno_text(errno));
  if (S_ISDIR(status.st_mode)) refuse("it is a directory");
  is_file_ = S_ISREG(status.st_mode) && !standard;
  raw_.resize(chunk_bytes);
}

Input::~Input() = default;

void Input::refuse(const std::string& reason) const {
  throw BadInput{name_ + " cannot be read (" + reason + "); see whether it is there and yours to read"};
}

// Appends what there is to the raw bytes.
Input::Read Input::read_raw() {
  if (!is_file_) {
    pollfd polled{file_.get(), POLLIN, 0};
    const int ready = poll(&polled, 1, pipe_patience_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR)) return Read::not_yet;
  }
  const ssize_t size = ::read(file_.get(), raw_.data() + raw_bytes_, raw_.size() - raw_bytes_);
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return Read::not_yet;
  if (size < 0) refuse(errno_text(errno));
  ended_ = size == 0;
  raw_bytes_ += static_cast<std::size_t>(size);
  return ended_ ? Read::end : Read::bytes;
}

Input::Read Input::read(BytesView& bytes) {
  while (true) {
    if (gunzip_) {
      const auto plain = gunzip_->next(packed_);
      if (!plain) refuse("its gzip data are damaged");
      bytes = *plain;
      if (!bytes.empty()) return Read::bytes;
    }
    if (ended_) {
      if (gunzip_ && !gunzip_->member_ended()) refuse("its gzip data end in the middle");
      return Read::end;
    }
    if (read_raw() == Read::not_yet) return Read::not_yet;
    if (!begun_ && raw_bytes_ < gzip_magic.size() && !ended_) continue;
    const BytesView raw = BytesView{raw_}.substr(0, std::exchange(raw_bytes_, 0));
    if (!std::exchange(begun_, true) && raw.starts_with(gzip_magic)) gunzip_ = std::make_unique<Gunzip>();
    (gunzip_ ? packed_ : bytes) = raw;
    if (!gunzip_ && !bytes.empty()) return Read::bytes;
  }
}

}  // namespace mpifarm
