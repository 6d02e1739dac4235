#pragma once
// Where tasks are computed: the one asynchronous interface behind which threads, child processes, commands
// and coroutines fit.

#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/order.hpp"
#include "base/outcome.hpp"

namespace mpifarm {

// A batch of tasks to compute, one after the other, in one slot.
struct Assignment {
  LeaseId lease;
  Position first;
  std::uint64_t count = 0;
  std::uint32_t attempt = 1;
  Order order;        // position -> id
  Bytes descriptors;  // sequential sources: a varint length and the packed Task, `count` times; else empty
  bool isolated = false;  // in a child process, whatever computes the others

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& lease& first& count& attempt& order& descriptors& isolated;
  }
};

// Its tasks from `begin` to `end`, counted from its first.
Assignment part_of(const Assignment& whole, std::uint64_t begin, std::uint64_t end);

// Outcomes of an assignment's next tasks; several completions may make up an assignment.
struct Completion {
  LeaseId lease;
  OutcomeBlock block;
  Nanos busy{};  // slot time
  Nanos cpu{};   // CPU time of the computing thread

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& lease& block& busy& cpu;
  }
};

// One thread, the loop's, calls it. Whatever it starts ends with it.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual unsigned slots() const = 0;
  // Takes assignments into its queue.
  virtual void start(std::vector<Assignment> assignments) = 0;
  // Appends what has completed since the last call. The loop is woken when there is something and few
  // assignments wait; else it finds out by itself.
  virtual void collect(std::vector<Completion>& completions) = 0;
  // Hands out what running assignments have so far with the next collect.
  virtual void flush() = 0;
  // Forgets what has not begun, without completions. Running assignments end after their current task.
  virtual void drain() = 0;
  // Drains, and asks running tasks to stop early; one that fails then has no outcome: it is given back.
  virtual void stop() = 0;
  // True while an assignment runs or waits, or a completion is uncollected.
  virtual bool busy() const = 0;
  // How long what waits keeps all slots busy, by the durations seen of late; 0 while nothing waits.
  virtual Nanos queue_lasts() const = 0;
};

}  // namespace mpifarm
