#include <QApplication>
#include <QIcon>
#include <QLibraryInfo>
#include <QLocale>
#include <QSettings>
#include <QTimer>
#include <QTranslator>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/cipher.h"
#include "keys.h"
#include "main_window.h"
#include "theme.h"
#include "viewer_version.h"

namespace ckpt::viewer {
namespace {

constexpr const char* kHelp =
    R"(Usage: ckpt-viewer [OPTION...] [FILE [FILE2]]

Looks into a checkpoint. FILE may name a tensor, too: lenet.ckpt#conv1.weight[0,0].
Compares two. Of a folder that a training saves into: watches the run.

  --page PAGE            tree, tensor, heatmap, file, compare or run
  --screenshot OUT.png   shows the page, writes a picture of it when all work is done, and ends; needs no screen
  --size WIDTHxHEIGHT    of the window, in pixels
  --theme THEME          light or dark; else as the system's
  --lang LANGUAGE        en or zh; else as the system's
  --key-file FILE        the key of an encrypted file, as raw bytes
  --key-env NAME         an environment variable that has it in hexadecimal
  --enc-mode MODE        AES-GCM, AES-CBC or SM4-CBC, where the file does not tell
  --help, --version
)";

struct Options {
  std::string screenshot = {};
  std::optional<Page> page = {};
  std::string theme = {};
  std::string language = {};
  std::optional<QSize> size = {};
  tools::KeyOptions key = {};
  std::vector<std::string> files = {};
};

int usage(const std::string& message) {
  std::fprintf(stderr, "ckpt-viewer: %s\nckpt-viewer: try --help\n", message.c_str());
  return 2;
}

std::optional<Page> page_from_name(std::string_view name) {
  if (name == "tree") return Page::tree;
  if (name == "tensor") return Page::tensor;
  if (name == "heatmap") return Page::heat_map;
  if (name == "file") return Page::file;
  if (name == "compare") return Page::compare;
  if (name == "run") return Page::run;
  return std::nullopt;
}

std::optional<QSize> size_from_text(const std::string& text) {
  int width = 0;
  int height = 0;
  char behind = 0;
  if (std::sscanf(text.c_str(), "%dx%d%c", &width, &height, &behind) != 2) return std::nullopt;
  if (width < 200 || height < 200 || width > 8192 || height > 8192) return std::nullopt;
  return QSize(width, height);
}

// Empty, or what is wrong.
std::string parse(const std::vector<std::string>& arguments, Options& options) {
  bool only_files = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (only_files || !name.starts_with("-") || name == "-") {
      options.files.push_back(name);
      continue;
    }
    if (name == "--") {
      only_files = true;
      continue;
    }
    std::optional<std::string> value;
    if (const auto equals = name.find('='); equals != name.npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    }
    if (!value) return name + " needs a value";
    if (name == "--screenshot") {
      options.screenshot = *value;
      if (value->empty()) return "--screenshot needs the name of a file";
    } else if (name == "--page") {
      options.page = page_from_name(*value);
      if (!options.page) return "there is no such page: " + *value;
    } else if (name == "--theme") {
      options.theme = *value;
      if (*value != "light" && *value != "dark") return "a theme is light or dark";
    } else if (name == "--lang") {
      options.language = *value;
      if (*value != "en" && *value != "zh") return "a language is en or zh";
    } else if (name == "--size") {
      options.size = size_from_text(*value);
      if (!options.size) return "a size is like 1200x800";
    } else if (name == "--key-file") {
      options.key.file = *value;
    } else if (name == "--enc-mode") {
      options.key.mode = *value;
      if (!cipher_mode_from_name(*value)) return "there is no such cipher: " + *value;
    } else if (name == "--key-env") {
      options.key.variable = *value;
    } else {
      return "there is no option " + name;
    }
  }
  if (options.files.size() > 2) return "no more than two files";
  if (!options.screenshot.empty() && options.files.empty()) return "--screenshot needs a file";
  return {};
}

// A picture of the window, when it has nothing to do any more.
class Screenshot {
 public:
  Screenshot(MainWindow& window, const Options& options) : window_(window), options_(options) {
    timer_.setInterval(20);
    QObject::connect(&timer_, &QTimer::timeout, &window, [this] { look(); });
    QObject::connect(&window, &MainWindow::opened, &window, [this] { timer_.start(); });
  }

