// Loads checkpoints into networks as tests/interop/params_test.py tells it on standard input, a line of JSON for each:
//
//   {"file", "net": [[name, dtype, dims]...], "strict", "suffixes", "ones", "specify": [...], "filter": [...]}
//
// Prints a line for each: {"refused"} or {"param_not_load", "ckpt_not_load", "values": [hex...]}; memory begins as
// zeros.
#include <ckpt/params.h>
#include <ckpt/text.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::ordered_json;

Json names_of(const std::vector<ckpt::NotLoaded>& list) {
  Json names = Json::array();
  for (const ckpt::NotLoaded& one : list) names.push_back(one.name);
  return names;
}

Json load(const Json& told) {
  std::vector<ckpt::NetParam> net;
  std::vector<std::vector<std::byte>> memory;
  for (const Json& param : told["net"]) {
    ckpt::NetParam made{
        .name = param[0], .dtype = ckpt::dtype_from_name(param[1].get<std::string>()), .dims = param[2]};
    const ckpt::TensorDesc desc{.dtype = made.dtype, .dims = made.dims};
    memory.emplace_back(desc.expected_size().value_or(0));
    made.bytes = memory.back();
    net.push_back(std::move(made));
  }
  const ckpt::LoadOptions options{.specify_prefix = told["specify"], .filter_prefix = told["filter"]};
  const auto report = ckpt::load_checkpoint(
      told["file"].get<std::string>(), net, options,
      {.strict_load = told["strict"], .match_suffixes = told["suffixes"], .drop_trailing_ones = told["ones"]});
  if (!report) return {{"refused", to_string(report.error())}};
  Json json{{"param_not_load", names_of(report->param_not_load)}, {"ckpt_not_load", names_of(report->ckpt_not_load)}};
  json["values"] = Json::array();
  for (const auto& bytes : memory) json["values"].push_back(ckpt::hexadecimal(bytes));
  return json;
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << load(Json::parse(line)) << '\n';
  return 0;
}
