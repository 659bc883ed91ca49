# SPDX-License-Identifier: Apache-2.0
"""What reports and comparisons say, in Chinese. Assessors, training and the report's page say it in English."""

from __future__ import annotations

from modelward.assessment.phrasebook import Phrasebook

WORDS = {
    "The default policy lets it go live no more. Train again, and release the new version.": (
        "默认策略不再允许它上线。请重新训练，并发布新版本。"
    ),
    # The page
    "Trust report": "可信报告",
    "How to read this.": "如何阅读：",
    "Each clause has an estimate and a 95 % interval.": "每个条款都有估计值与 95 % 区间。",
    "The bounds of the energy are assumed factors, not a confidence interval.": "能耗的上下界由假定的系数得出，不是置信区间。",
    "Where something is asked of it, the unfavourable end of the interval is judged: what the sample cannot rule out counts "
    "against the version.": "有要求时，以区间中不利的一端判断：样本不能排除的，视为不利。",
    "“Not measurable” is not a pass. “Recorded” was measured with nothing asked of it.": (
        "“无法测量”不等于通过。“已记录”表示已测量而未设要求。"
    ),
    "Nothing is asked of any figure.": "没有对任何数值提出要求。",
    "What was asked": "要求与结论",
    "Not measured": "未测量",
    "passed": "通过",
    "failed": "未通过",
    "not-measurable": "无法测量",
    "recorded": "已记录",
    "Clause": "条款",
    "Estimate": "估计值",
    "95 % interval": "95 % 区间",
    "Asked": "要求",
    "Picture": "图示",
    "house default": "内置默认值",
    "four-fifths rule, US 29 CFR 1607.4 D": "五分之四规则（美国 29 CFR 1607.4 D）",
    "Verdict": "结论",
    "Method": "方法",
    "Methods": "方法",
    "Group": "群组",
    "Version digest": "版本摘要",
    "Dataset": "数据集",
    "Fingerprint": "指纹",
    "Test rows": "测试行数",
    "Drawn from test rows": "抽取自测试行数",
    "Assessed": "评估时间",
    "By": "评估者",
    "Seed": "随机种子",
    "Machine": "机器",
    "processor": "处理器",
    "cores": "核心数",
    "memory": "内存",
    "system": "系统",
    "Libraries": "软件库",
    "none": "无",
    "The version recommends some of many items, and this is measured of answers that weigh few classes.": (
        "该版本从众多条目中推荐若干，而此项针对权衡少数类别的答案测量。"
    ),
    "The version answers with classes, and this is measured of other answers.": "该版本回答的是类别，而此项针对其他答案测量。",
    "The data has nothing to predict, so nobody knows which answers are right.": (
        "该数据没有要预测的目标，因此无从判断哪些回答是正确的。"
    ),
    "The version answers with texts, and this is not measured of texts.": "该版本回答的是文本，此项不针对文本测量。",
    "The version answers with numbers, and this is not measured of such answers.": "该版本回答的是数值，此项不针对这类答案测量。",
    "Evidence": "证据",
    "File": "文件",
    # Assessors and what they measure
    "What is generated": "生成结果",
    "Accuracy taught by generated rows": "以生成行训练所得的准确率",
    "Accuracy taught by real rows": "以真实行训练所得的准确率",
    "Accuracy lost by learning from generated rows": "以生成行训练造成的准确率损失",
    "Fidelity: density": "逼真度：密度",
    "Diversity: coverage": "多样性：覆盖率",
    "Coverage by training rows": "训练行的覆盖率",
    "Distance of the columns": "各列分布的距离",
    "Distance of the correlations": "相关系数的距离",
    "Training rows given back": "原样给出的训练行",
    "Pull of the training rows": "训练行的吸引",
    "Ranking": "排序",
    "Hit rate at 10": "前 10 名命中率",
    "NDCG at 10": "NDCG@10",
    "Mean reciprocal rank": "平均倒数排名",
    "NDCG at 10 above popularity": "高于热门推荐的 NDCG@10",
    "NDCG at 10 above item-kNN": "高于物品近邻的 NDCG@10",
    "Coverage at 10": "前 10 名覆盖率",
    "Gini index at 10": "前 10 名基尼系数",
    "Unknown items": "未知物品",
    "Quality": "质量",
    "Written texts": "所写文本",
    "Texts equal": "文本完全一致",
    "chrF above copying": "高于照抄的 chrF",
    "chrF above looking up": "高于查找的 chrF",
    "chrF": "chrF",
    "BLEU": "BLEU",
    "Against a constant answer": "与恒定回答相比",
    "Fairness": "公平性",
    "Degraded data": "数据变差",
    "Accuracy lost: a tenth missing": "准确率损失：一成缺失",
    "Accuracy lost: three tenths missing": "准确率损失：三成缺失",
    "Accuracy lost: slight noise": "准确率损失：轻微噪声",
    "Accuracy lost: strong noise": "准确率损失：强噪声",
    "Accuracy lost: a tenth swapped": "准确率损失：一成被调换",
    "Accuracy lost: shifted": "准确率损失：数值偏移",
    "Accuracy lost: slight blur": "准确率损失：轻微模糊",
    "Accuracy lost: strong blur": "准确率损失：严重模糊",
    "Brier score risen: a tenth missing": "Brier 分数上升：一成缺失",
    "Brier score risen: three tenths missing": "Brier 分数上升：三成缺失",
    "Brier score risen: slight noise": "Brier 分数上升：轻微噪声",
    "Brier score risen: strong noise": "Brier 分数上升：强噪声",
    "Brier score risen: a tenth swapped": "Brier 分数上升：一成被调换",
    "Brier score risen: shifted": "Brier 分数上升：数值偏移",
    "Brier score risen: slight blur": "Brier 分数上升：轻微模糊",
    "Brier score risen: strong blur": "Brier 分数上升：严重模糊",
    "Accuracy lost without the column": "缺少该列时的准确率损失",
    "Accuracy by labels of which a tenth is wrong": "一成标签有误时测得的准确率",
    "Accuracy lost by degraded data": "数据变差造成的准确率损失",
    "Speed": "速度",
    "Size": "大小",
    "Energy": "能耗",
    "Accuracy": "准确率",
    "Balanced accuracy": "平衡准确率",
    "Recall": "召回率",
    "Precision": "精确率",
    "F1": "F1 值",
    "ROC AUC": "ROC 曲线下面积",
    "Brier score": "Brier 分数",
    "Log loss": "对数损失",
    "Expected calibration error": "期望校准误差",
    "Accuracy above the majority class": "高于多数类的准确率",
    "Brier skill score": "Brier 技巧分数",
    "Leakage by near-duplicates": "近似重复造成的泄漏",
    "Test rows near training rows": "与训练行相近的测试行",
    "Accuracy without near-duplicates": "不计近似重复的准确率",
    "Accuracy gained by near-duplicates": "近似重复带来的准确率",
    "ROC AUC gained by near-duplicates": "近似重复带来的 ROC 曲线下面积",
    "Leakage by near-duplicates of texts": "文本近似重复造成的泄漏",
    "Test texts near training texts": "与训练文本近似的测试文本",
    "chrF without near-duplicates": "不计近似重复的 chrF",
    "chrF gained by near-duplicates": "近似重复带来的 chrF",
    "Demographic parity difference": "人口均等差",
    "Demographic parity ratio": "人口均等比",
    "Equalised odds difference": "均等几率差",
    "Worst-group accuracy": "最差群组准确率",
    "Selection rate": "入选率",
    "True positive rate": "真正率",
    "False positive rate": "假正率",
    "Median time of one row": "单行耗时中位数",
    "99th percentile of one row": "单行耗时第 99 百分位",
    "Rows a second": "每秒行数",
    "Model file": "模型文件",
    "Fitted numbers": "参数个数",
    "Energy of training": "训练能耗",
    # Pictures
    "Confusion matrix": "混淆矩阵",
    "ROC curve": "ROC 曲线",
    "Calibration": "校准",
}

