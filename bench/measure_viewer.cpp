// One measured operation of the viewer's window in a process of its own, for `peers`: prints a line of JSON with its
// times and the most memory that the process ever had. Without DISPLAY it needs no screen.
//
//   ckpt_measure_viewer paint [FILE]          until the window has painted what it opened; for the time of a process
//   ckpt_measure_viewer filter FILE           the slowest of some keystrokes, each until it is painted
//   ckpt_measure_viewer turn FILE#NAME        the longest that the window looks at no event: opening, a heat map
//   ckpt_measure_viewer statistics FILE       of all tensors, from the click until the table has them
//   ckpt_measure_viewer histogram FILE#NAME   statistics and histogram of one tensor, from its selection until painted
//   ckpt_measure_viewer heatmap FILE#NAME     from the click until it is painted
#include <QApplication>
#include <QLineEdit>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "file_page.h"
#include "heat_map.h"
#include "main_window.h"
#include "tensor_page.h"
#include "theme.h"
#include "tree_page.h"

namespace {

using namespace ckpt::viewer;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

template <class Condition>
void until(const Condition& condition) {
  while (!condition()) QCoreApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents);
}

void paint_now(QWidget& widget) {
  QCoreApplication::sendPostedEvents();
  QCoreApplication::processEvents();
  widget.repaint();
}

void open(MainWindow& window, const std::string& target) {
  bool opened = false;
  QObject::connect(
      &window, &MainWindow::opened, &window, [&] { opened = true; }, Qt::SingleShotConnection);
  window.open(target);
  until([&] { return opened; });
}

void open_and_settle(MainWindow& window, const std::string& target) {
  open(window, target);
  until([&] { return window.jobs().idle(); });
  paint_now(window);
}

double slowest_keystroke(MainWindow& window) {
  QLineEdit& filter = window.tree_page().filter();
  double slowest = 0;
  for (const std::string text : {"block", "*.weight", "ks.15*7.weight", "7.weight"}) {
    for (std::size_t length = 1; length <= text.size(); ++length) {
      const auto start = Clock::now();
      filter.setText(QString::fromStdString(text.substr(0, length)));
      paint_now(window);
      slowest = std::max(slowest, seconds_since(start));
    }
    filter.clear();
    paint_now(window);
  }
  return slowest;
}

/// The longest time between two looks at events while it lives.
class Turns : public QObject {
 public:
  Turns() { startTimer(0); }
  double longest() const { return longest_; }

 protected:
  void timerEvent(QTimerEvent*) override {
    const auto now = Clock::now();
    if (before_ != Clock::time_point())
      longest_ = std::max(longest_, std::chrono::duration<double>(now - before_).count());
    before_ = now;
  }

 private:
  Clock::time_point before_ = {};
  double longest_ = 0;
};

double longest_turn(MainWindow& window, const std::string& target) {
  const std::size_t mark = target.rfind('#');
  const Turns turns;
  open_and_settle(window, target.substr(0, mark));
  window.tree_page().select(std::string_view(target).substr(mark + 1));
  window.show_page(Page::heat_map);
  until([&] { return window.jobs().idle(); });
  return turns.longest();
}

double run(MainWindow& window, const std::string& what, const std::string& target) {
  const auto start = Clock::now();
  if (what == "paint") {
    if (!target.empty()) open(window, target);
    paint_now(window);
    return seconds_since(start);
  }
  if (what == "turn") return longest_turn(window, target);
  const std::size_t mark = what == "histogram" ? target.rfind('#') : target.npos;
  open_and_settle(window, target.substr(0, mark));
  if (what == "histogram") {
    const auto selected = Clock::now();
    window.tree_page().select(std::string_view(target).substr(mark + 1));
    until([&] { return window.tree_page().tensor_page().statistics().has_value(); });
    paint_now(window);
    return seconds_since(selected);
  }
  if (what == "filter") return slowest_keystroke(window);
  const auto begin = Clock::now();
  if (what == "statistics") {
    window.show_page(Page::file);
    window.file_page().show_statistics();
    until([&] { return window.file_page().statistics().rowCount() > 0; });
    paint_now(window);
    return seconds_since(begin);
  }
  if (what == "heatmap") {
    window.show_page(Page::heat_map);
    HeatMap& map = window.tree_page().tensor_page().heat_map();
    until([&] { return !map.picture().isNull(); });
    paint_now(window);
    return seconds_since(begin);
  }
  std::fprintf(stderr, "ckpt_measure_viewer: unknown: %s\n", what.c_str());
  std::exit(2);
}

unsigned long long peak_bytes() {
  std::ifstream status("/proc/self/status");
  constexpr std::string_view kKey = "VmHWM:";
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(kKey)) return 1024 * std::strtoull(line.c_str() + kKey.size(), nullptr, 10);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM") && qEnvironmentVariableIsEmpty("DISPLAY"))
    qputenv("QT_QPA_PLATFORM", "offscreen");
  QApplication app(argc, argv);
  const QStringList words = QApplication::arguments();
  set_theme(app, "light");
  MainWindow window(nullptr);
  window.show();
  const double seconds = run(window, words.value(1).toStdString(), words.value(2).toStdString());
  std::printf("{\"seconds\": [%.9f], \"peak_bytes\": %llu}\n", seconds, peak_bytes());
  return 0;
}
