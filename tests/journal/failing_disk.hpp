#pragma once
// A disk that fails at a chosen call, and that forgets in a crash what nobody asked it to keep.

#include <map>
#include <memory>
#include <string>

#include "file_calls.hpp"

namespace mpifarm::journal {

// What is left after a crash of what was never synced.
enum class Left {
  nothing,
  half,    // the first half of the bytes
  all,     // a killed process leaves all: the kernel lives
  zeros,   // the length, and none of the bytes
  a_hole,  // the second half of the bytes, behind zeros
};

struct Fault {
  int at = 1 << 30;      // the call that fails, from 1
  int error = 5;         // EIO
  std::size_t part = 0;  // of a write: so many bytes are still taken, and what is left of them refused
  bool for_good = true;  // and so does every later call: the machine is dead
};

// Keeps the files of one directory in step with what a disk would have of them. Syncs reach no real disk.
class FailingDisk final : public FileCalls {
 public:
  explicit FailingDisk(std::string directory) : directory_{std::move(directory)} {}

  Fault fault;
  int calls() const { return calls_; }                             // that change files, so far
  const std::string& failed_call() const { return failed_call_; }  // its name

  // The directory as the next boot finds it: `names` for names (created or renamed) that were not synced,
  // either all there or none, and `bytes` for the bytes of each file.
  void crash(bool names, Left bytes);
  // Of the file that has that name, or had it last.
  std::string written(const std::string& name) const;
  std::size_t synced_bytes(const std::string& name) const { return ever_.at(name)->synced.size(); }

 protected:
  int create(const char* path, int flags, mode_t mode) override;
  ssize_t write(int file, const void* data, std::size_t bytes) override;
  int sync(int file) override;
  int truncate(int file, off_t bytes) override;
  int rename(const char* from, const char* to) override;

 private:
  struct File {
    std::string written, synced;
  };
  using Names = std::map<std::string, std::shared_ptr<File>>;

  bool fails(const char* call);

  std::string directory_;
  int calls_ = 0;
  std::string failed_call_;
  Names names_, synced_names_, ever_;
};

}  // namespace mpifarm::journal
