#include "app/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/nearest.hpp"
#include "describe/text.hpp"

namespace mpifarm::app {
namespace {

// Positional arguments are taken as lists, so that one too many can be named; in the usage they are what they
// mean.
class Usage final : public CLI::Formatter {
 public:
  explicit Usage(bool many) : many_{many} {}
  std::string make_option_usage(const CLI::Option* option) const override {
    return make_option_name(option, true) + (many_ ? "..." : "");
  }

 private:
  bool many_;
};

}  // namespace

// Its own numbers saturate silently, so it is given texts to fill.
struct CommandLine::Parser {
  CLI::App app;
};

CommandLine::CommandLine(const std::string& description, const std::string& name, bool many)
    : name_{name}, parser_{std::make_unique<Parser>()} {
  parser_->app.description(description);
  parser_->app.name("mpifarm " + name);
  parser_->app.formatter(std::make_shared<Usage>(many));
  parser_->app.allow_extras();
}

CommandLine::~CommandLine() = default;

void CommandLine::value(const std::string& name, const std::string& type, const std::string& help) {
  repeated(name, type, help);
  parser_->app.get_option(name.substr(0, name.find(',')))->multi_option_policy(CLI::MultiOptionPolicy::Throw);
}

void CommandLine::repeated(const std::string& name, const std::string& type, const std::string& help) {
  parser_->app.add_option(name, texts_[name], help)
      ->type_name(type)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(heading_);
}

void CommandLine::on_off(const std::string& name, const std::string& help) {
  parser_->app.add_flag(name, texts_[name], help)->group(heading_);
}

void CommandLine::positional(const std::string& name, const std::string& help) {
  parser_->app.add_option(name, texts_[name], help)->type_name("");
}

bool CommandLine::takes_value(const std::string& word) const {
  const CLI::Option* option = parser_->app.get_option_no_throw(word);
  return option != nullptr && option->get_expected_max() > 0;
}

void CommandLine::refuse(const std::string& argument) const {
  const std::string see = "; see `mpifarm " + name_ + " --help`";
  if (!argument.starts_with('-'))
    throw BadInput{"an argument is not expected here (\"" + argument + "\")" + see};
  std::vector<std::string> names;
  for (const CLI::Option* option : parser_->app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  const std::string flag = argument.substr(0, argument.find('='));
  const std::string near = nearest_name(flag, names);
  throw BadInput{"there is no flag " + flag + (near.empty() ? "" : " (did you mean " + near + "?)") + see};
}

std::optional<std::string> CommandLine::parse(std::vector<std::string> arguments) {
  const std::string see = "see `mpifarm " + name_ + " --help`";
  std::ranges::reverse(arguments);  // CLI11 wants them so
  try {
    parser_->app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    return parser_->app.help();
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();  // "--seed: At Most 1 required but received 2"
    const bool many = text.find("At Most") != std::string::npos;
    throw BadInput{text.substr(0, text.find(':')) +
                   (many ? " is given more than once; give it once" : " has no value; give one") + ", " +
                   see};
  } catch (const CLI::ParseError& error) {
    throw BadInput{std::string{error.what()} + "; " + see};
  }
  for (const std::string& argument : parser_->app.remaining())
    if (argument != "--") refuse(argument);
  return std::nullopt;
}

const std::string* CommandLine::given(const std::string& flag) const {
  const auto found = texts_.find(flag);
  return found == texts_.end() || found->second.empty() ? nullptr : &found->second.front();
}

bool CommandLine::is_on(const std::string& flag) const {
  const std::string* text = given(flag);
  bool on = text != nullptr;
  if (text != nullptr && !text->empty()) describe::read_text(*text, on, flag.substr(0, flag.find(',')));
  return on;
}

const std::vector<std::string>& CommandLine::positionals(const std::string& name) const {
  const std::vector<std::string>& all = texts_.at(name);
  if (all.empty() || all.front().empty())
    throw BadInput{name + " is missing; say `mpifarm " + name_ + " " + name + "`"};
  return all;
}

const std::string& CommandLine::the_positional(const std::string& name) const {
  const std::vector<std::string>& all = positionals(name);
  if (all.size() > 1) refuse(all[1]);
  return all.front();
}

}  // namespace mpifarm::app
