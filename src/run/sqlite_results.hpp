#pragma once
// Results as a table of an SQLite database: `results`, with the columns of results.csv.

#include <filesystem>
#include <memory>

#include "run/results.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace mpifarm {

// Made beside the file and given its name when it is whole, as TextResults. A column whose name is taken
// already gets `result_` before it. One thread.
class SqliteResults final : public ResultsFile {
 public:
  // Throws MachineryFailure when the file cannot be made, as every other function does when it cannot be
  // written.
  SqliteResults(std::filesystem::path file, const JobType& type);
  ~SqliteResults() override;  // removes an unfinished one
  SqliteResults(const SqliteResults&) = delete;
  SqliteResults& operator=(const SqliteResults&) = delete;

  void take(const journal::TaskOutcome& outcome) override;
  void finish() override;

 private:
  class Row;
  struct Closer {
    void operator()(sqlite3* database) const;
    void operator()(sqlite3_stmt* statement) const;
  };

  void execute(const std::string& sql);
  void check(int result) const;

  std::filesystem::path file_, building_;
  const JobType& type_;
  std::unique_ptr<sqlite3, Closer> database_;
  std::unique_ptr<sqlite3_stmt, Closer> insert_;
  int columns_ = 0;
  bool finished_ = false;
};

}  // namespace mpifarm
