#pragma once
// Where a segment's bytes go: an interface, so that tests can stand in for a disk that fails.

#include <filesystem>

#include "base/bytes.hpp"
#include "base/file.hpp"

namespace mpifarm::journal {

// An append-only file. One thread. Every failure is a MachineryFailure with path and reason; after one, every
// further call fails as well and writes nothing, so that what is on disk stays a prefix of what was appended.
class Storage {
 public:
  virtual ~Storage() = default;
  // All of `bytes`, or throws.
  virtual void append(BytesView bytes) = 0;
  // Returns when everything appended is on stable storage.
  virtual void sync() = 0;
};

// Keeps nothing: for measuring what writing costs without a disk.
class NullStorage final : public Storage {
 public:
  void append(BytesView) override {}
  void sync() override {}
};

class PosixStorage : public Storage {
 public:
  // Creates the file, mode 0600, and makes its name durable. Throws MachineryFailure if it exists: another
  // master made it.
  explicit PosixStorage(std::filesystem::path path);

  void append(BytesView bytes) override;
  void sync() override;

 private:
  void refuse_if_failed() const;

  FileDescriptor file_;
  std::filesystem::path path_;
  bool failed_ = false;
};

}  // namespace mpifarm::journal
