#pragma once
// The files in a run directory that hold what commands wrote: made durable, and checked against the journal.

#include <filesystem>
#include <map>
#include <string>

#include "base/file.hpp"
#include "exec/exec_job.hpp"
#include "job/any_job.hpp"

namespace mpifarm::exec {

// The files of a run with --output packed or files.
class KeptOutputFiles final : public KeptFiles {
 public:
  KeptOutputFiles(std::filesystem::path run_directory, OutputPolicy policy)
      : run_directory_{std::move(run_directory)}, policy_{std::move(policy)} {}

  // Packs alone: files of their own are durable when their command has ended.
  void sync(std::uint64_t start, std::optional<std::uint32_t> rank) override;
  bool holds(TaskId task, BytesView result) override;

 private:
  struct Pack {
    FileDescriptor file;
    std::uint64_t bytes = 0;  // of them, synced
  };
  void sync_pack(const std::string& name);
  bool holds(TaskId task, Stream kind, const KeptOutput& kept);
  const FileDescriptor* open_pack(const std::string& name);

  std::filesystem::path run_directory_;
  OutputPolicy policy_;
  std::map<std::string, Pack> packs_;  // by name; without a file where there is none
};

}  // namespace mpifarm::exec
