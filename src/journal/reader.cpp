#include "journal/reader.hpp"

#include <utility>

namespace mpifarm::journal {

using Step = Scanner::Step;

namespace {

BytesView take_front(BytesView& rest, std::size_t left) {
  const BytesView front = rest.substr(0, rest.size() - left);
  rest.remove_prefix(front.size());
  return front;
}

// Leaves out what is void of `outcomes`, in as many records as that takes.
std::deque<Record> without(const Outcomes& outcomes, const Voided& voided) {
  std::deque<Record> kept;
  bool joins = false;  // the last of kept
  BytesView entries = outcomes.block.entries, descriptors = outcomes.descriptors;
  for (std::uint64_t i = 0; i < outcomes.block.count; ++i) {
    const std::uint64_t position = outcomes.block.first.value + i;
    BytesView after = entries, descriptors_after = descriptors, descriptor;
    const bool succeeded = take_entry(after).outcome == Outcome::succeeded;
    const BytesView entry = take_front(entries, after.size());
    if (!descriptors.empty()) take_sized(descriptors_after, descriptor);
    descriptor = take_front(descriptors, descriptors_after.size());
    if ((succeeded ? voided.successes : voided.failures).contains(position)) {
      joins = false;
      continue;
    }
    if (!std::exchange(joins, true))
      kept.emplace_back(Outcomes{{.first = {position}, .count = 0, .succeeded = 0, .entries = {}}, {}});
    auto& part = std::get<Outcomes>(kept.back());
    ++part.block.count;
    part.block.succeeded += succeeded ? 1 : 0;
    part.block.entries += entry;
    part.descriptors += descriptor;
  }
  return kept;
}

}  // namespace

Reader::Reader(Survey survey, TypeMask types) : survey_{std::move(survey)}, types_{types} { find_voided(); }

// A start says what it computes anew before anything else but that it has begun.
void Reader::find_voided() {
  constexpr std::uint64_t first_records = 5;
  voided_.resize(survey_.segments.size());
  Voided later{survey_.redo, survey_.lost};
  for (std::size_t i = survey_.segments.size(); i-- > 0;) {
    voided_[i] = later;
    const Segment& segment = survey_.segments[i];
    if (i == 0) break;
    Scanner scanner{segment.path, segment.header, segment.valid_bytes};
    Record record;
    while (scanner.records() < first_records && scanner.next() == Step::record) {
      if (!scanner.take(mask_of<Redo, Lost>(), record)) continue;
      if (const auto* redo = std::get_if<Redo>(&record))
        for (const Interval& positions : redo->positions) later.failures.insert(positions);
      else
        for (const Interval& positions : std::get<Lost>(record).positions) later.successes.insert(positions);
    }
  }
}

// Then kept_ has what is left of it.
bool Reader::is_void(const Record& record) {
  const Voided& voided = voided_[segment_];
  const auto* outcomes = std::get_if<Outcomes>(&record);
  if (outcomes == nullptr) return false;
  const OutcomeBlock& block = outcomes->block;
  const Interval positions{block.first.value, block.first.value + block.count};
  const auto reaches = [&](const IntervalSet& some) { return !some.empty() && some.intersects(positions); };
  if (!(block.succeeded < block.count && reaches(voided.failures)) &&
      !(block.succeeded > 0 && reaches(voided.successes)))
    return false;
  try {
    kept_ = without(*outcomes, voided);
  } catch (const CorruptData& error) {
    throw Damaged{file(), offset(), error.what()};
  }
  return true;
}

bool Reader::next(Record& record) {
  const auto take_kept = [&] {
    if (kept_.empty()) return false;
    record = std::move(kept_.front());
    kept_.pop_front();
    return true;
  };
  if (take_kept()) return true;
  for (; segment_ < survey_.segments.size(); ++segment_, scanner_.reset()) {
    const Segment& segment = survey_.segments[segment_];
    if (!scanner_) scanner_ = std::make_unique<Scanner>(segment.path, segment.header, segment.valid_bytes);
    Step step;
    while ((step = scanner_->next()) == Step::record)
      if (scanner_->take(types_, record) && (!is_void(record) || take_kept())) return true;
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
