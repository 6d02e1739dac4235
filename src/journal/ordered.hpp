#pragma once
// The outcomes of a whole run by TaskId, in bounded memory.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>

#include "base/interval_set.hpp"
#include "base/order.hpp"
#include "journal/reader.hpp"
#include "journal/sorter.hpp"

namespace mpifarm::journal {

struct TaskOutcome {
  TaskId id;
  Outcome outcome = Outcome::succeeded;
  BytesView payload;     // the packed Result of a success, the message of anything else
  BytesView descriptor;  // the packed Task of sequential sources; empty for indexed ones
};

// Under fifo, blocks that come a little out of turn are held back whole; when more is held back than fits,
// and under every other order, the entries are sorted through a scratch file about as large as the outcomes
// (twice that for more than 256 spills). Of a position that is in the journal twice the first counts. One
// thread. Memory: `memory_bytes` and some 2 MiB, or twice the longest record.
class OrderedOutcomes {
 public:
  static constexpr std::size_t default_memory_bytes = std::size_t{8} << 20;

  // The journal must not be written meanwhile; every position in it must be one that `order` maps.
  OrderedOutcomes(Survey survey, const Order& order, std::filesystem::path scratch_directory,
                  std::size_t memory_bytes = default_memory_bytes);

  // The next outcome by id; false at the end. Ids that have none are passed over. The views are valid until
  // the next call. Throws Damaged and BadInput as Reader does, MachineryFailure when the scratch directory
  // takes no more.
  bool next(TaskOutcome& outcome);

 private:
  // A block on its way out, and the place of its record for messages.
  struct Block {
    Outcomes outcomes;
    std::filesystem::path file;
    std::uint64_t offset = 0;
    std::uint64_t left = 0;  // entries not yet taken
    std::size_t entries_taken = 0,
                descriptors_taken = 0;  // bytes; views would not survive a move of short strings

    // Throws Damaged when there is no entry left.
    TaskOutcome take(TaskId id);
    void check_end() const;
  };

  bool read_block(Block& block);
  bool load_block();
  void hold(Block&& block);
  void hold_new_entries(Block&& block);
  void start_sorting();
  void sort_entries(Block&& block);
  bool next_sorted(TaskOutcome& outcome);

  Reader reader_;
  Record record_;
  Order order_;
  std::filesystem::path scratch_directory_;
  std::size_t memory_bytes_;

  // Streaming, fifo only: positions are what the order calls indices.
  Block current_;
  std::uint64_t next_index_ = 0;         // all below it are out, or have no outcome
  std::map<std::uint64_t, Block> held_;  // by first position; no two overlap
  std::size_t held_bytes_ = 0;
  IntervalSet seen_;    // positions out or held
  bool ended_ = false;  // the journal is read

  std::optional<Sorter> sorter_;  // once this is there, what is not out yet is in it
};

}  // namespace mpifarm::journal
