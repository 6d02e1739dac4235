#pragma once
// What a rank, its helper and the children say to one another, each a frame. All run the same program.

#include <cstdint>
#include <string>
#include <variant>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/surroundings.hpp"
#include "compute/backend.hpp"
#include "compute/recipe.hpp"

namespace mpifarm::helper {

struct ChildOptions {
  std::uint64_t seed = 0;          // of the tasks' random streams
  std::uint64_t memory_bytes = 0;  // of data a child may have (RLIMIT_DATA); 0: no limit of ours
  Surroundings surroundings{};     // of the children

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& seed& memory_bytes& surroundings;
  }
};

// ---- rank to helper

// Once, before any Spawn; answered by Made.
struct Make {
  JobRecipe recipe;
  ChildOptions options;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& recipe& options;
  }
};

// Start a child for a slot that has none; answered by Spawned, or by Ended when it cannot be.
struct Spawn {
  std::uint32_t slot = 0;
  Place place;
  std::int32_t nice = 0;  // added to the niceness of the child

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& slot& place& nice;
  }
};

// End a slot's child with all its descendants, if it still computes the task that it began as its `begun`th;
// Ended follows then.
struct Kill {
  static constexpr std::uint64_t whatever_it_does = ~std::uint64_t{0};
  std::uint32_t slot = 0;
  std::uint64_t begun = whatever_it_does;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& slot& begun;
  }
};

// When this rank ends while its threads compute, append the positions of what they computed to this file, a
// line each.
struct KeepSuspects {
  std::string file;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& file;
  }
};

using ToHelper = std::variant<Make, Spawn, Kill, KeepSuspects>;

// ---- helper to rank

struct Made {
  JobFacts facts;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& facts;
  }
};

// The rank's end of the child's socket comes with it.
struct Spawned {
  std::uint32_t slot = 0;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& slot;
  }
};

// A child and its descendants are gone.
struct Ended {
  std::uint32_t slot = 0;
  std::int32_t wait_status = 0;  // of wait(2); -errno when it could not be started

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& slot& wait_status;
  }
};

using FromHelper = std::variant<Made, Spawned, Ended>;

// ---- child to rank, which sends it Assignments

// Outcomes of the assignment's next tasks.
struct Part {
  Completion completion;
  bool last = false;  // the assignment has ended

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& completion& last;
  }
};

struct LogText {
  TaskId task;
  std::string text;
  std::string kind;  // as of Context::warn; empty: a line of the log

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& task& text& kind;
  }
};

// Something under the task failed, such as a disk: the task has no outcome, and the child ends.
struct CannotGoOn {
  std::string why;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& why;
  }
};

using FromChild = std::variant<Part, LogText, CannotGoOn>;

}  // namespace mpifarm::helper
