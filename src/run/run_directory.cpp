#include "run/run_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/file.hpp"

namespace mpifarm {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw BadInput{"the run directory cannot be made (" + path.string() + ": " + why +
                 "); name another with --run"};
}

}  // namespace

RunDirectory RunDirectory::absolute() const {
  std::error_code removed;  // the working directory may have been
  fs::path whole = fs::absolute(path, removed);
  return removed ? *this : RunDirectory{std::move(whole), shown.empty() ? path : shown};
}

fs::path RunDirectory::for_people_and_jobs() const {
  std::error_code unseen;
  return fs::equivalent(name(), path, unseen) ? fs::path{name()} : path;
}

bool RunDirectory::is_run() const {
  std::error_code ignored;
  return fs::is_regular_file(manifest(), ignored);
}

void refuse_existing(const RunDirectory& run) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(run.path, error)))
    throw RunExists{"the run directory exists already (" + run.name() +
                    "); name another with --run, or carry that run on with --continue"};
}

// The manifest is written before the directory gets its name, so a run directory without one is never seen.
void create_run(const RunDirectory& run, const std::string& manifest) {
  refuse_existing(run);
  std::error_code error;
  fs::path target = fs::absolute(run.path, error);
  if (error) refuse(run.name(), "the working directory: " + error.message());
  if (!target.has_filename()) target = target.parent_path();  // "runs/a/"
  const fs::path parent = target.parent_path();
  fs::create_directories(parent, error);
  if (error) refuse(run.name(), error.message());
  std::string building = (parent / ".new-XXXXXX").string();
  if (mkdtemp(building.data()) == nullptr) refuse(run.name(), errno_text(errno));
  try {
    const fs::path file = RunDirectory{building}.manifest();
    replace_file(file, manifest);
    sync_file(file);
    sync_directory(building);
    fs::rename(building, target);
    sync_directory(parent);
  } catch (const std::exception& failure) {
    fs::remove_all(building, error);
    refuse_existing(run);
    refuse(run.name(), failure.what());
  }
}

void require_run(const RunDirectory& run) {
  std::error_code error;
  const bool there = fs::exists(run.path, error);
  if (there) static_cast<void>(fs::status(run.manifest(), error));
  if (error == std::errc::permission_denied)
    throw BadInput{"the run cannot be read (" + run.name() + ": " + error.message() + "); see whose it is"};
  if (!there)
    throw BadInput{"there is no such run (" + run.name() +
                   "); give the directory that --run named, or that the run printed"};
  if (!run.is_run())
    throw BadInput{"this is no run (" + run.name() +
                   " has no run.json); give the directory that --run named, or that the run printed"};
}

fs::path default_run_path(std::string_view job) {
  const fs::path plain = fs::path{"runs"} / (std::string{job} + "-" + name_timestamp());
  fs::path path = plain;
  for (int number = 2; fs::exists(path); ++number) path = plain.string() + "-" + std::to_string(number);
  return path;
}

}  // namespace mpifarm
