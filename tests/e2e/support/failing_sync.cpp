// Preloaded, it lets fsync, fdatasync and close fail as a file system does that is over its quota and says so
// late: for the files whose path has FAILING_SYNC_IN in it, by default those below a folder named `output`.

#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

// FAILING_SYNC names the calls that fail, such as "fdatasync,fsync".
bool fails(const char* call, int file) {
  const char* calls = std::getenv("FAILING_SYNC");
  if (calls == nullptr) return false;
  const std::size_t length = std::strlen(call);
  bool named = false;
  for (const char* at = calls; (at = std::strstr(at, call)) != nullptr; ++at)
    named |= (at == calls || at[-1] == ',') && (at[length] == '\0' || at[length] == ',');
  if (!named) return false;
  const int before = errno;
  char link[64], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  errno = before;
  if (size <= 0) return false;
  path[size] = '\0';
  const char* part = std::getenv("FAILING_SYNC_IN");
  return std::strstr(path, part != nullptr ? part : "/output/") != nullptr;
}

int call_next(const char* name, int file) {
  const auto next = reinterpret_cast<int (*)(int)>(dlsym(RTLD_NEXT, name));
  return next(file);
}

int fail_or_call(const char* name, int file) {
  if (!fails(name, file)) return call_next(name, file);
  if (std::strcmp(name, "close") == 0) call_next(name, file);  // the descriptor is free, whatever it returns
  errno = EDQUOT;
  return -1;
}

}  // namespace

extern "C" {
int fsync(int file) { return fail_or_call("fsync", file); }
int fdatasync(int file) { return fail_or_call("fdatasync", file); }
int close(int file) { return fail_or_call("close", file); }
}
