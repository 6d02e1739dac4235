#include "run/sqlite_results.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "base/error.hpp"
#include "base/file.hpp"
#include "describe/cells.hpp"

namespace mpifarm {
namespace {

std::string in_quotes(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? std::string{"\"\""} : std::string{c};
  return text + '"';
}

}  // namespace

// The cells of one row, bound as they come.
class SqliteResults::Row final : public describe::CellTaker {
 public:
  explicit Row(SqliteResults& table) : table_{table} {}

  void null() override { table_.check(sqlite3_bind_null(table_.insert_.get(), ++at_)); }
  void integer(std::int64_t value) override {
    table_.check(sqlite3_bind_int64(table_.insert_.get(), ++at_, value));
  }
  void number(double value) override {
    table_.check(sqlite3_bind_double(table_.insert_.get(), ++at_, value));
  }
  void text(std::string_view value) override {
    table_.check(sqlite3_bind_text64(table_.insert_.get(), ++at_, value.data(), value.size(),
                                     SQLITE_TRANSIENT, SQLITE_UTF8));
  }

 private:
  SqliteResults& table_;
  int at_ = 0;
};

void SqliteResults::Closer::operator()(sqlite3* database) const { sqlite3_close_v2(database); }
void SqliteResults::Closer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void SqliteResults::check(int result) const {
  if (result == SQLITE_OK || result == SQLITE_DONE || result == SQLITE_ROW) return;
  const char* why = database_ ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(result);
  throw MachineryFailure{building_.string() + " could not be written (SQLite: " + why +
                         "); make room or look at the file system, then resume the run"};
}

SqliteResults::SqliteResults(std::filesystem::path file, const JobType& type)
    : file_{std::move(file)}, building_{file_.string() + ".new"}, type_{type} {
  std::filesystem::remove(building_);
  sqlite3* database = nullptr;
  const int opened = sqlite3_open(building_.c_str(), &database);
  database_.reset(database);
  check(opened);
  chmod(building_.c_str(), 0600);  // as all files of a run
  // Nobody sees the file before it is whole, so nothing of it needs to survive a crash.
  execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; BEGIN");
  std::vector<std::string> names = result_column_names(type);
  names.insert(names.begin(), {"id", "status"});
  names.emplace_back("message");
  columns_ = static_cast<int>(names.size());
  std::string columns = "\"id\" INTEGER PRIMARY KEY", places = "?";
  for (std::size_t i = 1; i < names.size(); ++i) {
    columns += ", " + in_quotes(names[i]);
    places += ", ?";
  }
  execute("CREATE TABLE results (" + columns + ")");
  sqlite3_stmt* insert = nullptr;
  check(sqlite3_prepare_v2(database, ("INSERT INTO results VALUES (" + places + ")").c_str(), -1, &insert,
                           nullptr));
  insert_.reset(insert);
}

SqliteResults::~SqliteResults() {
  if (finished_) return;
  insert_.reset();
  database_.reset();
  unlink(building_.c_str());
}

void SqliteResults::execute(const std::string& sql) {
  check(sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr));
}

void SqliteResults::take(const journal::TaskOutcome& outcome) {
  Row row{*this};
  row.integer(static_cast<std::int64_t>(outcome.id.value));
  row.text(to_string(outcome.outcome));
  const bool succeeded = outcome.outcome == Outcome::succeeded;
  const BytesView result = succeeded ? outcome.payload : kept_result(outcome.payload);
  if (succeeded || !result.empty())
    type_.give_result_cells(row, result);
  else
    for (int column = 3; column < columns_; ++column) row.null();
  if (succeeded)
    row.null();
  else
    row.text(failure_message(outcome.payload));
  check(sqlite3_step(insert_.get()));
  check(sqlite3_reset(insert_.get()));
}

void SqliteResults::finish() {
  execute("COMMIT");
  insert_.reset();
  database_.reset();
  sync_file(building_);
  if (std::rename(building_.c_str(), file_.c_str()) != 0) throw_errno(file_, "replaced");
  finished_ = true;
}

}  // namespace mpifarm
