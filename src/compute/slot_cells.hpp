#pragma once
// What every slot of a rank computes at this moment, in memory that the rank shares with its helper and the
// children: it is still there when the one who wrote it has died.

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "compute/failure_gate.hpp"

namespace mpifarm {

inline constexpr unsigned most_slots = 4096;  // of a rank

// Written by the one who computes in the slot, read by any process.
struct alignas(64) SlotCell {
  static constexpr std::size_t most_descriptor_bytes = 400;

  // The task's position + 1; 0 between tasks.
  std::atomic<std::uint64_t> running{0};
  std::atomic<std::uint64_t> begun{0};     // tasks, ever
  std::atomic<std::uint64_t> failures{0};  // of attempts in children of the slot, ever
  // In a child: the packed task that runs, as far as it fits.
  std::uint32_t descriptor_bytes = 0;
  std::array<char, most_descriptor_bytes> descriptor;

  void describe(BytesView packed) {
    descriptor_bytes = packed.size() <= most_descriptor_bytes ? static_cast<std::uint32_t>(packed.size()) : 0;
    std::memcpy(descriptor.data(), packed.data(), descriptor_bytes);
  }
  // Empty when it did not fit.
  BytesView described() const {
    return {descriptor.data(), std::min<std::size_t>(descriptor_bytes, most_descriptor_bytes)};
  }
};

struct SlotCells {
  std::array<SlotCell, most_slots> threads, children;
  std::atomic<bool> draining{false};  // children: end the assignment after the task that runs
  std::atomic<bool> stopping{false};  // and that task early, if it can
  FailureGate gate;
};

// Owns them. The memory is zero, and takes room only where it is written.
class SharedSlotCells {
 public:
  SharedSlotCells()
      : memory_{mmap(nullptr, sizeof(SlotCells), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)} {
    if (memory_ == MAP_FAILED)
      throw MachineryFailure{"no memory could be shared (" + errno_text(errno) + "); give the rank more"};
  }
  SharedSlotCells(const SharedSlotCells&) = delete;
  SharedSlotCells& operator=(const SharedSlotCells&) = delete;
  ~SharedSlotCells() { munmap(memory_, sizeof(SlotCells)); }

  SlotCells& operator*() const { return *static_cast<SlotCells*>(memory_); }

 private:
  void* memory_;
};

}  // namespace mpifarm
