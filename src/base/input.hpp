#pragma once
// A file, a pipe or the standard input as a stream of bytes; what begins as gzip does (RFC 1952) is
// decompressed on the way.

#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/file.hpp"

namespace mpifarm {

// One thread.
class Input {
 public:
  enum class Read { bytes, not_yet, end };

  // "-" is the standard input. Throws BadInput naming the path when it cannot be read.
  explicit Input(std::string path);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // The next bytes, valid until the next call. It waits for a pipe a few hundredths of a second, then says
  // not_yet. Throws BadInput when it cannot be read or the gzip data are damaged.
  Read read(BytesView& bytes);

  const std::string& name() const { return name_; }  // the path, or "standard input"
  bool is_file() const { return is_file_; }          // it can be read again and holds the same

 private:
  class Gunzip;
  Read read_raw();
  [[noreturn]] void refuse(const std::string& reason) const;

  std::string name_;
  FileDescriptor file_;
  bool is_file_ = false;
  bool begun_ = false;  // the first bytes said whether it is gzip
  bool ended_ = false;
  Bytes raw_;                  // the buffer
  std::size_t raw_bytes_ = 0;  // of it, read and not handed over
  std::unique_ptr<Gunzip> gunzip_;
  BytesView packed_;  // in the buffer, not decompressed yet
};

}  // namespace mpifarm
