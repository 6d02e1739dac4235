#pragma once
// A shard's tasks of a sequential source.

#include <memory>

#include "base/hash.hpp"
#include "base/order.hpp"
#include "job/any_job.hpp"

namespace mpifarm {

// Passes over what belongs to other shards, and adds up a digest of all. One thread.
class ShardSource final : public TaskSource {
 public:
  ShardSource(std::unique_ptr<TaskSource> whole, Shard shard) : whole_{std::move(whole)}, shard_{shard} {}

  Pull pull(Bytes& descriptor) override {
    while (true) {
      const Pull pulled = whole_->pull(descriptor);
      if (pulled != Pull::item) return pulled;
      digest_.add_success(pulled_, descriptor);
      if (++pulled_ % shard_.of == shard_.number % shard_.of) return pulled;
    }
  }
  std::optional<WholeFacts> whole() const override { return WholeFacts{pulled_, digest_.hex()}; }

 private:
  std::unique_ptr<TaskSource> whole_;
  Shard shard_;
  std::uint64_t pulled_ = 0;
  Digest digest_;
};

}  // namespace mpifarm
