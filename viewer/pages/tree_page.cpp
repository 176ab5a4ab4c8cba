#include "tree_page.h"

#include <QAction>
#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLineEdit>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QSplitter>
#include <QTreeView>
#include <QVBoxLayout>
#include <algorithm>

#include "select.h"
#include "shown.h"
#include "snippets.h"
#include "tensor_page.h"
#include "widgets.h"

namespace ckpt::viewer {
namespace {

constexpr std::size_t kOpenRows = 200;  // so many rows may be opened without being asked
constexpr int kDeepName = 12;           // characters that there is always room for

}  // namespace

TreePage::TreePage(Jobs& jobs, QWidget* parent)
    : QWidget(parent),
      view_(new QTreeView),
      filter_(new QLineEdit),
      group_(new QComboBox),
      regex_(new QCheckBox(tr("Re&gex"))),
      flat_(new QCheckBox(tr("F&lat"))),
      count_(plain_label()),
      tensor_page_(new TensorPage(jobs)) {
  view_->setModel(&model_);
  view_->setAccessibleName(tr("Tensors"));
  view_->setUniformRowHeights(true);  // or every row is asked for its height
  view_->setTextElideMode(Qt::ElideMiddle);
  view_->setAlternatingRowColors(true);
  view_->setIndentation(view_->indentation() * 2 / 3);  // names are deep
  view_->setSortingEnabled(true);
  view_->header()->setSortIndicator(-1, Qt::AscendingOrder);
  view_->header()->setSortIndicatorClearable(true);
  view_->header()->setStretchLastSection(true);
  const int digit = view_->fontMetrics().horizontalAdvance(QLatin1Char('0'));
  for (const auto& [column, digits] : {std::pair{TensorTreeModel::kName, 22},
                                       {TensorTreeModel::kType, 8},
                                       {TensorTreeModel::kShape, 12},
                                       {TensorTreeModel::kBytes, 9},
                                       {TensorTreeModel::kShare, 6},
                                       {TensorTreeModel::kGroup, 9}})
    view_->setColumnWidth(column, digits * digit);
  remember(*view_->header(), "tree");
  view_->setItemDelegateForColumn(TensorTreeModel::kShare, new ShareDelegate(view_));
  view_->setContextMenuPolicy(Qt::ActionsContextMenu);
  filter_->setPlaceholderText(tr("Filter: conv*, *.weight"));
  filter_->setAccessibleName(tr("Filter"));
  filter_->setClearButtonEnabled(true);
  connect(filter_, &QLineEdit::textChanged, this, &TreePage::refresh_filter);
  connect(filter_, &QLineEdit::returnPressed, view_, qOverload<>(&QWidget::setFocus));
  group_->setAccessibleName(tr("Group"));
  group_->addItem(tr("All"));
  for (const Group group : {Group::weights, Group::optimizer, Group::other}) group_->addItem(group_text(group));
  connect(group_, &QComboBox::currentIndexChanged, this, &TreePage::refresh_filter);
  connect(regex_, &QCheckBox::toggled, this, &TreePage::refresh_filter);
  remember(*flat_, "flat");
  connect(flat_, &QCheckBox::toggled, this, [this](bool flat) {
    const Place before = place();
    model_.set_flat(flat);
    go_back_to(before);
  });
  connect(view_, &QTreeView::expanded, this, [this](const QModelIndex& index) {
    open_.insert(model_.path_of(index));
    make_room_below(index);
  });
  connect(view_, &QTreeView::collapsed, this, [this](const QModelIndex& index) { open_.erase(model_.path_of(index)); });
  connect(view_->selectionModel(), &QItemSelectionModel::currentChanged, this, &TreePage::selected);
  connect(tensor_page_, &TensorPage::failed, this, &TreePage::failed);
  make_actions();
  enable_actions();

  auto* line = new QHBoxLayout;
  line->addWidget(filter_, 1);
  line->addWidget(group_);
  line->addWidget(regex_);
  line->addWidget(flat_);
  auto* left = new QWidget;
  auto* layout = new QVBoxLayout(left);
  layout->setContentsMargins(4, 4, 4, 4);
  layout->addLayout(line);
  layout->addWidget(view_, 1);
  layout->addWidget(count_);
  auto* both = new QSplitter;
  remember(*both, "tree and tensor");
  both->addWidget(left);
  both->addWidget(tensor_page_);
  both->setStretchFactor(0, 5);
  both->setStretchFactor(1, 6);
  both->setChildrenCollapsible(false);
  both->setSizes({560, 620});
  auto* all = new QVBoxLayout(this);
  all->setContentsMargins(0, 0, 0, 0);
  all->addWidget(both);
}

void TreePage::make_actions() {
  const auto add = [this](const QString& text, const QKeySequence& keys, auto make) {
    auto* action = new QAction(text, this);
    action->setShortcut(keys);
    action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    connect(action, &QAction::triggered, this, [make] { QGuiApplication::clipboard()->setText(make()); });
    view_->addAction(action);
    copy_actions_ << action;
  };
  add(tr("Copy &name"), QKeySequence::Copy, [this] { return whole_name(tensor_page_->name()); });
  add(tr("Copy &URI"), {Qt::CTRL | Qt::SHIFT | Qt::Key_U},
      [this] { return uri_of(absolute_path(), tensor_page_->name(), tensor_page_->slice_text()); });
  add(tr("Copy as Num&Py"), {Qt::CTRL | Qt::SHIFT | Qt::Key_P},
      [this] { return numpy_snippet(absolute_path(), model_.file()->file, *tensor_page_->tensor()); });
  add(tr("Copy as &C++"), {Qt::CTRL | Qt::SHIFT | Qt::Key_C},
      [this] { return cpp_snippet(absolute_path(), *tensor_page_->tensor()); });
}

// For what is pasted somewhere else.
std::filesystem::path TreePage::absolute_path() const {
  std::error_code failed;
  const auto path = std::filesystem::absolute(model_.file()->path, failed);
  return failed ? model_.file()->path : path;
}

TreePage::Place TreePage::place() const {
  return {.tensor = tensor_page_->tensor(),
          .selected = tensor_page_->name(),
          .scroll = view_->verticalScrollBar()->value()};
}

void TreePage::go_back_to(const Place& place) {
  {
    const QSignalBlocker unasked(view_);
    // Thousands at each key would take longer than typing does; they come back when the filter is cleared.
    const bool too_many = is_filtered() && open_.size() > kOpenRows;
    for (const std::string& path : too_many ? std::set<std::string>() : open_)
      if (const QModelIndex index = model_.folder_at(path); index.isValid()) {
        view_->expand(index);
        make_room_below(index);
      }
    if (is_filtered()) open_first_levels();
  }
  if (const QModelIndex same = model_.index_of(place.tensor); same.isValid())
    select(same);
  else if (!place.selected.empty() && !select_shown(place.selected) && place.tensor == nullptr && model_.file())
    // A filter hides it: it is looked at all the same.
    if (const TensorInfo* hidden = model_.file()->file.find(place.selected))
      tensor_page_->show_tensor(model_.file(), hidden, place.selected);
  view_->verticalScrollBar()->setValue(place.scroll);
}

void TreePage::set_file(FilePtr file) {
  const bool again = model_.file() && file && model_.file()->path == file->path;
  Place before = place();
  before.tensor = nullptr;
  model_.set_file(std::move(file));
  show_count();
  const auto is_here = [&](const std::string& path) { return model_.folder_at(path).isValid(); };
  if (!again && std::none_of(open_.begin(), open_.end(), is_here)) open_first_levels();
  go_back_to(before);
  if (tensor_page_->file() != model_.file()) tensor_page_->show_tensor(model_.file(), nullptr, {});
  enable_actions();
}

void TreePage::open_first_levels() {
  auto rows = static_cast<std::size_t>(model_.rowCount());
  std::vector<QModelIndex> level;
  for (int row = 0; row < model_.rowCount(); ++row) level.push_back(model_.index(row, 0));
  while (!level.empty()) {
    std::vector<QModelIndex> next;
    for (const QModelIndex& index : level)
      for (int row = 0; row < model_.rowCount(index); ++row) next.push_back(model_.index(row, 0, index));
    rows += next.size();
    if (rows > kOpenRows) return;
    for (const QModelIndex& index : level) {
      view_->expand(index);
      make_room_below(index);
    }
    level = std::move(next);
  }
}

// Names stand the farther to the right the deeper they are, and their ends are what tells them apart.
void TreePage::make_room_below(const QModelIndex& folder) {
  int depth = 2;
  for (QModelIndex up = folder.parent(); up.isValid(); up = up.parent()) ++depth;
  const int name = view_->fontMetrics().horizontalAdvance(QLatin1Char('0')) * kDeepName;
  const int needed = depth * view_->indentation() + name;
  if (view_->columnWidth(TensorTreeModel::kName) < needed) view_->setColumnWidth(TensorTreeModel::kName, needed);
}

void TreePage::refresh_filter() {
  const std::string text = filter_->text().toStdString();
  std::string pattern = text;
  // What has no wildcards is looked for anywhere in a name.
  if (!regex_->isChecked() && text.find_first_of("*?[{\\") == text.npos) pattern = "*" + text + "*";
  auto selection = tools::Selection::create(
      {.patterns = text.empty() ? std::vector<std::string>{} : std::vector{pattern}, .regex = regex_->isChecked()});
  QPalette colors;  // the application's, whatever the theme becomes
  if (!selection) {
    colors.setColor(QPalette::Text, kErrorColor);
    filter_->setPalette(colors);
    filter_->setToolTip(tip_of(tr("This is no pattern yet: %1").arg(shown_error(selection.error()))));
    return;  // while a pattern is being typed, what was shown stays
  }
  filter_->setPalette(colors);
  filter_->setToolTip({});
  const Place before = place();
  const int group = group_->currentIndex() - 1;  // below 0: all
  if (is_filtered()) {
    auto shared = std::make_shared<tools::Selection>(std::move(*selection));
    model_.set_filter([shared, group](std::string_view name, Group of) {
      return (group < 0 || group == static_cast<int>(of)) && shared->matches(name);
    });
  } else {
    model_.set_filter({});
  }
  show_count();
  go_back_to(before);
}

bool TreePage::is_filtered() const { return !filter_->text().isEmpty() || group_->currentIndex() > 0; }

void TreePage::show_count() {
  const auto total = model_.file() ? model_.file()->file.tensors().size() : 0;
  count_->setText(is_filtered() ? tr("%1 of %2 tensors").arg(count_text(model_.shown()), count_text(total))
                                : tr("%n tensor(s)", nullptr, static_cast<int>(total)));
}

void TreePage::selected(const QModelIndex& index) {
  const TensorInfo* tensor = model_.tensor_at(index);
  if (tensor != nullptr && tensor == tensor_page_->tensor() && model_.file() == tensor_page_->file()) return;
  tensor_page_->show_tensor(model_.file(), tensor, model_.path_of(index));
  enable_actions();
}

void TreePage::enable_actions() {
  const bool tensor = tensor_page_->tensor() != nullptr;
  const bool folder = !tensor && !tensor_page_->name().empty();  // of which there is only the name
  for (QAction* action : copy_actions_) action->setEnabled(tensor || (folder && action == copy_actions_.first()));
}

void TreePage::select(const QModelIndex& index) {
  if (!index.isValid()) return;
  view_->setCurrentIndex(index.siblingAtColumn(0));
  view_->scrollTo(index.siblingAtColumn(0));
}

bool TreePage::select(std::string_view path) {
  if (select_shown(path)) return true;
  clear_filter();
  return select_shown(path);
}

void TreePage::select(const TensorInfo& tensor) {
  if (!model_.index_of(&tensor).isValid()) clear_filter();
  select(model_.index_of(&tensor));
}

bool TreePage::select_shown(std::string_view path) {
  const QModelIndex index = model_.index_at(path);
  select(index);
  return index.isValid();
}

void TreePage::clear_filter() {
  filter_->clear();
  group_->setCurrentIndex(0);
}

}  // namespace ckpt::viewer
