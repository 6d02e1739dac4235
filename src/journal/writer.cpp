#include "journal/writer.hpp"

#include <string>
#include <system_error>
#include <utility>

#include "base/hash.hpp"
#include "base/pack.hpp"

namespace mpifarm::journal {

namespace {

constexpr std::size_t buffer_to_keep = std::size_t{16} << 20;

[[noreturn]] void refuse_length(std::size_t bytes) {
  throw MachineryFailure{"a journal record is too long (" + std::to_string(bytes) + " bytes of at most " +
                         std::to_string(payload_limit) +
                         "); let the job return less, or use smaller batches"};
}

// Renamed and not removed: should it not be ours to replace, nothing is lost.
void rename_away(const std::filesystem::path& path) {
  std::filesystem::path name = path;
  name += ".torn";
  std::error_code error;
  for (int i = 2; std::filesystem::exists(name, error); ++i)
    name = path.string() + ".torn." + std::to_string(i);
  if (!error) std::filesystem::rename(path, name, error);
  if (error)
    throw MachineryFailure{path.string() + " could not be renamed (" + error.message() +
                           "); look at the file system, then resume the run"};
  sync_directory(path.parent_path());
}

}  // namespace

Writer::Writer(std::unique_ptr<Storage> storage, const SegmentHeader& header)
    : storage_{std::move(storage)}, seed_{record_seed(header)}, buffer_{encode(header)} {
  sync();
}

template <class T>
void Writer::append_as(const T& record) {
  const std::size_t start = buffer_.size();
  buffer_.append(record_header_bytes, '\0');
  Packer{buffer_} & record;
  const BytesView payload = BytesView{buffer_}.substr(start + record_header_bytes);
  if (payload.size() > payload_limit) {
    const std::size_t bytes = payload.size();
    buffer_.resize(start);
    refuse_length(bytes);
  }
  RecordHeader header;
  header.bytes = static_cast<std::uint32_t>(payload.size());
  header.type = index_of<T>() + 1;
  header.number = next_number_++;
  header.payload_hash = hash64(payload);
  encode(header, seed_, buffer_.data() + start);
}

void Writer::append(const Record& record) {
  std::visit([this](const auto& alternative) { append_as(alternative); }, record);
}

void Writer::append_outcomes(const Outcomes& outcomes) {
  const std::size_t least = outcomes.block.entries.size() + outcomes.descriptors.size();
  if (least > payload_limit) refuse_length(least);  // before the buffer grows by as much
  append_as(outcomes);
}

void Writer::flush() {
  storage_->append(buffer_);  // an empty one too: a storage that failed must say so
  written_ += buffer_.size();
  buffer_.clear();
  if (buffer_.capacity() > buffer_to_keep) buffer_.shrink_to_fit();
}

void Writer::sync() {
  flush();
  storage_->sync();
}

Writer create_segment(const std::filesystem::path& run, const std::optional<Survey>& survey,
                      std::uint64_t run_id) {
  SegmentHeader header;
  header.run_id = run_id;
  if (survey) {
    if (!survey->segments.empty() && survey->run_id() != run_id)
      throw BadInput{"the journal in " + run.string() + " belongs to another run; use that run's directory"};
    for (const Segment& segment : survey->segments) header.known_lengths.push_back(segment.valid_bytes);
    header.number = static_cast<std::uint32_t>(survey->segments.size() + 1);
    // The length that the new header states must be on disk first: a writer that died may have left it in the
    // page cache.
    if (!survey->segments.empty())
      cut_file(survey->segments.back().path, survey->segments.back().valid_bytes);
    if (survey->torn_segment) rename_away(*survey->torn_segment);
  }
  return Writer{std::make_unique<PosixStorage>(segment_path(run, header.number)), header};
}

}  // namespace mpifarm::journal
