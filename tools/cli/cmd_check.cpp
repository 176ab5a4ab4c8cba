#include <fmt/format.h>

#include <algorithm>

#include "ckpt/text.h"
#include "ckpt/validate.h"
#include "commands.h"
#include "input.h"
#include "json.h"
#include "render.h"

namespace ckpt::cli {
namespace {

Style style_of(Severity severity) {
  return severity == Severity::error ? Style::red : severity == Severity::warning ? Style::yellow : Style::cyan;
}

// FILE:OFFSET: severity: "tensor": message [rule]
std::string text_of(const std::string& path, const Finding& finding, bool color) {
  std::string place = file_text(path);
  if (finding.offset != Error::kNoOffset) place += ":" + std::to_string(finding.offset);
  const std::string tensor = finding.tensor.empty() ? "" : "\"" + escape(finding.tensor) + "\": ";
  const Severity severity = finding.rule->severity;
  return fmt::format("{}: {}: {}{} {}\n", place, styled(name(severity), style_of(severity), color), tensor,
                     finding.message, styled(fmt::format("[{}]", finding.rule->id), Style::dim, color));
}

std::string verdict_of(const std::vector<Finding>& findings) {
  Severity worst = Severity::note;
  for (const Finding& finding : findings) worst = std::max(worst, finding.rule->severity);
  return worst == Severity::error ? "errors" : worst == Severity::warning ? "warnings" : "ok";
}

std::string summary_of(const std::string& path, const std::vector<Finding>& findings, const std::string& verdict,
                       bool color) {
  std::array<std::uint64_t, 3> counts = {};
  for (const Finding& finding : findings) ++counts[static_cast<std::size_t>(finding.rule->severity)];
  std::string text;
  for (const Severity severity : {Severity::error, Severity::warning, Severity::note})
    if (const std::uint64_t n = counts[static_cast<std::size_t>(severity)]; n > 0)
      text += (text.empty() ? "" : ", ") + counted(n, name(severity));
  const std::string word = verdict == "ok" ? styled("ok", Style::green, color) : "";
  const std::string separator = word.empty() || text.empty() ? "" : ", ";
  return fmt::format("{}: {}{}{}\n", file_text(path), word, separator, text);
}

// Of other formats damage is an error of what reads them; here it is the answer.
Result<std::vector<Finding>> examine(Context& context, const std::string& path, const KeyOptions& key,
                                     ValidateOptions how) {
  auto input = Input::open(context, path, key, true);
  how.progress = context.progress(path);
  auto findings = !input             ? Result<std::vector<Finding>>(input.error())
                  : input->is_pipe() ? validate(input->stream(), how)
                                     : validate(input->file(), how);
  if (findings) return findings;
  const auto finding = finding_of(findings.error());
  return finding ? std::vector<Finding>{*finding} : std::move(findings);
}

}  // namespace

int run(Context& context, const CheckOptions& options) {
  ValidateOptions how{.headers_only = options.headers_only, .values = options.values};
  if (!options.version.empty()) {
    how.version = version_from_text(options.version);
    if (!how.version)
      return context.fail(fmt::format("'{}' is no MindSpore version", escape(options.version)),
                          "0.1 and later: 0.6, 1.5, 2.10");
  }
  if (how.version && *how.version > kLatestKnown)
    context.note(fmt::format("MindSpore {} is not known here: judged as {}.{}", escape(options.version),
                             kLatestKnown.major, kLatestKnown.minor));
  const auto files = expand_directories(options.files);
  if (!files) return context.fail(files.error().message);
  int code = kDone;
  for (const std::string& path : *files) {
    const auto findings = examine(context, path, options.key, how);
    if (!findings) {
      code = std::max(code, context.fail(path, findings.error(), hint_for(findings.error(), options.key)));
      if (code == kInterrupted) return code;
      continue;
    }
    const std::string verdict = verdict_of(*findings);
    if (options.json) {
      Json json;
      json["schema"] = "ckpt.check/1";
      set_text(json, "file", path);
      json["verdict"] = verdict;
      json["findings"] = Json::array();
      for (const Finding& finding : *findings) json["findings"].push_back(json_of(finding));
      context.write(line_of(json));
    } else if (!options.quiet) {
      for (const Finding& finding : *findings) context.write(text_of(path, finding, context.color()));
      context.write(summary_of(path, *findings, verdict, context.color()));
    }
    if (verdict == "errors" || (options.strict && verdict == "warnings")) code = std::max<int>(code, kNo);
  }
  return code;
}

int run(Context& context, const RulesOptions& options) {
  if (options.json) {
    Json json;
    json["schema"] = "ckpt.rules/1";
    json["rules"] = Json::array();
    for (const Rule& rule : rules())
      json["rules"].push_back({{"id", std::string(rule.id)},
                               {"severity", std::string(name(rule.severity))},
                               {"summary", std::string(rule.summary)}});
    context.write(line_of(json));
    return kDone;
  }
  Table table({{"RULE"}, {"SEVERITY"}, {"WHAT"}});
  for (const Rule& rule : rules())
    table.add({std::string(rule.id), std::string(name(rule.severity)), std::string(rule.summary)});
  context.write(table.text(context.color()));
  return kDone;
}

}  // namespace ckpt::cli
