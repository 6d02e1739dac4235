#include "failing_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

namespace mpifarm::journal {

namespace {

std::string path_of(int file) {
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file));
}
std::string name_of(const std::filesystem::path& path) { return path.filename(); }

std::string left_of(const std::string& synced, const std::string& written, Left bytes) {
  if (bytes == Left::all) return written;
  if (bytes == Left::nothing || written.size() <= synced.size()) return synced;
  const std::string tail = written.substr(synced.size());
  const std::size_t half = (tail.size() + 1) / 2;
  if (bytes == Left::half) return synced + tail.substr(0, half);
  if (bytes == Left::zeros) return synced + std::string(tail.size(), '\0');
  return synced + std::string(half, '\0') + tail.substr(half);
}

}  // namespace

bool FailingDisk::fails(const char* call) {
  ++calls_;
  if (calls_ != fault.at && !(calls_ > fault.at && fault.for_good)) return false;
  if (failed_call_.empty()) failed_call_ = call;
  errno = fault.error;
  return true;
}

int FailingDisk::create(const char* path, int flags, mode_t mode) {
  if (fails("create")) return -1;
  const int file = FileCalls::create(path, flags, mode);
  if (file >= 0) names_[name_of(path)] = ever_[name_of(path)] = std::make_shared<File>();
  return file;
}

ssize_t FailingDisk::write(int file, const void* data, std::size_t bytes) {
  if (fails("write")) {
    if (fault.part == 0) return -1;
    bytes = std::min(bytes, std::exchange(fault.part, 0));
    ++fault.at;
    failed_call_.clear();
  }
  const ssize_t taken = FileCalls::write(file, data, bytes);
  names_.at(name_of(path_of(file)))
      ->written.append(static_cast<const char*>(data), static_cast<std::size_t>(taken));
  return taken;
}

int FailingDisk::sync(int file) {
  if (fails("sync")) return -1;
  const std::string path = path_of(file);
  if (path == directory_) {
    synced_names_ = names_;
  } else {
    File& synced = *names_.at(name_of(path));
    synced.synced = synced.written;
  }
  return 0;
}

int FailingDisk::truncate(int file, off_t bytes) {
  if (fails("truncate")) return -1;
  names_.at(name_of(path_of(file)))->written.resize(static_cast<std::size_t>(bytes));
  return FileCalls::truncate(file, bytes);
}

int FailingDisk::rename(const char* from, const char* to) {
  if (fails("rename")) return -1;
  names_[name_of(to)] = names_.extract(name_of(from)).mapped();
  return FileCalls::rename(from, to);
}

std::string FailingDisk::written(const std::string& name) const {
  const auto file = ever_.find(name);
  return file == ever_.end() ? std::string{} : file->second->written;
}

void FailingDisk::crash(bool names, Left bytes) {
  if (!names) names_ = synced_names_;
  for (const auto& entry : std::filesystem::directory_iterator{directory_})
    std::filesystem::remove(entry.path());
  for (const auto& [name, file] : names_) {
    file->written = file->synced = left_of(file->synced, file->written, bytes);
    std::ofstream{directory_ + "/" + name, std::ios::binary} << file->written;
  }
  synced_names_ = names_;
}

}  // namespace mpifarm::journal
