#include "journal/reader.hpp"

#include <utility>

namespace mpifarm::journal {

using Step = Scanner::Step;

Reader::Reader(Survey survey, TypeMask types) : survey_{std::move(survey)}, types_{types} {}

bool Reader::next(Record& record) {
  for (; segment_ < survey_.segments.size(); ++segment_, scanner_.reset()) {
    const Segment& segment = survey_.segments[segment_];
    if (!scanner_) scanner_ = std::make_unique<Scanner>(segment.path, segment.header, segment.valid_bytes);
    Step step;
    while ((step = scanner_->next()) == Step::record)
      if (scanner_->take(types_, record)) return true;
    if (step == Step::bad) throw Damaged{segment.path, scanner_->offset(), scanner_->why()};
  }
  return false;
}

std::uint64_t Reader::bytes_read() const {
  std::uint64_t bytes = scanner_ ? scanner_->offset() : 0;
  for (std::size_t i = 0; i < segment_; ++i) bytes += survey_.segments[i].valid_bytes;
  return bytes;
}

std::uint64_t Reader::total_bytes() const {
  std::uint64_t bytes = 0;
  for (const Segment& segment : survey_.segments) bytes += segment.valid_bytes;
  return bytes;
}

Follower::Follower(std::filesystem::path run, TypeMask types) : run_{std::move(run)}, types_{types} {}

bool Follower::next(Record& record) {
  while (open_segment()) {
    Step step;
    while ((step = scanner_->next()) == Step::record)
      if (scanner_->take(types_, record)) return true;
    if (!closed_) {
      scanner_->forget();
      if (!close_segment()) return false;
    } else if (step == Step::bad) {
      throw Damaged{scanner_->path(), scanner_->offset(), scanner_->why()};
    } else {
      ++number_;
      closed_ = false;
      scanner_.reset();
    }
  }
  return false;
}

bool Follower::open_segment() {
  if (scanner_) return true;
  const auto header = read_header(run_, number_);
  if (!header) return false;
  scanner_ = std::make_unique<Scanner>(segment_path(run_, number_), *header, no_limit);
  close_segment();
  return true;
}

// Learns from the next segment, once there is one, how much of this one counts.
bool Follower::close_segment() {
  const auto next = read_header(run_, number_ + 1);
  if (!next) return false;
  scanner_->set_limit(next->known_lengths.back());
  closed_ = true;
  return true;
}

}  // namespace mpifarm::journal