SENTENCES = {
    # Why something could not be measured, and what would help
    "Hold out more rows.": "请留出更多行。",
    "Hold out rows of every class.": "请留出每个类别的行。",
    "Assess on a faster machine.": "请在更快的机器上评估。",
    "Train it here to have one.": "在此处训练即可获得。",
    "Train the version here to have it metered.": "在此处训练该版本即可计量。",
    "Train it here, or register data to assess it on.": "请在此处训练，或登记用于评估的数据。",
    "Register the data with {command:code}.": "请用 {command} 登记数据。",
    "Register the column with fewer, broader ones.": "请以更少、更宽的群组登记该列。",
    "Run {command:code}.": "请运行 {command}。",
    "The sample holds no histories of a log.": "样本中没有交互日志的历史。",
    "Train it here, on data registered with {option:code}.": "请在此处训练，并使用以 {option} 登记的数据。",
    "There are too few rows in the sample.": "样本中的行太少。",
    "Hold out more.": "请留出更多。",
    "The rows may not be read: the grant that the version was made under is over.": (
        "不得读取数据行：制作该版本所依据的授权已经终止。"
    ),
    "Ask who owns the data for a new one.": "请向数据所有者申请新的授权。",
    "The version came without data.": "该版本没有附带数据。",
    "The version's facts hold no count.": "该版本的事实中没有计数。",
    "Training recorded no energy.": "训练没有记录能耗。",
    "The sample holds one class only.": "样本只有一个类别。",
    "The rarest of the {count:n} classes has too few rows in the sample.": "{count} 个类别中最少的一个在样本中的行数太少。",
    "The positive class is never decided.": "从未判为正类。",
    "On {rows:n} rows even perfect calibration looks like an error of {noise:n}": (
        "只有 {rows} 行时，即使完全校准也会显出 {noise} 的误差"
    ),
    "about {needed:n} are needed.": "约需 {needed} 行。",
    "Which rows the version learned from is not known.": "不知道该版本从哪些行学习。",
    "Near-duplicates are not looked for in so large a table.": "表格太大，不在其中查找近似重复的行。",
    "Measure on a smaller one.": "请在较小的表格上测量。",
    "Train it here.": "请在此处训练。",
    "{alone:n} of {rows:n} test rows have no near-duplicate in training.": (
        "{rows} 个测试行中只有 {alone} 行在训练行中没有近似重复。"
    ),
    "Split by {way:code} and train again.": "请按 {way} 划分并重新训练。",
    "The rows without a near-duplicate in training hold too few of a class.": "在训练行中没有近似重复的行里，某个类别的行太少。",
    "No sensitive column is declared.": "没有声明敏感列。",
    "{column} has {count:n} groups": "{column} 有 {count} 个群组",
    "at most {limit:n} can be weighed.": "最多可衡量 {limit} 个。",
    "Fewer than two groups of {column} have {rows:n} rows.": "{column} 中达到 {rows} 行的群组不足两个。",
    "Left out, with their rows: {groups}.": "未计入的群组及其行数：{groups}。",
    "There are {count:n} classes": "共有 {count} 个类别",
    "parity needs two, one of them favourable.": "均等指标只适用于两个类别，其中一个是有利的。",
    "Fewer than {rows:n} positive or negative rows in: {groups}.": "以下群组的正类行或负类行少于 {rows} 行：{groups}。",
    "No group is ever decided positive, or too few rows are.": "没有群组被判为正类，或被判为正类的行太少。",
    "The rate is over {rows:n} of the {needed:n} rows that are needed.": "该比率只有 {rows} 行，需要 {needed} 行。",
    "The group has {rows:n} of the {needed:n} rows that are needed.": "该群组只有 {rows} 行，需要 {needed} 行。",
    "{calls:n} calls fitted into {seconds:n} s": "{seconds} 秒内完成 {calls} 次调用",
    "an interval needs {needed:n}.": "给出区间需要 {needed} 次。",
    "Assessor {name:name}": "评估器 {name}",
    "The {kind:name} {name:name} needs the package {package:name}, which is not installed.": (
        "{name} 需要软件包 {package}，尚未安装。"
    ),
    "The version takes more than images, series, numbers and categories, one a cell.": (
        "该版本的输入不只是图像、数值序列以及每格一个数值或类别。"
    ),
    "The version takes a series alone: without it nothing is left to ask.": "该版本只以一个数值序列为输入：没有它便无从提问。",
    "Only these are degraded here.": "此处只对这些做降质。",
    "The version takes images alone, and none of them can be missing.": "该版本只接受图像，而图像不可缺失。",
    "The sample has {rows:n} of the {needed:n} rows that are needed.": "样本有 {rows} 行，需要 {needed} 行。",
    "The version takes no numbers.": "该版本不接受数值。",
    "The version takes no categories of two values or more.": "该版本没有两个及以上取值的类别列。",
    "The version takes {count:n} columns": "该版本有 {count} 列",
    "at most {limit:n} are taken away one by one.": "最多逐一去掉 {limit} 列。",
    "Asked in service, requests without a value are refused in {never:n} of {columns:n} columns.": (
        "在服务中，{columns} 列里有 {never} 列不接受缺失值的请求。"
    ),
    # About what is measured
    "Positive class: {name}.": "正类：{name}。",
    "Near: at least {share:n} of the values agree, or of the shingles of a text.": (
        "相近：至少 {share} 的值一致，或文本片段一致的比例达到此值。"
    ),
    "Share of the group decided {name}.": "该群组中被判为 {name} 的比例。",
    "Only versions that were trained here as generators are measured so.": "仅对在此训练的生成模型作此测量。",
    "{rows:n} rows are too few.": "{rows} 行太少。",
    "Hold out {rows:n} or more, and learn from as many.": "请留出至少 {rows} 行，并以同样多的行训练。",
    "A random forest of {trees:n} trees": "由 {trees} 棵树组成的随机森林",
    "both learned from {rows:n} rows of the same classes.": "两者都以 {rows} 行、相同的类别训练。",
    "Of {rows:n} training rows.": "共 {rows} 个训练行。",
    "Chance is the share of training rows among the real ones.": "随机水平是训练行在真实行中所占的比例。",
    "It holds where rows were divided at random.": "仅在随机划分各行时成立。",
    # Methods
    "counted": "计数",
    "bootstrap of both samples, B = {count:n}, percentiles centred on the estimate": (
        "对两个样本自助抽样，B = {count}，以估计值为中心的百分位区间"
    ),
    "difference of two proportions, Newcombe's interval": "两个比例之差，Newcombe 区间",
    "proportion, Wilson score interval, above the share of {share:n} that chance gives": (
        "比例，Wilson 得分区间，减去随机水平 {share}"
    ),
    "counted: there are no near-duplicates": "计数：没有近似重复",
    "counted by the recipe": "由配方计数",
    "{method:said}, seed {seed:n}": "{method}，随机种子 {seed}",
    "proportion, Wilson score interval": "比例，Wilson 得分区间",
    "multinomial bootstrap, B = {count:n}, percentiles centred on the estimate": (
        "多项自助法，B = {count}，以估计值为中心的百分位区间"
    ),
    "no bootstrap replicate differs: Wilson score interval instead": "各次自助抽样结果相同，改用 Wilson 得分区间",
    "{calls:n} calls in this process on one thread, interval between order statistics": (
        "本进程单线程 {calls} 次调用，次序统计量之间的区间"
    ),
    "{batches:n} batches of {rows:n} rows in this process on one thread, median": (
        "本进程单线程 {batches} 批，每批 {rows} 行，取中位数"
    ),
    "cpu-time: {watts:n} W assumed for one busy core (setting watts_per_core) times the CPU seconds of the job's thread": (
        "cpu-time：假定一个繁忙核心为 {watts} 瓦（设置 watts_per_core），乘以该任务线程的 CPU 秒数"
    ),
    "no meter was read, so between half and twice as much": "没有读取电表，因此真值在一半与两倍之间",
    "rapl: the counters of the whole processor package while no other job of this run was at work": (
        "rapl：整个处理器封装的计数器，期间本次运行没有其他任务"
    ),
    "what the processor draws when idle, and what other programs did, is in it, so the job's own share may be half": (
        "其中包含处理器空闲时的耗电和其他程序的耗电，因此任务自身可能只占一半"
    ),
    "memory, disk and power supply are not in it": "不含内存、磁盘与电源",
    # Pictures in words
    "True against decided classes.": "真实类别与判定类别。",
    "{right:n} of {rows:n} rows were decided rightly.": "{rows} 行中有 {right} 行判定正确。",
    "True positive rate against false positive rate": "真正率与假正率",
    "the diagonal is chance.": "对角线为随机猜测。",
    "Observed frequency against stated probability in bins of equal mass": "等量分箱中的观察频率与所述概率",
    "on the diagonal the two agree.": "在对角线上两者一致。",
    "Groups of {column}": "群组：{column}",
    "Rates of {count:n} groups of {column} with their 95 % intervals.": "{column} 的 {count} 个群组的比率及其 95 % 区间。",
    "Accuracy lost on {rows:n} rows with 95 % intervals, by what happens to the values": (
        "在 {rows} 行上，按数值所受影响统计的准确率损失及其 95 % 区间"
    ),
    "the line is no loss.": "虚线表示没有损失。",
    # Large against small
    "Take {version}: the best {metric:name}, {figure:interval}.": "建议采用 {version}：{metric} 最佳，为 {figure}。",
    "Take {version}: the best {metric:name}, {figure:interval}, and nothing smaller is within {tolerance:n} of it.": (
        "建议采用 {version}：{metric} 最佳，为 {figure}，且没有更小的版本与它相差不超过 {tolerance}。"
    ),
    "Take {version}: {metric:name} {figure:interval} is within {tolerance:n} of the best, {best:interval} of {other}": (
        "建议采用 {version}：{metric} 为 {figure}，与最佳者相差不超过 {tolerance}（{other} 为 {best}）"
    ),
    "on the same rows it is behind by {figure:interval}": "在相同的行上落后 {figure}",
    "its file is {times:n} times smaller.": "其文件小到 {times} 分之一。",
    "These test rows cannot tell the two apart.": "这些测试行无法区分两者。",
    "Of the {others:n} others these test rows cannot tell {near:n} from the best.": (
        "其余 {others} 个版本中，这些测试行无法把 {near} 个与最佳者区分开。"
    ),
    "Whether these rows can tell the versions apart was not measured: assess each of them again.": (
        "没有测量这些行能否区分各版本：请重新评估每个版本。"
    ),
    "Its report has {found:said} clause": "其报告的条款中有 {found}",
    "Its report has {found:said} clauses": "其报告的条款中有 {found}",
    "{failed:n} failed": "{failed} 项未通过",
    "{unmeasured:n} not measurable": "{unmeasured} 项无法测量",
    "{failed:n} failed and {unmeasured:n} not measurable": "{failed} 项未通过、{unmeasured} 项无法测量",
    "a policy that asks for {them:name} will refuse it.": "对此有要求的策略将拒绝它。",
    "Run {command:code} to see which.": "运行 {command} 可查看是哪些。",
    "These versions were measured on different rows.": "这些版本在不同的行上测量。",
    "Compare versions of one split.": "请比较同一划分的版本。",
    "These versions count different classes as the favourable one.": "这些版本把不同的类别当作有利类别。",
    "Compare versions whose specs agree on {key:code}.": "请比较训练说明中 {key} 相同的版本。",
    "There is nothing to compare.": "没有可比较的版本。",
    "Name a spec, a model, or versions such as income:1.": "请指定训练说明、模型，或 income:1 这样的版本。",
    "sacrebleu {version:name}, nc:6, nw:0, b:2, no space.": "sacrebleu {version}，nc:6，nw:0，b:2，忽略空白。",
    "sacrebleu {version:name}, tok:{tokens:name}, smooth:exp.": "sacrebleu {version}，tok:{tokens}，smooth:exp。",
    "chrF of that is {figure:n}.": "后者的 chrF 为 {figure}。",
    "Written texts are compared, and this version answers with something else.": "此项比较所写文本，而该版本给出的是其他答案。",
    "There are {rows:n} test rows; at least {needed:n} are needed.": "测试行有 {rows} 行；至少需要 {needed} 行。",
    "Which texts the version learned from is not known.": "不知道该版本学过哪些文本。",
    "Since this was signed, rows were erased that the version learned from, or may have: {rows:n}.": (
        "自签署以来，该版本学习过或可能学习过的 {rows} 行数据已被删除。"
    ),
    "{version:name} has no measured {metric}.": "{version} 没有已测量的 {metric}。",
    "Measured are: {measures}.": "已测量的有：{measures}。",
}

REPORT_WORDS = Phrasebook(WORDS, SENTENCES)