 private:
  void look() {
    if (!window_.jobs().idle()) return;
    // One turn more, so that what the last result changed is laid out.
    if (++quiet_ < 3) return;
    timer_.stop();
    if (const std::string missing = what_is_missing(); !missing.empty()) {
      std::fprintf(stderr, "ckpt-viewer: %s\n", missing.c_str());
      return QCoreApplication::exit(2);
    }
    const bool saved = window_.grab().save(QString::fromStdString(options_.screenshot), "PNG");
    if (!saved) std::fprintf(stderr, "ckpt-viewer: cannot write %s\n", options_.screenshot.c_str());
    QCoreApplication::exit(saved ? 0 : 2);
  }

  // A picture of something else is worse than none.
  std::string what_is_missing() const {
    const bool two = options_.page == Page::compare || options_.page == Page::run;
    if (!window_.lacks() && (!two || window_.shows(*options_.page))) return {};
    return window_.status_text().isEmpty() ? "that page cannot be shown" : window_.status_text().toStdString();
  }

  MainWindow& window_;
  const Options& options_;
  QTimer timer_;
  int quiet_ = 0;
};

// What Qt says of the platform without a screen is no news to who asked for a picture.
void on_message(QtMsgType type, const QMessageLogContext&, const QString& text) {
  if (type == QtCriticalMsg || type == QtFatalMsg) std::fprintf(stderr, "ckpt-viewer: %s\n", qPrintable(text));
}

int run(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    if (argument == "--help" || argument == "-h") return std::fputs(kHelp, stdout) < 0 ? 2 : 0;
    if (argument == "--version") return std::puts("ckpt-viewer " CKPT_VIEWER_VERSION) < 0 ? 2 : 0;
  }
  Options options;
  if (const std::string wrong = parse(arguments, options); !wrong.empty()) return usage(wrong);
  auto key = tools::given_key(options.key);
  if (!key) return usage(to_string(key.error()));
  const bool headless = !options.screenshot.empty();
  if (headless && qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM")) qputenv("QT_QPA_PLATFORM", "offscreen");

  if (headless) qInstallMessageHandler(on_message);
  QApplication app(argc, argv);
  QApplication::setOrganizationName(QStringLiteral("libckpt"));
  QApplication::setApplicationName(QStringLiteral("ckpt-viewer"));
  QApplication::setApplicationVersion(QStringLiteral(CKPT_VIEWER_VERSION));
  QApplication::setDesktopFileName(QStringLiteral("ckpt-viewer"));
  QApplication::setWindowIcon(QIcon::fromTheme(QStringLiteral("ckpt-viewer")));
  QSettings settings;
  std::string theme = options.theme;
  if (theme.empty()) theme = headless ? "light" : settings.value(QStringLiteral("theme")).toString().toStdString();
  set_theme(app, theme);
  QTranslator translator;
  const QString language = options.language.empty() ? (headless ? QStringLiteral("en") : QLocale().name())
                                                    : QString::fromStdString(options.language);
  // English for all others, too: it has the plurals.
  const QString texts = QStringLiteral(":/i18n/ckpt_viewer_");
  if (translator.load(texts + language.left(2)) || translator.load(texts + QStringLiteral("en")))
    QApplication::installTranslator(&translator);
  // What Qt's own dialogs say, where the system has it.
  QTranslator of_qt;
  if (of_qt.load(QLocale(language), QStringLiteral("qtbase"), QStringLiteral("_"),
                 QLibraryInfo::path(QLibraryInfo::TranslationsPath)))
    QApplication::installTranslator(&of_qt);

  MainWindow window(headless ? nullptr : &settings);
  if (options.size) window.resize(*options.size);
  std::optional<Screenshot> screenshot;
  if (headless) screenshot.emplace(window, options);
  window.show();
  if (!options.files.empty())
    window.open(options.files[0], {.key = std::move(*key), .mode = cipher_mode_from_name(options.key.mode)},
                {.other = options.files.size() > 1 ? options.files[1] : std::string(), .page = options.page});
  return QApplication::exec();
}

}  // namespace
}  // namespace ckpt::viewer

int main(int argc, char** argv) { return ckpt::viewer::run(argc, argv); }
