#pragma once
// Between the journal and the kernel: the C library's calls that change files.

#include <sys/types.h>

#include <cstddef>

namespace mpifarm::journal {

// Each does what it always does, unless an heir says otherwise. One thread.
class FileCalls {
 public:
  virtual ~FileCalls() = default;

  // What `action` calls on this thread comes here.
  template <class Action>
  void during(Action action) {
    const Diversion diversion{this};
    action();
  }

 protected:
  virtual int create(const char* path, int flags, mode_t mode);
  virtual ssize_t write(int file, const void* data, std::size_t bytes);
  virtual int sync(int file);
  virtual int truncate(int file, off_t bytes);
  virtual int rename(const char* from, const char* to);

 private:
  class Diversion {
   public:
    explicit Diversion(FileCalls* to);
    Diversion(const Diversion&) = delete;
    ~Diversion();
  };
  friend struct Calls;
};

}  // namespace mpifarm::journal
