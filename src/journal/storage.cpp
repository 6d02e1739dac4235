#include "journal/storage.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"

namespace mpifarm::journal {

PosixStorage::PosixStorage(std::filesystem::path path) : path_{std::move(path)} {
  file_ = FileDescriptor{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600)};
  if (file_.get() < 0 && errno == EEXIST)
    throw MachineryFailure{
        path_.string() +
        " could not be created (it exists: another mpifarm has just started this run); wait "
        "for that one or stop it"};
  if (file_.get() < 0) throw_errno(path_, "created");
  sync_directory(path_.parent_path());
}

void PosixStorage::append(BytesView bytes) {
  refuse_if_failed();
  failed_ = true;  // stays so if the next line throws: a torn record must be the last thing in the file
  write_all(file_, bytes, path_);
  failed_ = false;
}

void PosixStorage::sync() {
  refuse_if_failed();
  failed_ = true;  // after a failed sync the kernel may have dropped pages, and a second one would succeed
                   // all the same
  if (::fdatasync(file_.get()) != 0) throw_errno(path_, "synced");
  struct stat status {};
  if (::fstat(file_.get(), &status) == 0 && status.st_nlink == 0)
    throw MachineryFailure{path_.string() + " was removed while the run goes on; start the run anew"};
  failed_ = false;
}

void PosixStorage::refuse_if_failed() const {
  if (failed_)
    throw MachineryFailure{path_.string() +
                           " takes no more (an earlier write failed); resume the run once the disk is well"};
}

}  // namespace mpifarm::journal
