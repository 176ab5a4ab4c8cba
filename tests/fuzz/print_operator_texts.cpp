// Writes the cases of the operator table into a folder, as texts: what fuzz_graph_text begins with.
#include <cstdio>
#include <filesystem>
#include <string>

#include "file_bytes.h"
#include "graph_text.h"
#include "operator_cases.h"

int main(int, char** argv) {
  using namespace ckpt::graph;
  const std::filesystem::path folder = argv[1];
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  auto cases = test::operator_cases();
  for (const auto& each : test::training_cases()) cases.push_back(each);
  std::size_t count = 0;
  for (const auto& each : cases) {
    // With an open batch and with one that is baked in.
    for (const auto& one : {each, test::of_batch(each, 2)}) {
      const auto text = to_text(test::graph_of(one));
      if (!text) return std::fprintf(stderr, "%s: %s\n", one.op.c_str(), to_string(text.error()).c_str()), 1;
      ckpt::test::write_file(folder / (std::to_string(count++) + ".txt"), *text);
    }
  }
}
