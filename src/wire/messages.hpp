#pragma once
// Every message between the master and a worker. Plain data; `wire/codec.hpp` turns them into bytes and back.
// A change here changes `protocol_version`.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/order.hpp"
#include "base/outcome.hpp"
#include "base/surroundings.hpp"

namespace mpifarm::wire {

inline constexpr std::uint32_t protocol_version = 6;

// Who speaks. It stands first in Setup and Hello and never changes its form, so that strangers can tell each
// other apart.
struct Identity {
  std::uint32_t protocol = protocol_version;
  std::string build;        // mpifarm's version and build hash
  std::uint64_t run = 0;    // the run's random id
  std::uint64_t token = 0;  // hash of MPIFARM_TOKEN, keyed by the run; 0 without one

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& protocol& build& run& token;
  }
};

// ---- master to worker

// The first message: what this run is. `details` is a packed SetupDetails, read only when the identities
// agree.
struct Setup {
  Identity identity;
  Bytes details;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& identity& details;
  }
};

// What is computed in child processes: nothing, what was on a rank when it was lost, everything.
enum class Isolation : std::uint8_t { none, suspects, all };

struct SetupDetails {
  std::string job;
  Bytes params;  // packed Job::Params
  std::uint64_t seed = 0;
  std::vector<std::uint64_t> samples;  // ids of an indexed source whose descriptors the hello compares
  Nanos beat{};                        // at least so often every rank says something
  Nanos patience{};                    // so long a silence of rank 0 means that it is gone
  Surroundings surroundings;           // those of the run's caller
  std::string working_directory;       // relative paths in descriptors mean this one
  bool listed = false;                 // the tasks come from a list of the user's: descriptors travel
  Isolation isolation = Isolation::suspects;
  Nanos timeout{};                 // of a task; 0: none
  std::uint64_t memory_bytes = 0;  // that an isolated task may have; 0: no limit of ours
  std::string mark{};              // a file that every rank must see; empty: none

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& job& params& seed& samples& beat& patience& surroundings& working_directory& listed& isolation&
        timeout& memory_bytes& mark;
  }
};

// The hello was accepted: make a backend.
struct Begin {
  std::uint32_t slots = 0;
  std::uint32_t first_slot = 0;   // of them, among those of the host
  std::string run_directory{};    // absolute
  std::uint64_t start = 0;        // of the run, from 1
  bool durable = false;           // what tasks write there must be on stable storage before they end
  std::int32_t nice = 0;          // added to the niceness of whatever computes
  bool keeps_files = false;       // what tasks write there is made durable each second
  bool waits_on_failure = false;  // after a failure nothing begins before GoOn

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& slots& first_slot& run_directory& start& durable& nice& keeps_files& waits_on_failure;
  }
};

// One batch of tasks at consecutive positions.
struct Lease {
  LeaseId id;
  Position first;
  std::uint64_t count = 0;
  std::uint32_t attempt = 1;  // of every task in it, from 1
  Bytes descriptors;  // sequential sources: a varint length and the packed Task, `count` times; else empty
  bool isolated = false;  // in a child process, whatever computes the others

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& id& first& count& attempt& descriptors& isolated;
  }
};

struct Assign {
  Order order;
  std::vector<Lease> leases;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& order& leases;
  }
};

// Give back what has not started and finish what runs; with `stop`, ask what runs to stop early.
struct Drain {
  bool stop = false;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& stop;
  }
};

// The run goes on after so many failed attempts of this rank: it may begin tasks again.
struct GoOn {
  std::uint64_t failures = 0;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& failures;
  }
};

// Make durable what tasks have left in the run directory; answered by Settled.
struct Settle {
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};

// The end: send nothing more, leave.
struct Shutdown {
  bool after_loss = false;  // then MPI cannot be finalised: it would wait for the dead

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& after_loss;
  }
};

using ToWorker = std::variant<Setup, Begin, Assign, Drain, Shutdown, Settle, GoOn>;

// ---- worker to master

// The answer to Setup; `details` is a packed HelloDetails, read only when the identities agree.
struct Hello {
  Identity identity;
  std::string host;
  Bytes details;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& identity& host& details;
  }
};

struct HelloDetails {
  std::string error;                       // why the job could not be made here; empty when it could
  std::vector<std::uint32_t> cpus;         // the affinity mask
  double cpu_quota = 0;                    // cores of CPU time that the control group allows; 0 for no limit
  std::uint32_t online_cpus = 0;           // of the host
  std::uint64_t source_size = 0;           // indexed sources
  std::vector<std::uint64_t> sample_keys;  // TaskKeys of SetupDetails::samples, in their order
  bool sees_mark = true;
  std::string unreachable_limits{};  // of the caller's, for people; empty: none

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& error& cpus& cpu_quota& online_cpus& source_size& sample_keys& sees_mark& unreachable_limits;
  }
};

// Some or all of the outcomes that a lease still owes, in its order.
struct LeaseOutcomes {
  LeaseId lease;
  OutcomeBlock block;
  Nanos busy{};  // slot time these tasks took
  Nanos cpu{};   // CPU time of it

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& lease& block& busy& cpu;
  }
};

struct Outcomes {
  std::vector<LeaseOutcomes> leases;
  std::uint64_t failures =
      0;  // failed attempts of this rank so far, where it waits for an answer to them; else 0

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& leases& failures;
  }
};

// After Drain: nothing is left here, every outcome has been sent.
struct Drained {
  template <class Archive>
  void serialize(Archive&, unsigned) {}
};

// After Settle; or by itself, when that has failed.
struct Settled {
  std::string error{};  // why it could not be done; empty when it was

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& error;
  }
};

// A line for the run's log, from a task or the worker itself.
struct LogLine {
  std::string text;
  std::string kind{};  // not empty: a warning, of which the first of its kind is shown to the user

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& text& kind;
  }
};

using ToMaster = std::variant<Hello, Outcomes, Drained, LogLine, Settled>;

}  // namespace mpifarm::wire
