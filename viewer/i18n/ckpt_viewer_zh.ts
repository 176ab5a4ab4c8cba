<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN">
<context>
    <name>Sentences</name>
    <message>
        <source>The values cannot be read: %1</source>
        <translation>无法读取数值：%1</translation>
    </message>
    <message>
        <source>Cancelled; F5 starts anew.</source>
        <translation>已取消；按 F5 重新开始。</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::ComparePage</name>
    <message>
        <source>Absolute tolerance</source>
        <translation>绝对容差</translation>
    </message>
    <message>
        <source>Relative tolerance</source>
        <translation>相对容差</translation>
    </message>
    <message>
        <source>Pair with</source>
        <translation>配对到</translation>
    </message>
    <message>
        <source>&amp;Separate again</source>
        <translation>重新分开(&amp;S)</translation>
    </message>
    <message>
        <source>No entry of the other file has its shape</source>
        <translation>另一文件中没有形状相同的条目</translation>
    </message>
    <message>
        <source>Filter by name</source>
        <translation>按名称筛选</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>筛选</translation>
    </message>
    <message>
        <source>&amp;Differences only</source>
        <translation>只看差异(&amp;D)</translation>
    </message>
    <message>
        <source>Differences</source>
        <translation>差异</translation>
    </message>
    <message>
        <source>Tolerance: absolute</source>
        <translation>容差：绝对</translation>
    </message>
    <message>
        <source>relative</source>
        <translation>相对</translation>
    </message>
    <message>
        <source>Values in A</source>
        <translation>A 中的值</translation>
    </message>
    <message>
        <source>Values in B</source>
        <translation>B 中的值</translation>
    </message>
    <message>
        <source>&amp;Histograms</source>
        <translation>直方图(&amp;H)</translation>
    </message>
    <message>
        <source>Comparing …</source>
        <translation>正在比较……</translation>
    </message>
    <message>
        <source>Comparing</source>
        <translation>比较</translation>
    </message>
    <message>
        <source>Reading values</source>
        <translation>读取数值</translation>
    </message>
    <message>
        <source>Statistics</source>
        <translation>统计</translation>
    </message>
    <message>
        <source>Heat map</source>
        <translation>热图</translation>
    </message>
    <message>
        <source>Ne&amp;xt difference</source>
        <translation>下一处差异(&amp;X)</translation>
    </message>
    <message>
        <source>Not compared: %1</source>
        <translation>未完成比较：%1</translation>
    </message>
    <message>
        <source>%1 of %2 differ</source>
        <translation>%2 个中有 %1 个不同</translation>
    </message>
    <message>
        <source>Next difference</source>
        <translation>下一处差异</translation>
    </message>
    <message>
        <source>No element differs by more than the tolerance.</source>
        <translation>没有元素的差异超过容差。</translation>
    </message>
    <message>
        <source>Histogram</source>
        <translation>直方图</translation>
    </message>
    <message>
        <source>Val&amp;ues</source>
        <translation>数值(&amp;U)</translation>
    </message>
    <message>
        <source>Difference &amp;B − A</source>
        <translation>差值 B − A(&amp;B)</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::DiffModel</name>
    <message numerus="yes">
        <source>%n tensor(s)</source>
        <translation>
            <numerusform>%n 个张量</numerusform>
        </translation>
    </message>
    <message>
        <source>Change</source>
        <translation>变化</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Shape</source>
        <translation>形状</translation>
    </message>
    <message>
        <source>Changed</source>
        <translation>改变比例</translation>
    </message>
    <message>
        <source>Max |Δ|</source>
        <translation>最大 |Δ|</translation>
    </message>
    <message>
        <source>Max rel.</source>
        <translation>最大相对</translation>
    </message>
    <message>
        <source>RMS</source>
        <translation>均方根</translation>
    </message>
    <message>
        <source>Update</source>
        <translation>更新量</translation>
    </message>
    <message>
        <source>Cosine</source>
        <translation>余弦</translation>
    </message>
    <message>
        <source>identical</source>
        <translation>相同</translation>
    </message>
    <message>
        <source>within tolerance</source>
        <translation>容差以内</translation>
    </message>
    <message>
        <source>changed</source>
        <translation>已改变</translation>
    </message>
    <message>
        <source>added</source>
        <translation>新增</translation>
    </message>
    <message>
        <source>removed</source>
        <translation>已删除</translation>
    </message>
    <message>
        <source>renamed</source>
        <translation>已改名</translation>
    </message>
    <message>
        <source>reshaped</source>
        <translation>形状已变</translation>
    </message>
    <message>
        <source>type changed</source>
        <translation>类型已变</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::FilePage</name>
    <message>
        <source>MindSpore checkpoint</source>
        <translation>MindSpore 检查点</translation>
    </message>
    <message>
        <source>ONNX (weights)</source>
        <translation>ONNX（权重）</translation>
    </message>
    <message>
        <source>unknown</source>
        <translation>未知</translation>
    </message>
    <message>
        <source>Findings</source>
        <translation>检查结果</translation>
    </message>
    <message>
        <source>Bytes by type</source>
        <translation>各类型字节数</translation>
    </message>
    <message>
        <source>Format</source>
        <translation>格式</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>%1 (%2 bytes)</source>
        <translation>%1（%2 字节）</translation>
    </message>
    <message>
        <source>Tensors</source>
        <translation>张量</translation>
    </message>
    <message>
        <source>Elements</source>
        <translation>元素</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>权重</translation>
    </message>
    <message>
        <source>%1 in %2</source>
        <translation>%1，共 %2 个</translation>
    </message>
    <message>
        <source>Optimizer</source>
        <translation>优化器</translation>
    </message>
    <message>
        <source>Other</source>
        <translation>其他</translation>
    </message>
    <message>
        <source>Written by</source>
        <translation>写入者</translation>
    </message>
    <message>
        <source>Checksum</source>
        <translation>校验和</translation>
    </message>
    <message>
        <source>Encrypted</source>
        <translation>加密</translation>
    </message>
    <message>
        <source>yes</source>
        <translation>是</translation>
    </message>
    <message>
        <source>Checking …</source>
        <translation>正在检查……</translation>
    </message>
    <message>
        <source>Findings are for checkpoints; this is another format, whose index is sound.</source>
        <translation>检查只针对检查点；这是另一种格式，其索引完好。</translation>
    </message>
    <message>
        <source>Checking</source>
        <translation>检查</translation>
    </message>
    <message>
        <source>Nothing was found to be wrong.</source>
        <translation>没有发现问题。</translation>
    </message>
    <message numerus="yes">
        <source>%n error(s)</source>
        <translation>
            <numerusform>%n 个错误</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n warning(s)</source>
        <translation>
            <numerusform>%n 个警告</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n note(s)</source>
        <translation>
            <numerusform>%n 个提示</numerusform>
        </translation>
    </message>
    <message>
        <source>Statistics of all tensors</source>
        <translation>所有张量的统计</translation>
    </message>
    <message>
        <source>&amp;Statistics</source>
        <translation>统计(&amp;S)</translation>
    </message>
    <message>
        <source>Statistics</source>
        <translation>统计</translation>
    </message>
    <message>
        <source>Not checked to the end: %1</source>
        <translation>检查未完成：%1</translation>
    </message>
    <message>
        <source>Findin&amp;gs</source>
        <translation>检查结果(&amp;G)</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::FindingModel</name>
    <message>
        <source>error</source>
        <translation>错误</translation>
    </message>
    <message>
        <source>warning</source>
        <translation>警告</translation>
    </message>
    <message>
        <source>note</source>
        <translation>提示</translation>
    </message>
    <message>
        <source>Severity</source>
        <translation>级别</translation>
    </message>
    <message>
        <source>Tensor</source>
        <translation>张量</translation>
    </message>
    <message>
        <source>Byte</source>
        <translation>字节位置</translation>
    </message>
    <message>
        <source>What</source>
        <translation>内容</translation>
    </message>
    <message>
        <source>Rule</source>
        <translation>规则</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::HeatMap</name>
    <message>
        <source>Heat map</source>
        <translation>热图</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::HistogramPanel</name>
    <message>
        <source>Each power of ten is equally wide. Negative values are left of the zeros, mirrored; zeros have a bar of their own; NaN and infinities are not counted.</source>
        <translation>每个数量级等宽。负值镜像显示在零的左侧；零单独成一柱；NaN 和无穷大不计入。</translation>
    </message>
    <message>
        <source>Logarith&amp;mic counts</source>
        <translation>计数取对数(&amp;M)</translation>
    </message>
    <message>
        <source>L&amp;ogarithmic values</source>
        <translation>数值取对数(&amp;O)</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::HistogramPlot</name>
    <message>
        <source>Histogram</source>
        <translation>直方图</translation>
    </message>
    <message>
        <source>No values to count</source>
        <translation>没有可统计的数值</translation>
    </message>
    <message>
        <source>highest bar: %1</source>
        <translation>最高柱：%1</translation>
    </message>
    <message>
        <source>%1 values from %2 to %3</source>
        <translation>%1 个值，从 %2 到 %3</translation>
    </message>
    <message>
        <source>Computing …</source>
        <translation>正在计算……</translation>
    </message>
    <message>
        <source>%1 zeros</source>
        <translation>%1 个零</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::KeyBar</name>
    <message>
        <source>Key</source>
        <translation>密钥</translation>
    </message>
    <message>
        <source>Cipher</source>
        <translation>加密方式</translation>
    </message>
    <message>
        <source>As the file says</source>
        <translation>按文件所示</translation>
    </message>
    <message>
        <source>Key file</source>
        <translation>密钥文件</translation>
    </message>
    <message>
        <source>Key, in hexadecimal:</source>
        <translation>密钥（十六进制）：</translation>
    </message>
    <message>
        <source>This is no key: %1</source>
        <translation>这不是密钥：%1</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Ke&amp;y file …</source>
        <translation>密钥文件(&amp;Y)……</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::MainWindow</name>
    <message>
        <source>Checkpoint viewer</source>
        <translation>检查点查看器</translation>
    </message>
    <message>
        <source>&amp;Reload</source>
        <translation>重新载入(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Tensors</source>
        <translation>张量(&amp;T)</translation>
    </message>
    <message>
        <source>F&amp;ile</source>
        <translation>文件(&amp;I)</translation>
    </message>
    <message>
        <source>&amp;Compare</source>
        <translation>比较(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Run</source>
        <translation>训练(&amp;R)</translation>
    </message>
    <message>
        <source>It is not among the tensors shown.</source>
        <translation>它不在当前显示的张量之中。</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Open …</source>
        <translation>打开(&amp;O)……</translation>
    </message>
    <message>
        <source>&amp;Compare with …</source>
        <translation>与……比较(&amp;C)</translation>
    </message>
    <message>
        <source>Open r&amp;un folder …</source>
        <translation>打开训练文件夹(&amp;U)……</translation>
    </message>
    <message>
        <source>Open &amp;recent</source>
        <translation>最近打开(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>退出(&amp;Q)</translation>
    </message>
    <message>
        <source>T&amp;ensor</source>
        <translation>张量(&amp;E)</translation>
    </message>
    <message>
        <source>Export slice as C&amp;SV …</source>
        <translation>将切片导出为 CSV(&amp;S)……</translation>
    </message>
    <message>
        <source>Export &amp;heat map as PNG …</source>
        <translation>将热图导出为 PNG(&amp;H)……</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Heat map</source>
        <translation>热图(&amp;H)</translation>
    </message>
    <message>
        <source>F&amp;ilter</source>
        <translation>筛选(&amp;I)</translation>
    </message>
    <message>
        <source>As the &amp;system</source>
        <translation>跟随系统(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Light</source>
        <translation>浅色(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Dark</source>
        <translation>深色(&amp;D)</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Checkpoints and weights (*.ckpt *.safetensors *.npz *.npy *.onnx);;All files (*)</source>
        <translation>检查点和权重 (*.ckpt *.safetensors *.npz *.npy *.onnx);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Open a file first: the other one is compared with it.</source>
        <translation>请先打开一个文件，再与另一个比较。</translation>
    </message>
    <message>
        <source>Compare with</source>
        <translation>与其比较</translation>
    </message>
    <message>
        <source>Folder of a training run</source>
        <translation>训练文件夹</translation>
    </message>
    <message>
        <source>Select a tensor that has values first.</source>
        <translation>请先选择一个有数值的张量。</translation>
    </message>
    <message>
        <source>Export as NPY</source>
        <translation>导出为 NPY</translation>
    </message>
    <message>
        <source>NumPy (*.npy)</source>
        <translation>NumPy (*.npy)</translation>
    </message>
    <message>
        <source>Export as CSV</source>
        <translation>导出为 CSV</translation>
    </message>
    <message>
        <source>CSV (*.csv)</source>
        <translation>CSV (*.csv)</translation>
    </message>
    <message>
        <source>Export as PNG</source>
        <translation>导出为 PNG</translation>
    </message>
    <message>
        <source>PNG (*.png)</source>
        <translation>PNG (*.png)</translation>
    </message>
    <message>
        <source>Exporting</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>%1 – Checkpoint viewer</source>
        <translation>%1 – 检查点查看器</translation>
    </message>
    <message>
        <source>Opening</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Opening was cancelled.</source>
        <translation>已取消打开。</translation>
    </message>
    <message>
        <source>What is whole is shown.</source>
        <translation>下面显示完好的部分。</translation>
    </message>
    <message numerus="yes">
        <source>This file has %n error(s).</source>
        <translation>
            <numerusform>此文件有 %n 个错误。</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>This file has %n warning(s).</source>
        <translation>
            <numerusform>此文件有 %n 个警告。</numerusform>
        </translation>
    </message>
    <message>
        <source>Open two files to compare them.</source>
        <translation>请打开两个文件来比较。</translation>
    </message>
    <message>
        <source>Open the folder of a run first.</source>
        <translation>请先打开一个训练文件夹。</translation>
    </message>
    <message>
        <source>%1 cannot be opened: %2</source>
        <translation>无法打开 %1：%2</translation>
    </message>
    <message>
        <source>Nothing was exported: %1</source>
        <translation>未能导出：%1</translation>
    </message>
    <message>
        <source>This file is damaged: %1.</source>
        <translation>此文件已损坏：%1。</translation>
    </message>
    <message>
        <source>That tensor cannot be shown: %1</source>
        <translation>无法显示该张量：%1</translation>
    </message>
    <message>
        <source>That slice cannot be shown: %1</source>
        <translation>无法显示该切片：%1</translation>
    </message>
    <message>
        <source>Nothing was exported: this is the file that is open.</source>
        <translation>未导出：这是当前打开的文件。</translation>
    </message>
    <message>
        <source>Exported to %1.</source>
        <translation>已导出到 %1。</translation>
    </message>
    <message>
        <source>%1 has changed on disk.</source>
        <translation>磁盘上的 %1 已改变。</translation>
    </message>
    <message>
        <source>%1 is not there any more. What was opened can be looked at as long as it is open.</source>
        <translation>%1 已不存在。已打开的内容在关闭之前仍可查看。</translation>
    </message>
    <message>
        <source>Two files can be compared; the others were not opened.</source>
        <translation>只能比较两个文件；其余文件未打开。</translation>
    </message>
    <message>
        <source>Sho&amp;w findings</source>
        <translation>查看结果(&amp;W)</translation>
    </message>
    <message>
        <source>Ru&amp;n</source>
        <translation>训练(&amp;N)</translation>
    </message>
    <message>
        <source>Re&amp;load</source>
        <translation>重新载入(&amp;L)</translation>
    </message>
    <message>
        <source>Export as NP&amp;Y …</source>
        <translation>导出为 NPY(&amp;Y)……</translation>
    </message>
    <message>
        <source>Hel&amp;p</source>
        <translation>帮助(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Keys</source>
        <translation>按键(&amp;K)</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>按键</translation>
    </message>
    <message>
        <source>Heat map: the wheel, + and − zoom; dragging and the arrow keys move; 0 shows all.
Bytes by module: the arrow keys move, Enter opens, Backspace goes up.
Ctrl+1 to Ctrl+5: tensors, heat map, file, comparison, run.
Ctrl+F: the filter; F5: reload.</source>
        <translation>热图：滚轮、+ 和 − 缩放；拖动和方向键移动；0 显示全部。
各模块字节数：方向键移动，Enter 打开，Backspace 到上一级。
Ctrl+1 至 Ctrl+5：张量、热图、文件、比较、训练。
Ctrl+F：筛选；F5：重新加载。</translation>
    </message>
    <message>
        <source>&amp;About</source>
        <translation>关于(&amp;A)</translation>
    </message>
    <message>
        <source>About</source>
        <translation>关于</translation>
    </message>
    <message>
        <source>Checkpoint viewer %1, a part of libckpt.</source>
        <translation>检查点查看器 %1，libckpt 的一部分。</translation>
    </message>
    <message>
        <source>Th&amp;eme</source>
        <translation>主题(&amp;E)</translation>
    </message>
    <message>
        <source>An export is running: wait for it, or cancel it.</source>
        <translation>正在导出：请等待完成或将其取消。</translation>
    </message>
    <message>
        <source>An export is running. Close and give it up?</source>
        <translation>正在导出。要关闭并放弃导出吗？</translation>
    </message>
    <message>
        <source>Nothing was exported, as it was cancelled.</source>
        <translation>已取消，未导出任何内容。</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::Pager</name>
    <message>
        <source>Rows before</source>
        <translation>前面的行</translation>
    </message>
    <message>
        <source>Rows behind</source>
        <translation>后面的行</translation>
    </message>
    <message>
        <source>Columns before</source>
        <translation>前面的列</translation>
    </message>
    <message>
        <source>Columns behind</source>
        <translation>后面的列</translation>
    </message>
    <message>
        <source>%1–%2 of %3</source>
        <translation>%1–%2，共 %3</translation>
    </message>
    <message>
        <source>rows %1, columns %2</source>
        <translation>行 %1；列 %2</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::RunModel</name>
    <message>
        <source>exploding</source>
        <translation>爆炸</translation>
    </message>
    <message>
        <source>dead</source>
        <translation>失活</translation>
    </message>
    <message>
        <source>frozen</source>
        <translation>冻结</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>State</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>Norm</source>
        <translation>范数</translation>
    </message>
    <message>
        <source>Norms</source>
        <translation>范数变化</translation>
    </message>
    <message>
        <source>Update</source>
        <translation>更新量</translation>
    </message>
    <message>
        <source>Updates (log)</source>
        <translation>更新量（对数）</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::RunPage</name>
    <message>
        <source>Metrics file …</source>
        <translation>指标文件…</translation>
    </message>
    <message>
        <source>What was measured: CSV or JSON lines, as of ckpt-train --metrics</source>
        <translation>训练中记录的指标：CSV 或 JSON 行，如 ckpt-train --metrics 所写</translation>
    </message>
    <message>
        <source>What was measured in this run</source>
        <translation>此次训练记录的指标</translation>
    </message>
    <message>
        <source>Metrics (*.csv *.jsonl);;All files (*)</source>
        <translation>指标 (*.csv *.jsonl);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Weights over the run</source>
        <translation>训练中的权重</translation>
    </message>
    <message>
        <source>Checkpoints</source>
        <translation>检查点</translation>
    </message>
    <message>
        <source>Updates: layers down, checkpoints across</source>
        <translation>更新量：纵向为层，横向为检查点</translation>
    </message>
    <message>
        <source>no update</source>
        <translation>无更新</translation>
    </message>
    <message>
        <source>update %1</source>
        <translation>更新量 %1</translation>
    </message>
    <message>
        <source>Updates (log): layers down, checkpoints across</source>
        <translation>更新量（对数）：纵向为层，横向为检查点</translation>
    </message>
    <message>
        <source>No checkpoints of a run here yet: files like lenet-1_1875.ckpt.</source>
        <translation>这里还没有训练检查点（例如 lenet-1_1875.ckpt）。</translation>
    </message>
    <message>
        <source>being written</source>
        <translation>正在写入</translation>
    </message>
    <message>
        <source>epoch %1, step %2</source>
        <translation>第 %1 轮，第 %2 步</translation>
    </message>
    <message>
        <source>Reading the run</source>
        <translation>读取训练</translation>
    </message>
    <message>
        <source>Runs of this folder</source>
        <translation>此文件夹中的训练</translation>
    </message>
    <message>
        <source>The folder cannot be read: %1</source>
        <translation>无法读取文件夹：%1</translation>
    </message>
    <message numerus="yes">
        <source>%1 (%n file(s))</source>
        <translation>
            <numerusform>%1（%n 个文件）</numerusform>
        </translation>
    </message>
    <message>
        <source>left out</source>
        <translation>未计入</translation>
    </message>
    <message>
        <source>It takes no part: %1</source>
        <translation>未计入：%1</translation>
    </message>
    <message>
        <source>The run cannot be read: %1</source>
        <translation>无法读取此次训练：%1</translation>
    </message>
    <message numerus="yes">
        <source>%n file(s) left out</source>
        <translation>
            <numerusform>%n 个文件未计入</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n checkpoint(s)</source>
        <translation>
            <numerusform>%n 个检查点</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n tensor(s)</source>
        <translation>
            <numerusform>%n 个张量</numerusform>
        </translation>
    </message>
    <message>
        <source>%1 frozen, %2 exploding, %3 dead</source>
        <translation>%1 个冻结，%2 个爆炸，%3 个失活</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::Slicer</name>
    <message>
        <source>axis %1 (%2)</source>
        <translation>轴 %1（%2）</translation>
    </message>
    <message>
        <source>Down:</source>
        <translation>纵向：</translation>
    </message>
    <message>
        <source>Across:</source>
        <translation>横向：</translation>
    </message>
    <message>
        <source>Index of axis %1</source>
        <translation>轴 %1 的索引</translation>
    </message>
    <message>
        <source>axis %1:</source>
        <translation>轴 %1：</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::StatisticsModel</name>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Elements</source>
        <translation>元素</translation>
    </message>
    <message>
        <source>Smallest</source>
        <translation>最小值</translation>
    </message>
    <message>
        <source>Largest</source>
        <translation>最大值</translation>
    </message>
    <message>
        <source>Mean</source>
        <translation>均值</translation>
    </message>
    <message>
        <source>Deviation</source>
        <translation>标准差</translation>
    </message>
    <message>
        <source>Norm</source>
        <translation>范数</translation>
    </message>
    <message>
        <source>Zeros</source>
        <translation>零</translation>
    </message>
    <message>
        <source>NaN or infinite</source>
        <translation>NaN 或无穷大</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::TensorPage</name>
    <message>
        <source>Contents</source>
        <translation>内容</translation>
    </message>
    <message>
        <source>&amp;Statistics</source>
        <translation>统计(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Heat map</source>
        <translation>热图(&amp;H)</translation>
    </message>
    <message>
        <source>Select a tensor on the left.</source>
        <translation>请在左侧选择一个张量。</translation>
    </message>
    <message>
        <source>Values</source>
        <translation>数值</translation>
    </message>
    <message>
        <source>Min</source>
        <translation>最小</translation>
    </message>
    <message>
        <source>Go to the smallest value</source>
        <translation>转到最小值</translation>
    </message>
    <message>
        <source>Max</source>
        <translation>最大</translation>
    </message>
    <message>
        <source>Go to the largest value</source>
        <translation>转到最大值</translation>
    </message>
    <message>
        <source>NaN</source>
        <translation>NaN</translation>
    </message>
    <message>
        <source>Go to the first NaN or infinity</source>
        <translation>转到第一个 NaN 或无穷大</translation>
    </message>
    <message>
        <source>Go to index: 0, 3, 2</source>
        <translation>转到索引：0, 3, 2</translation>
    </message>
    <message>
        <source>Go to index</source>
        <translation>转到索引</translation>
    </message>
    <message>
        <source>Number format</source>
        <translation>数字格式</translation>
    </message>
    <message>
        <source>Exact</source>
        <translation>精确</translation>
    </message>
    <message>
        <source>4 digits</source>
        <translation>4 位</translation>
    </message>
    <message>
        <source>Scientific</source>
        <translation>科学计数</translation>
    </message>
    <message>
        <source>Bits</source>
        <translation>位</translation>
    </message>
    <message>
        <source>Colours</source>
        <translation>颜色</translation>
    </message>
    <message>
        <source>Blue to red, around zero</source>
        <translation>以零为中心，蓝到红</translation>
    </message>
    <message>
        <source>Dark to light</source>
        <translation>由暗到亮</translation>
    </message>
    <message>
        <source>Gray</source>
        <translation>灰度</translation>
    </message>
    <message>
        <source>All &amp;kernels as tiles</source>
        <translation>平铺所有卷积核(&amp;K)</translation>
    </message>
    <message>
        <source>Show &amp;all</source>
        <translation>显示全部(&amp;A)</translation>
    </message>
    <message>
        <source>%1 (%2 bytes)</source>
        <translation>%1（%2 字节）</translation>
    </message>
    <message>
        <source>at byte %1</source>
        <translation>位于字节 %1</translation>
    </message>
    <message>
        <source>in %1 slices</source>
        <translation>分为 %1 片</translation>
    </message>
    <message>
        <source>stored as Float32</source>
        <translation>以 Float32 存储</translation>
    </message>
    <message>
        <source>the bytes stored do not fit type and dims</source>
        <translation>存储的字节与类型和维度不符</translation>
    </message>
    <message>
        <source>Reading values</source>
        <translation>读取数值</translation>
    </message>
    <message>
        <source>Statistics</source>
        <translation>统计</translation>
    </message>
    <message>
        <source>Computing …</source>
        <translation>正在计算……</translation>
    </message>
    <message>
        <source>No numbers to compute with.</source>
        <translation>没有可计算的数值。</translation>
    </message>
    <message>
        <source>elements</source>
        <translation>元素</translation>
    </message>
    <message>
        <source>smallest</source>
        <translation>最小值</translation>
    </message>
    <message>
        <source>largest</source>
        <translation>最大值</translation>
    </message>
    <message>
        <source>mean</source>
        <translation>均值</translation>
    </message>
    <message>
        <source>deviation</source>
        <translation>标准差</translation>
    </message>
    <message>
        <source>norm</source>
        <translation>范数</translation>
    </message>
    <message>
        <source>quantile %1</source>
        <translation>分位数 %1</translation>
    </message>
    <message>
        <source>zeros</source>
        <translation>零</translation>
    </message>
    <message>
        <source>denormals</source>
        <translation>非规格化数</translation>
    </message>
    <message>
        <source>infinities</source>
        <translation>无穷大</translation>
    </message>
    <message>
        <source>Heat map</source>
        <translation>热图</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>读取</translation>
    </message>
    <message>
        <source>%1 elements</source>
        <translation>%1 个元素</translation>
    </message>
    <message>
        <source>There is no such index: %1</source>
        <translation>没有这个索引：%1</translation>
    </message>
    <message>
        <source>Histogram</source>
        <translation>直方图</translation>
    </message>
    <message>
        <source>A map: its parts are below it in the tree.</source>
        <translation>映射：其各部分在左侧树中它的下方。</translation>
    </message>
    <message>
        <source>It has no elements.</source>
        <translation>没有元素。</translation>
    </message>
    <message>
        <source>1 element</source>
        <translation>1 个元素</translation>
    </message>
    <message>
        <source>… and %1 bytes more</source>
        <translation>… 还有 %1 字节</translation>
    </message>
    <message>
        <source>Val&amp;ues</source>
        <translation>数值(&amp;U)</translation>
    </message>
    <message>
        <source>Open a checkpoint (Ctrl+O) or the folder of a run (Ctrl+D), or drop files here.</source>
        <translation>打开检查点 (Ctrl+O) 或训练文件夹 (Ctrl+D)，或将文件拖放到此处。</translation>
    </message>
    <message>
        <source>bytes, in hexadecimal</source>
        <translation>字节，以十六进制显示</translation>
    </message>
    <message>
        <source>Cancelled.</source>
        <translation>已取消。</translation>
    </message>
    <message>
        <source>Without extremes</source>
        <translation>忽略极端值</translation>
    </message>
    <message>
        <source>Colours from the 1st to the 99th percentile of what is seen</source>
        <translation>颜色只覆盖所见数值的第 1 到第 99 百分位</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::TensorTreeModel</name>
    <message numerus="yes">
        <source>%n tensor(s)</source>
        <translation>
            <numerusform>%n 个张量</numerusform>
        </translation>
    </message>
    <message>
        <source>weights</source>
        <translation>权重</translation>
    </message>
    <message>
        <source>optimizer</source>
        <translation>优化器</translation>
    </message>
    <message>
        <source>other</source>
        <translation>其他</translation>
    </message>
    <message>
        <source>%1 percent of the file</source>
        <translation>占文件的百分之 %1</translation>
    </message>
    <message>
        <source>%1 bytes</source>
        <translation>%1 字节</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Type</source>
        <translation>类型</translation>
    </message>
    <message>
        <source>Shape</source>
        <translation>形状</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>Share</source>
        <translation>占比</translation>
    </message>
    <message>
        <source>Group</source>
        <translation>分组</translation>
    </message>
    <message numerus="yes">
        <source>%n part(s)</source>
        <translation>
            <numerusform>%n 个部分</numerusform>
        </translation>
    </message>
    <message>
        <source>text</source>
        <translation>文本</translation>
    </message>
    <message>
        <source>bytes</source>
        <translation>字节</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::TreePage</name>
    <message>
        <source>Re&amp;gex</source>
        <translation>正则(&amp;G)</translation>
    </message>
    <message>
        <source>F&amp;lat</source>
        <translation>平铺(&amp;L)</translation>
    </message>
    <message>
        <source>Tensors</source>
        <translation>张量</translation>
    </message>
    <message>
        <source>Filter: conv*, *.weight</source>
        <translation>筛选：conv*、*.weight</translation>
    </message>
    <message>
        <source>Filter</source>
        <translation>筛选</translation>
    </message>
    <message>
        <source>Copy &amp;name</source>
        <translation>复制名称(&amp;N)</translation>
    </message>
    <message>
        <source>Copy &amp;URI</source>
        <translation>复制地址(&amp;U)</translation>
    </message>
    <message>
        <source>Copy as Num&amp;Py</source>
        <translation>复制 NumPy 代码(&amp;P)</translation>
    </message>
    <message>
        <source>Copy as &amp;C++</source>
        <translation>复制 C++ 代码(&amp;C)</translation>
    </message>
    <message numerus="yes">
        <source>%n tensor(s)</source>
        <translation>
            <numerusform>%n 个张量</numerusform>
        </translation>
    </message>
    <message>
        <source>%1 of %2 tensors</source>
        <translation>%1 / %2 个张量</translation>
    </message>
    <message>
        <source>Group</source>
        <translation>分组</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>This is no pattern yet: %1</source>
        <translation>这还不是有效的模式：%1</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::Treemap</name>
    <message>
        <source>Bytes by module</source>
        <translation>各模块字节数</translation>
    </message>
    <message>
        <source>Bytes by module: %1, %2</source>
        <translation>各模块字节数：%1，%2</translation>
    </message>
    <message>
        <source>No tensors</source>
        <translation>没有张量</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::CurvePlot</name>
    <message>
        <source>Curves over the steps of the run</source>
        <translation>随训练步数变化的曲线</translation>
    </message>
    <message>
        <source>No numbers yet</source>
        <translation>还没有数值</translation>
    </message>
    <message>
        <source>%1 at step %2: %3</source>
        <translation>第 %2 步的 %1：%3</translation>
    </message>
</context>
<context>
    <name>ckpt::viewer::MetricsPanel</name>
    <message>
        <source>What the curves are of</source>
        <translation>曲线所示的量</translation>
    </message>
    <message>
        <source>Which metrics file is of this run is not clear: choose one.</source>
        <translation>无法确定哪个指标文件属于此次训练：请选择一个。</translation>
    </message>
    <message>
        <source>%1 cannot be read: %2</source>
        <translation>无法读取 %1：%2</translation>
    </message>
    <message numerus="yes">
        <source>%1: %n line(s) left out, the first is line %2: it %3</source>
        <translation>
            <numerusform>%1：略去 %n 行，首个为第 %2 行：it %3</numerusform>
        </translation>
    </message>
</context>
</TS>
