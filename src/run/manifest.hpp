#pragma once
// run.json: what a run is. Written once, before anything else; a resume must agree with it.

#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/order.hpp"
#include "describe/value.hpp"
#include "job/any_job.hpp"

namespace mpifarm {

// The fields that look the same for every job.
struct ManifestFields {
  std::string format = "mpifarm run 1";
  std::string job;
  std::uint64_t run_id = 0;  // random
  std::string tasks_from;    // a list of the user's: its absolute path, or "-"; empty: the job's own source
  std::optional<std::uint64_t>
      tasks;                      // of an indexed source, or a list that is a file: how many (of the shard)
  std::string source_digest;      // of the same: the size and sampled descriptors, or all of them
  std::string working_directory;  // that relative paths mean
  std::string shard;              // "2/4": these tasks of the source alone; empty: all
  std::string order = "fifo";
  std::uint64_t window = 0;  // sequential sources: what lifo and shuffle permute
  std::uint64_t seed = 0;
  unsigned retries = 0;
  double retry_delay_seconds = 0;
  std::string isolate = "auto";  // auto, thread or process
  double timeout_seconds = 0;    // of a task; 0: none
  std::uint64_t memory_bytes = 0;
  unsigned crash_limit = 0;  // 0: by the job
  std::string halt = "never";
  std::string results = "csv";  // csv, jsonl or none
  std::string durability = "batch";
  std::string version, build, created;  // of the program, of the run
  std::vector<std::string> command;
  std::uint32_t ranks = 0;  // of the first start
  unsigned slots_per_task = 1;
  std::string reuse;  // the run that this one took over from: its absolute path; empty: none
};
BOOST_DESCRIBE_STRUCT(ManifestFields, (),
                      (format, job, run_id, tasks_from, tasks, source_digest, working_directory, shard, order,
                       window, seed, retries, retry_delay_seconds, isolate, timeout_seconds, memory_bytes,
                       crash_limit, halt, results, durability, version, build, created, command, ranks,
                       slots_per_task, reuse))

struct Manifest : ManifestFields {
  describe::Value params;  // an object, every field of Params

  // The order of the run's tasks, of which there are `count`; Order::unknown_count for a stream that goes on.
  // Throws BadInput when the fields make no order.
  Order hand_out_order(std::uint64_t count) const;
};

// Throws BadInput when the text is none.
Shard shard_of(const ManifestFields& manifest);

std::string to_json(const Manifest& manifest);
// Throws BadInput naming `file` when the text is no manifest.
Manifest parse_manifest(std::string_view text, const std::string& file);

// What changed between the params of a manifest and others, as "--to: 100 -> 200"; empty when nothing did.
std::string changed_params(const describe::Value& before, const describe::Value& now);

}  // namespace mpifarm
