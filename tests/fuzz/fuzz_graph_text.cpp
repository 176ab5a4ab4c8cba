// Any text as a graph: what parses prints as text that parses to the same, and is prepared for each target.
#include "fuzz_target.h"
#include "graph_text.h"
#include "prepared.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ckpt;
  const auto graph = graph::from_text(test::text_of(data, size));
  if (!graph) {
    test::expect(!graph.error().message.empty(), "an error without a sentence");
    return 0;
  }
  const auto text = graph::to_text(*graph);
  if (!text) test::expect_no("a graph that was read does not print: " + to_string(text.error()));
  const auto back = graph::from_text(*text);
  if (!back) test::expect_no("text that was printed does not parse: " + to_string(back.error()));
  const auto again = graph::to_text(*back);
  test::expect(again && *again == *text, "text that was read prints as another");
  test::expect_prepared(*graph, {});
  return 0;
}
