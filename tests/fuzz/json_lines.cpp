// JSON Lines: the first byte says in what chunks they come in. However that is, the lines or the refusal are
// the same; a line is refused, or a value that is the same after it was written again, and so is a struct
// that it fits.

#include "base/error.hpp"
#include "describe/json.hpp"
#include "describe/line_reader.hpp"
#include "require.hpp"
#include "samples.hpp"

namespace {

using namespace mpifarm;
using namespace mpifarm::describe;
using fuzz::require;

struct Lines {
  std::vector<std::string> lines;
  std::string refusal;
  bool operator==(const Lines&) const = default;
};

Lines read(BytesView text, std::size_t chunk_bytes) {
  constexpr std::size_t longest_line = 500;  // so that short inputs reach it
  LineReader reader{"t.jsonl", longest_line};
  Lines out;
  BytesView line;
  const auto keep = [&] {
    out.lines.emplace_back(line);
    require(reader.number() == out.lines.size(), "lines are counted");
  };
  try {
    while (!text.empty()) {
      BytesView chunk = text.substr(0, chunk_bytes);
      text.remove_prefix(chunk.size());
      while (reader.read(chunk, line)) keep();
      require(chunk.empty(), "a chunk is used up");
    }
    if (reader.finish(line)) keep();
  } catch (const BadInput& error) {
    out.refusal = error.what();
  }
  return out;
}

template <class T>
void check_struct(const Value& value) {
  try {
    T first{};
    from_value(value, first);
    const std::string text = json_of(first);
    require(json_of(from_json<T>(text)) == text, "a struct reads back the same");
  } catch (const BadInput& error) {
    require(error.what()[0] != '\0', "a refusal says why");
  }
}

void check_line(const std::string& line) {
  Value value;
  try {
    value = parse_json(line);
  } catch (const BadInput&) {
    return;
  }
  for (const unsigned indent : {0u, 2u}) {
    const std::string text = to_json(value, indent);
    require(to_json(parse_json(text), indent) == text, "a value reads back the same");
  }
  check_struct<samples::Flat>(value);
  check_struct<samples::Deep>(value);
  check_struct<samples::Empty>(value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  if (size == 0) return 0;
  const BytesView text{data + 1, size - 1};
  const Lines whole = read(text, text.npos);
  require(read(text, 1 + static_cast<unsigned char>(data[0]) % 16) == whole,
          "however the text is cut into chunks, the lines are the same");
  for (const std::string& line : whole.lines) check_line(line);
  return 0;
}
