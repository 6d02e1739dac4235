// Writes the inputs that each corpus begins with, as DIRECTORY/TARGET/NUMBER: by the encoders themselves, so
// that a fuzzer starts from what they write today.

#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "base/pack.hpp"
#include "describe/csv.hpp"
#include "describe/json.hpp"
#include "journal/writer.hpp"
#include "run/manifest.hpp"
#include "samples.hpp"
#include "wire/codec.hpp"

namespace {

using namespace mpifarm;

class Seeds {
 public:
  Seeds(const std::filesystem::path& directory, const char* target) : directory_{directory / target} {
    std::filesystem::create_directories(directory_);
  }
  void add(BytesView bytes) {
    std::ofstream{directory_ / std::to_string(++count_), std::ios::binary} << bytes;
  }

 private:
  std::filesystem::path directory_;
  int count_ = 0;
};

OutcomeBlock block(std::uint64_t first) {
  OutcomeBlock block{{first}, 3, 1, {}};
  append_entry(block.entries, Outcome::succeeded, "result");
  append_entry(block.entries, Outcome::timed_out, "it took 9 s");
  append_entry(block.entries, Outcome::crashed, "");
  return block;
}

void add_wire(Seeds seeds) {
  const wire::Identity identity{wire::protocol_version, "0.1.0-abcdef", 0x0123456789abcdef, 42};
  const wire::SetupDetails setup{"squares", "params",         99,      {0, 5, 9}, Nanos{500},
                                 Nanos{30}, {027, 3, {1024}}, "/data", true};
  const wire::HelloDetails hello{"no such file", {0, 1, 5}, 1.5, 8, 1000, {11, 22, 33}};
  wire::Assign assign{Order{OrderKind::shuffle, 1000, 3, 64, {}}, {}};
  assign.leases.push_back({{1}, {0}, 10, 1, ""});
  assign.leases.push_back({{~std::uint64_t{0}}, {500}, 2, 3, "\1a\1b"});
  const std::vector<wire::ToWorker> to_worker{wire::Setup{identity, pack(setup)},
                                              wire::Begin{64},
                                              assign,
                                              wire::Assign{},
                                              wire::Drain{true},
                                              wire::Shutdown{true}};
  const std::vector<wire::ToMaster> to_master{
      wire::Hello{identity, "host a", pack(hello)},
      wire::Outcomes{{{{1}, block(500), Nanos{1000}, Nanos{900}}, {{2}, {{7}, 0, 0, ""}, Nanos{}, Nanos{}}}},
      wire::Drained{}, wire::LogLine{"task 5: hello"}};
  for (const auto& message : to_worker) seeds.add('w' + wire::encode(message));
  for (const auto& message : to_master) seeds.add('m' + wire::encode(message));
}

// Keeps what a writer writes.
class Memory final : public journal::Storage {
 public:
  explicit Memory(Bytes& bytes) : bytes_{bytes} {}
  void append(BytesView bytes) override { bytes_ += bytes; }
  void sync() override {}

