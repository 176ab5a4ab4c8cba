#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "keys.h"
#include "select.h"

namespace ckpt::cli {

using namespace tools;  // what is shared with the viewer

enum class When : std::uint8_t { automatic, always, never };

struct InfoOptions {
  std::vector<std::string> files = {};
  bool json = false;
  KeyOptions key = {};
};

struct ListOptions {
  std::string file = {};
  PatternOptions select = {};
  std::string group = {};
  std::string sort = {};
  bool tree = false;
  bool details = false;
  bool total = false;
  bool exact = false;
  bool json = false;
  KeyOptions key = {};
};

struct ShowOptions {
  std::string target = {};
  std::optional<std::string> tensor = {};  ///< empty: it is in `target`
  bool raw = false;
  bool npy = false;
  bool json = false;
  bool full = false;
  int precision = 0;  ///< significant digits; 0 = as many as the value needs
  std::string output = {};
  bool force = false;
  KeyOptions key = {};
};

struct CheckOptions {
  std::vector<std::string> files = {};
  bool values = false;
  bool headers_only = false;
  bool strict = false;
  bool quiet = false;
  std::string version = {};
  bool json = false;
  KeyOptions key = {};
};

struct ConvertOptions {
  std::string file = {};
  std::string output = {};
  std::string format = {};  ///< ckpt, safetensors, npz; empty: as the output's name says
  std::string names = {};   ///< pytorch, mindspore; empty: as they are
  std::string profile = {};
  bool crc = false;
  bool force = false;
  bool drop_unsupported = false;
  KeyOptions key = {};
};

struct ExportCommand {
  std::string file = {};
  std::string output = {};
  std::string network = {};
  std::string graph = {};
  std::string format = {};  ///< onnx, geir; empty: as the output's name says
  int opset = 17;
  std::vector<std::string> inputs = {};
  int num_classes = 0;  ///< 0: as the checkpoint has it
  std::string pad_mode = {};
  int heads = 0;
  std::string result = {};
  bool fold_batch_norm = false;
  bool half = false;
  bool external_data = false;
  bool digest = false;
  bool allow_missing = false;
  bool check = false;
  bool dump = false;
  std::string verify = {};
  bool operators = false;
  bool force = false;
  bool json = false;
  KeyOptions key = {};
};

struct GraphCommand {
  std::string file = {};
  std::string result = {};
  bool details = false;
  bool dot = false;
  bool json = false;
};

struct TextconvOptions {
  std::string file = {};
  KeyOptions key = {};
};

struct StatsOptions {
  std::string file = {};
  PatternOptions select = {};
  std::string group = {};
  std::string sort = {};
  std::string quantiles = {};  ///< "0.01,0.5"
  bool exact = false;
  bool histogram = false;
  int bins = 0;  ///< 0: a number that looks well
  bool total = false;
  bool csv = false;
  bool json = false;
  KeyOptions key = {};
};

struct DiffCommand {
  std::string a = {};
  std::string b = {};
  PatternOptions select = {};
  std::string only = {};
  double atol = 0;
  double rtol = 0;
  std::optional<std::uint64_t> ulp = {};
  std::vector<std::string> tolerance = {};
  bool no_renames = false;
  std::vector<std::string> rename_regex = {};
  std::string map = {};
  std::string write_map = {};
  bool force = false;
  bool all = false;
  std::string sort = {};
  int top = 0;  ///< 0: all
  bool details = false;
  std::vector<std::string> fail_on = {};
  bool quiet = false;
  bool json = false;
  bool junit = false;
  bool markdown = false;
  KeyOptions key = {};
  KeyOptions key_b = {};  ///< not given: the same
};

struct HistoryCommand {
  std::string folder = {};
  PatternOptions select = {};
  std::optional<std::string> prefix = {};
  std::string group = "weights";
  int window = 3;
  double frozen = 1e-6;
  double exploding = 10;
  double dead = 1e-8;
  std::string metrics = {};  ///< empty: what lies beside the checkpoints
  bool csv = false;
  bool json = false;
  KeyOptions key = {};
};

struct PruneCommand {
  std::string directory = {};
  std::string policy = {};
  std::string metric_mode = {};
  std::optional<std::string> prefix = {};
  std::vector<std::string> pinned = {};
  int steps_per_epoch = 0;
  bool strict_mindspore = false;
  bool dry_run = false;
  bool explain = false;
  bool yes = false;
  bool json = false;
};

struct RulesOptions {
  bool json = false;
};

/// Text made from the option tables: for shells, man, the manual.
struct DocumentOptions {
  std::string what = {};  ///< bash, zsh, fish, man, markdown
};

struct HashOptions {
  std::vector<std::string> files = {};
  std::string algorithm = "sha256";
  std::string check = {};
  bool summary = false;
  bool duplicates = false;
  bool json = false;
  KeyOptions key = {};
};

struct SalvageCommand {
  std::string file = {};
  std::string output = {};
  bool partial = false;
  bool force = false;
  bool json = false;
  KeyOptions key = {};
};

struct EditCommand {
  std::vector<std::string> files = {};
  std::string output = {};
  bool in_place = false;
  bool force = false;
  bool dry_run = false;
  std::vector<std::string> keep = {};
  std::vector<std::string> drop = {};
  bool regex = false;
  bool strip_optimizer = false;
  std::vector<std::string> rename = {};
  std::vector<std::string> rename_regex = {};
  std::vector<std::string> cast = {};
  std::vector<std::string> set = {};
  std::string conflict = {};
  bool split = false;
  std::string profile = {};
  bool crc = false;
  bool no_crc = false;
  bool decrypt = false;
  KeyOptions new_key = {};
  bool json = false;
  KeyOptions key = {};
};

using Command = std::variant<InfoOptions, ListOptions, ShowOptions, StatsOptions, CheckOptions, ConvertOptions,
                             DiffCommand, HashOptions, HistoryCommand, SalvageCommand, EditCommand, ExportCommand,
                             GraphCommand, TextconvOptions, PruneCommand, RulesOptions, DocumentOptions>;

struct CommandLine {
  std::optional<Command> command = {};  ///< empty: `text` is all there is to do
  When color = When::automatic;
  int exit = 0;           ///< where there is no command
  std::string text = {};  ///< help or version for stdout, or a usage error for stderr
  std::string hint = {};
};

CommandLine parse_command_line(int argc, const char* const* argv);

/// One option or argument as the documents show it.
struct OptionDoc {
  std::string names = {};  ///< "-o, --output"; of an argument "FILE", "[PATTERN...]"
  std::string value = {};  ///< "FILE"; where there are few to choose from "auto|always|never"; empty for a flag
  std::string text = {};
  std::string group = {};  ///< the heading that it stands below
  bool argument = false;
};

struct VerbDoc {
  std::string name = {};
  std::string summary = {};
  std::string example = {};
  std::vector<OptionDoc> options = {};
};

/// Of options without a heading of their own.
inline constexpr const char* kNoGroup = "Options";

/// The tables behind --help, as data.
struct Documents {
  std::string program = "ckpt";
  std::string summary = {};
  std::vector<OptionDoc> options = {};  ///< that all verbs have
  std::vector<VerbDoc> verbs = {};      ///< of a program without verbs one, called as that is
  std::vector<std::pair<int, std::string>> exits = {};
};

Documents describe_commands();

}  // namespace ckpt::cli
