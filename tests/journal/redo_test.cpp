// Failures that a later start makes void: readers see one outcome a task.

#include "run_directory.hpp"

namespace mpifarm::journal {
namespace {

// `statuses`: s(ucceeded) or f(ailed), from position `first` on.
Outcomes some(std::uint64_t first, const std::string& statuses, const std::string& start) {
  Outcomes outcomes;
  outcomes.block.first = {first};
  outcomes.block.count = statuses.size();
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    const bool succeeded = statuses[i] == 's';
    outcomes.block.succeeded += succeeded ? 1 : 0;
    append_entry(outcomes.block.entries, succeeded ? Outcome::succeeded : Outcome::failed, start);
    append_sized(outcomes.descriptors, "task " + std::to_string(first + i));
  }
  return outcomes;
}

// "POSITION STATUS START" of every outcome, and that its descriptor is its own.
std::vector<std::string> outcomes_in(const Survey& survey) {
  std::vector<std::string> texts;
  Reader reader{survey, mask_of<Outcomes>()};
  for (Record record; reader.next(record);) {
    const auto& outcomes = std::get<Outcomes>(record);
    BytesView entries = outcomes.block.entries, descriptors = outcomes.descriptors, descriptor;
    std::uint64_t succeeded = 0;
    for (std::uint64_t i = 0; i < outcomes.block.count; ++i) {
      const std::string position = std::to_string(outcomes.block.first.value + i);
      const OutcomeEntry entry = take_entry(entries);
      succeeded += entry.outcome == Outcome::succeeded ? 1 : 0;
      EXPECT_TRUE(take_sized(descriptors, descriptor) && descriptor == "task " + position) << position;
      texts.push_back(position + (entry.outcome == Outcome::succeeded ? " s " : " f ") +
                      std::string{entry.payload});
    }
    EXPECT_EQ(succeeded, outcomes.block.succeeded);
    EXPECT_TRUE(entries.empty() && descriptors.empty());
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(Redo, MakesTheFailuresBeforeItVoidAndNothingElse) {
  const RunDirectory run;
  write_segment(run, {Started{}, some(0, "sfsf", "1"), some(4, "ff", "1"), some(6, "s", "1")});
  EXPECT_EQ(outcomes_in(inspect(run.path())),
            (Texts{"0 s 1", "1 f 1", "2 s 1", "3 f 1", "4 f 1", "5 f 1", "6 s 1"}));
  write_segment(run, {Started{}, Redo{{{1, 2}, {4, 6}}}, some(1, "s", "2"), some(5, "f", "2")});
  EXPECT_EQ(outcomes_in(inspect(run.path())), (Texts{"0 s 1", "2 s 1", "3 f 1", "6 s 1", "1 s 2", "5 f 2"}));
  write_segment(
      run, {Started{}, Suspects{{{9, 10}}}, Redo{{{3, 4}, {5, 6}}}, some(3, "fs", "3"), some(5, "s", "3")});
  EXPECT_EQ(outcomes_in(inspect(run.path())),
            (Texts{"0 s 1", "2 s 1", "6 s 1", "1 s 2", "3 f 3", "4 s 3", "5 s 3"}));
}

TEST(Redo, CountsBeforeItIsOnRecord) {
  const RunDirectory run;
  write_segment(run, {Started{}, some(0, "sff", "1")});
  Survey survey = inspect(run.path());
  survey.redo.insert({1, 2});
  EXPECT_EQ(outcomes_in(survey), (Texts{"0 s 1", "2 f 1"}));
}

TEST(Redo, OfATaskThatSucceededChangesNothing) {
  const RunDirectory run;
  write_segment(run, {Started{}, some(0, "sfs", "1")});
  write_segment(run, {Started{}, Redo{{{0, 3}}}, some(1, "s", "2")});
  EXPECT_EQ(outcomes_in(inspect(run.path())), (Texts{"0 s 1", "2 s 1", "1 s 2"}));
}

TEST(Lost, MakesTheSuccessesBeforeItVoidAndNothingElse) {
  const RunDirectory run;
  write_segment(run, {Started{}, some(0, "sfss", "1")});
  write_segment(run, {Started{}, Redo{{{1, 2}}}, Lost{{{0, 2}, {3, 4}}}, some(0, "s", "2")});
  EXPECT_EQ(outcomes_in(inspect(run.path())), (Texts{"2 s 1", "0 s 2"}));
  Survey survey = inspect(run.path());
  survey.lost.insert({0, 4});
  EXPECT_EQ(outcomes_in(survey), Texts{}) << "what is lost again is void again";
}

TEST(Lost, OfATaskThatFailedChangesNothing) {
  const RunDirectory run;
  write_segment(run, {Started{}, some(0, "sf", "1")});
  write_segment(run, {Started{}, Lost{{{1, 2}}}});
  EXPECT_EQ(outcomes_in(inspect(run.path())), (Texts{"0 s 1", "1 f 1"}));
}

}  // namespace
}  // namespace mpifarm::journal