 private:
  Bytes& bytes_;
};

template <std::size_t... i>
void append_empty_ones(journal::Writer& writer, std::index_sequence<i...>) {
  (writer.append(journal::Record{std::in_place_index<i>}), ...);
}

void add_journal(Seeds seeds) {
  const auto start = [](const journal::SegmentHeader& header, const std::vector<journal::Record>& records) {
    Bytes bytes;
    journal::Writer writer{std::make_unique<Memory>(bytes), header};
    for (const journal::Record& record : records) writer.append(record);
    writer.sync();
    return bytes;
  };
  const auto add = [&seeds](const Bytes& first, const Bytes& second) {
    const Bytes split = pack(static_cast<std::uint16_t>(second.empty() ? 0 : first.size()));
    for (const char mode : {'g', 'r'}) seeds.add(mode + split + first + second);
  };
  const std::vector<journal::Record> records{
      journal::Started{4, 64, "2026-11-20T12:34:56Z"}, journal::SourceItems{{0}, {11, 22, 33}, true},
      journal::FailedAttempt{{3}, 1, "out of luck"},   journal::Outcomes{block(3), "\1a\1b\1c"},
      journal::Outcomes{block(0), "\1a\1b\1c"},        journal::Sealed{true, "2026-11-20T12:40:00Z"}};
  const Bytes first = start({1, 7, {}}, records);
  add(first, {});
  add(first, start({2, 7, {first.size()}}, records));
  // The failures of the first start are computed anew in the second.
  add(first, start({2, 7, {first.size()}}, {journal::Redo{{{1, 3}, {4, 6}}}, journal::Outcomes{block(4), ""},
                                            journal::Outcomes{block(1), ""}}));
  // With what a master that was thought dead has added.
  const std::uint64_t counted = start({1, 7, {}}, {records[0], records[1], records[2]}).size();
  add(first, start({2, 7, {counted}}, records));
  add(first.substr(0, 200), start({2, 7, {200}}, {}));
  Bytes every;
  journal::Writer writer{std::make_unique<Memory>(every), {1, 7, {}}};
  append_empty_ones(writer, std::make_index_sequence<std::variant_size_v<journal::Record>>{});
  writer.sync();
  add(every, {});
}

Bytes gzip(BytesView text) {
  z_stream stream{};
  Bytes out(1000, '\0');
  deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

void add_text(Seeds csv, Seeds json_lines, Seeds task_list) {
  samples::Random random{1};
  for (int i = 0; i < 6; ++i) {
    const samples::Flat flat = random.flat();
    const samples::Deep deep = random.deep();
    Bytes table{static_cast<char>(i)}, nested = table, lines = table;
    describe::append_csv_header<samples::Flat>(table);
    describe::append_csv_row(table, flat);
    csv.add(table);
    describe::append_csv_header<samples::Deep>(nested);
    describe::append_csv_row(nested, deep);
    csv.add(nested);
    task_list.add(BytesView{nested}.substr(1));
    describe::append_json(lines, flat);
    lines += "\r\n";
    const std::size_t begin = lines.size();
    describe::append_json(lines, deep);
    task_list.add(BytesView{lines}.substr(begin));
    json_lines.add(lines + "\n\n{}");
  }
  csv.add("0\xef\xbb\xbfi8,text\r\n-128,\"a \"\"b\"\"\r\nc\"\r\n\r\n7,");
  csv.add("1text\n\"not closed");
  json_lines.add(R"(0[1,-0.0,1e400,18446744073709551616,"\ud83d\ude42\u0000"])");
  task_list.add(
      "\n \n\xef\xbb\xbf"
      "name,bits\n\"a, b\",\"[true]\"\n");
  task_list.add("{}\r\n \t\r\n\n{\"name\":\"x\"}");
  task_list.add(gzip("{\"name\":\"x\"}\n{}\n") + gzip("{\"point\":{\"y\":3}}") + std::string(3, '\0'));
  json_lines.add("1{\"real\":\"nan\",\"maybe\":null}");
}

void add_manifest(Seeds seeds) {
  Manifest m;
  m.job = "squares";
  m.params = describe::Value::Object{
      {"from", 0}, {"to", 0.5}, {"note", "two\nlines"}, {"list", describe::Value::List{}}};
  m.run_id = ~std::uint64_t{0};
  m.source_digest = "00ff";
  m.command = {"mpifarm", "run", "squares", "--note", "two\nlines"};
  seeds.add(to_json(m));
  m.tasks = 100;
  m.tasks_from = "-";
  m.retry_delay_seconds = 0.1;
  seeds.add(to_json(m));
  seeds.add(describe::to_json(describe::parse_json(to_json(m))));
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::filesystem::path directory = arguments[1];
  add_wire({directory, "wire"});
  add_journal({directory, "journal"});
  add_text({directory, "csv"}, {directory, "json_lines"}, {directory, "task_list"});
  add_manifest({directory, "manifest"});
}
