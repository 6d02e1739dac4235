#pragma once
// Sees processes of this host end within milliseconds, without their help and without privileges (pidfd,
// Linux 5.3). Blind to hangs, and to other hosts.

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/file.hpp"

namespace mpifarm {

// One thread.
class ProcessWatch {
 public:
  ProcessWatch();

  // From now on `key` stands for that process. One that cannot be watched (it has ended already, or the
  // kernel is too old) is left out: what else watches it must do.
  void add(int key, pid_t process);
  // The keys of those that have ended since they were last asked for; never waits.
  std::vector<int> ended();
  // SIGKILL, to that very process: never to another that got its number. Nothing when it is not watched.
  void kill(int key);

 private:
  FileDescriptor events_;
  std::map<int, FileDescriptor> processes_;
};

// Equal texts: process numbers mean the same there (one boot of one host, one namespace).
std::string process_space();

}  // namespace mpifarm
