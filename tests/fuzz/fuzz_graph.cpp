// Any bytes as a graph file: read, printed as text that reads back, prepared for each target; or refused with a
// sentence.
#include "fuzz_target.h"
#include "graph_text.h"
#include "prepared.h"
#include "read_graph.h"

namespace {

/// A word of each graph, whatever its contents: printing without digests reads only what is short.
void expect_text(const ckpt::graph::Graph& graph) {
  const auto text = ckpt::graph::to_text(graph, {.digests = false});
  if (!text) return;  // contents that cannot be read
  const auto back = ckpt::graph::from_text(*text);
  if (!back) ckpt::test::expect_no("text that was printed does not parse: " + to_string(back.error()));
  const auto again = ckpt::graph::to_text(*back, {.digests = false});
  ckpt::test::expect(again && *again == *text, "text that was read prints as another");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ckpt;
  const auto bytes = test::text_of(data, size);
  const auto source = borrow_bytes(test::bytes_of(bytes));
  auto file = graph::read_graph(source, {}, {.max_message_bytes = std::uint64_t{1} << 22, .max_messages = 1 << 16});
  if (!file) {
    test::expect(!file.error().message.empty(), "an error without a sentence");
    return 0;
  }
  const auto status = graph::verify(file->graph);
  if (file->refusals.empty() && !status) test::expect_no("a graph that was read is none: " + to_string(status.error()));
  if (status) expect_text(file->graph);
  if (file->format == graph::GraphFormat::onnx) return 0;
  test::expect_prepared(file->graph, file->refusals);
  return 0;
}
