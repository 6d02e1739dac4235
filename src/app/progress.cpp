#include "app/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/amounts.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

namespace mpifarm::app {
namespace {

constexpr auto bar_interval = std::chrono::milliseconds{100};
constexpr auto line_interval = std::chrono::seconds{5};
constexpr auto speed_window = std::chrono::seconds{15};

// A piece of the bar's line. Of several that do not fit, the least important goes first.
struct Piece {
  int importance;
  std::string text;
  const char* colour = nullptr;
};

constexpr const char *green = "\x1b[32m", *red = "\x1b[31m", *plain = "\x1b[0m";
constexpr unsigned least_bar = 6, most_bar = 40;
constexpr unsigned bar_frame = 5;  // its brackets and gap, and a free column
constexpr int bar_importance = 5;

std::size_t width(const std::vector<Piece>& pieces) {
  std::size_t sum = pieces.empty() ? 0 : 2 * (pieces.size() - 1);
  for (const Piece& piece : pieces) sum += piece.text.size();
  return sum;
}

// Never all of it before all is done.
unsigned percent(const ProgressView& view) {
  if (view.done >= *view.total) return 100;
  return static_cast<unsigned>(static_cast<unsigned __int128>(view.done) * 100 / *view.total);
}

std::vector<Piece> pieces_of(const ProgressView& view, bool narrow) {
  const auto count = [&](std::uint64_t n) {
    std::string text = narrow ? shortened(static_cast<double>(n)) : grouped(n);
    if (narrow) std::erase(text, ' ');
    return text;
  };
  std::vector<Piece> pieces{{2, view.job}};
  if (view.total) pieces.push_back({9, fmt::format("{} %", percent(view))});
  pieces.push_back(
      {8, view.total ? count(view.done) + "/" + count(*view.total) : count(view.done) + " done"});
  if (view.failed > 0) pieces.push_back({7, count(view.failed) + " failed", red});
  pieces.push_back({4, shortened(view.per_second) + "/s"});
  if (const auto left = view.seconds_left(); left && *left > 0)
    pieces.push_back({6, clock_text(*left) + " left"});
  else
    pieces.push_back({3, clock_text(view.wall_seconds)});
  if (view.running > 0) pieces.push_back({1, count(view.running) + " running"});
  return pieces;
}

std::string rank_line(const RankView& rank) {
  return fmt::format("rank {} on {}: {} tasks, {:.0f} % busy", rank.rank, rank.host, grouped(rank.tasks),
                     rank.busy * 100);
}

std::string lines_of_ranks(const ProgressView& view, unsigned columns, std::size_t most) {
  if (most == 0) return {};
  const bool all = view.ranks.size() <= most;
  const std::size_t shown = all ? view.ranks.size() : most - 1;
  std::string lines;
  for (std::size_t i = 0; i < shown; ++i) lines += "\n  " + rank_line(view.ranks[i]).substr(0, columns - 3);
  return all ? lines : lines + fmt::format("\n  and {} ranks more", view.ranks.size() - shown);
}

}  // namespace

ProgressMode parse_progress(std::string_view text) {
  if (text == "auto") return ProgressMode::automatic;
  if (text == "bar") return ProgressMode::bar;
  if (text == "log") return ProgressMode::log;
  if (text == "none") return ProgressMode::none;
  throw BadInput{"--progress is not known (\"" + std::string{text} + "\"); use auto, bar, log or none"};
}

std::optional<double> ProgressView::seconds_left() const {
  if (!total || per_second <= 0) return std::nullopt;
  return static_cast<double>(*total - std::min(done, *total)) / per_second;
}

std::string progress_bar(const ProgressView& view, unsigned columns, bool colours, std::size_t rank_lines) {
  constexpr unsigned narrow = 64;
  std::vector<Piece> pieces = pieces_of(view, columns < narrow);
  const auto least = [&] { return std::ranges::min_element(pieces, {}, &Piece::importance); };
  while (least()->importance < bar_importance && width(pieces) + bar_frame + least_bar > columns)
    pieces.erase(least());
  while (pieces.size() > 1 && width(pieces) >= columns) pieces.erase(least());
  const std::size_t used = width(pieces) + bar_frame;
  const std::size_t room = columns > used ? std::min<std::size_t>(columns - used, most_bar) : 0;
  std::string line;
  for (const Piece& piece : pieces) {
    if (!line.empty()) line += "  ";
    const bool coloured = colours && piece.colour != nullptr;
    line += coloured ? piece.colour + piece.text + plain : piece.text;
    if (view.total && room >= least_bar && piece.importance == 9) {
      const std::size_t full = room * percent(view) / 100;
      line += "  [" + std::string{colours ? green : ""} + std::string(full, '#') + (colours ? plain : "") +
              std::string(room - full, '.') + "]";
    }
  }
  return line + lines_of_ranks(view, columns, rank_lines);
}

std::string progress_text(const ProgressView& view) {
  std::string text = view.total ? fmt::format("{} of {} tasks ({} %)", grouped(view.done),
                                              grouped(*view.total), percent(view))
                                : grouped(view.done) + " tasks done";
  text += fmt::format(", {} running", grouped(view.running));
  if (view.failed > 0) text += fmt::format(", {} failed", grouped(view.failed));
  text += ", " + shortened(view.per_second) + "/s";
  if (const auto left = view.seconds_left()) text += ", " + clock_text(*left) + " left";
  for (const RankView& rank : view.ranks) text += "\n  " + rank_line(rank);
  return text;
}

void Speed::observe(TimePoint now, std::uint64_t done) {
  samples_.emplace_back(now, done);
  while (samples_.size() > 2 && samples_[1].first < now - speed_window) samples_.pop_front();
}

double Speed::per_second() const {
  if (samples_.size() < 2 || samples_.back().first == samples_.front().first) return 0;
  return static_cast<double>(samples_.back().second - samples_.front().second) /
         seconds(samples_.back().first - samples_.front().first);
}

ProgressDisplay::ProgressDisplay(ProgressMode mode) : mode_{mode} {
  if (mode_ == ProgressMode::automatic || mode_ == ProgressMode::bar) terminal_ = Terminal::behind_stderr();
  if (mode_ == ProgressMode::automatic) mode_ = terminal_ ? ProgressMode::bar : ProgressMode::log;
}

ProgressDisplay::~ProgressDisplay() { log::set_footer({}); }

void ProgressDisplay::show(TimePoint now, const ProgressView& view) {
  const bool first = next_ == TimePoint{};
  next_ = now + (mode_ == ProgressMode::bar ? Nanos{bar_interval} : Nanos{line_interval});
  if (first) return;
  if (mode_ == ProgressMode::bar) draw(view);
  if (mode_ == ProgressMode::log) log::info(progress_text(view));
}

void ProgressDisplay::finish(const ProgressView& view) {
  if (mode_ != ProgressMode::bar) return;
  draw(view);
  log::keep_footer();
}

void ProgressDisplay::draw(const ProgressView& view) const {
  constexpr unsigned usual_columns = 80, usual_rows = 24;
  const unsigned columns = terminal_ ? terminal_->columns() : usual_columns;
  const unsigned rows = terminal_ ? terminal_->rows() : usual_rows;
  log::set_footer(progress_bar(view, columns, terminal_ && terminal_->colours(), rows - 2), columns);
}

}  // namespace mpifarm::app
