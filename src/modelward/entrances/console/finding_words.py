# SPDX-License-Identifier: Apache-2.0
"""What training found about rows and candidates, in Chinese."""

from __future__ import annotations

FINDING_SENTENCES = {
    # Rows
    "Column {name} says the same as the target, value for value.": "列 {name} 与目标逐值相同。",
    "Column {name} alone separates the classes: ROC AUC {area:n}.": "仅凭列 {name} 就能区分类别：ROC AUC 为 {area}。",
    "The values of column {name} alone tell the class: they remove {share:n}% of the error of guessing.": (
        "仅凭列 {name} 的取值就能得知类别：可消除 {share}% 的猜测错误。"
    ),
    "Whether column {name} is missing tells the class: it removes {share:n}% of the error of guessing.": (
        "列 {name} 是否缺失就能透露类别：可消除 {share}% 的猜测错误。"
    ),
    "Unless it is known before the outcome, write {line:code}.": "除非在结果之前就已知道，否则请写 {line}。",
    "About {share:interval} of the training rows seem to bear a wrong label: so many of the {surest:n} rows that a quick reference "
    "is surest of bear another one.": (
        "约有 {share} 的训练行似乎标签有误：在快速参照最有把握的 {surest} 行中，这个比例的行带有别的标签。"
    ),
    "The reference is {recipe:code}, cross-validated on {rows:n} of {every:n} training rows drawn with seed {seed:n}; "
    "{suspects:n} rows are suspected.": (
        "参照为 {recipe}，在 {every} 个训练行中以随机种子 {seed} 抽取 {rows} 行做交叉验证；其中 {suspects} 行可疑。"
    ),
    "About {share:interval} of the training rows that look like one class seem to bear a wrong label: so many of the {surest:n} "
    "that a quick reference is surest of bear another one, and as many of the others.": (
        "看起来属于同一类别的训练行中，约有 {share} 似乎标签有误：在快速参照最有把握的 {surest} 行中这个比例的行带有别的标签，"
        "其余行也一样多。"
    ),
    "Where no column tells why some rows of one kind are of another class, that looks the same.": (
        "如果没有任何列能说明为何同类的行中有些属于另一类别，也会呈现同样的现象。"
    ),
    "{near:n} of {rows:n} test rows have a near-duplicate among the training rows, so that the test may be easier than what comes "
    "later.": ("{rows} 个测试行中有 {near} 个在训练行中有近似重复，因此测试可能比日后的数据容易。"),
    "Divide with {line:code}, which keeps near-duplicates in one part, and compare.": (
        "请用 {line} 划分，使近似重复的行留在同一部分，再作比较。"
    ),
    "Rows of classes that overlap everywhere look the same.": "处处重叠的类别也会呈现同样的现象。",
    "Look at the labels of the suspected rows, the worst first: rows {rows} of the dataset.": (
        "请检查可疑行的标签，先看最可疑的：数据集的第 {rows} 行。"
    ),
    "Wrong labels in the test rows make every measured accuracy wrong as well.": "测试行中的错误标签也会使测得的准确率失真。",
    # Candidates
    "The accuracy is {first:n} on training rows and {second:n} on validation rows, a gap of {gap:interval}.": (
        "准确率在训练行上为 {first}，在验证行上为 {second}，相差 {gap}。"
    ),
    "The log loss is {first:n} on training rows and {second:n} on validation rows, a gap of {gap:interval}.": (
        "对数损失在训练行上为 {first}，在验证行上为 {second}，相差 {gap}。"
    ),
    "On training rows it is hardly better, if at all, than always answering the frequencies of the classes.": (
        "在训练行上，它几乎不比总是回答类别频率更好。"
    ),
    "On validation rows it is hardly better, if at all, than always answering the frequencies of the classes.": (
        "在验证行上，它几乎不比总是回答类别频率更好。"
    ),
    "On training rows it is behind a quick reference that did not learn from them.": (
        "在训练行上，它不如一个没有从这些行学习的快速参照。"
    ),
    "On training rows it is hardly better, if at all, than the frequencies of what is answered.": (
        "在训练行上，它几乎不比按各答案出现的频率作答更好。"
    ),
    "Its log loss is lower than that of the frequencies of what is answered by {first:n} on training rows and by {second:n} on "
    "validation rows, a gap of {gap:interval}.": (
        "与按各答案出现的频率作答相比，其对数损失在训练行上低 {first}，在验证行上低 {second}，相差 {gap}。"
    ),
    "Its log loss is lower by {loss:interval}.": "其对数损失低 {loss}。",
    "Its log loss is higher by {loss:interval}.": "其对数损失高 {loss}。",
    "Its balanced accuracy is higher by {balanced:interval}.": "其平衡准确率高 {balanced}。",
    "Its balanced accuracy is lower by {balanced:interval}.": "其平衡准确率低 {balanced}。",
    "The training loss went from {first:n} to {last:n} in {epochs:n} epochs.": "训练损失在 {epochs} 轮中由 {first} 变为 {last}。",
    "The training loss changed by {share:n}% over the last third of {epochs:n} epochs.": (
        "在 {epochs} 轮的最后三分之一里，训练损失变化了 {share}%。"
    ),
    "The rarest class has {rows:n} of {every:n} training rows.": "最少的类别在 {every} 个训练行中占 {rows} 行。",
    "The classes weighed the same in training, and on training rows it is given {excess:interval} too much probability.": (
        "训练时各类别权重相同，因此在训练行上它的概率偏高 {excess}。"
    ),
    "The classes weighed the same in training, and on validation rows it is given {excess:interval} too much probability.": (
        "训练时各类别权重相同，因此在验证行上它的概率偏高 {excess}。"
    ),
    "All rows weighed the same, and of its training rows a smaller share is found than of the others, by {lag:interval}.": (
        "所有行权重相同，它的训练行被找出的比例比其他类别低 {lag}。"
    ),
    "All rows weighed the same, and of its validation rows a smaller share is found than of the others, by {lag:interval}.": (
        "所有行权重相同，它的验证行被找出的比例比其他类别低 {lag}。"
    ),
    "With batches of {before:n} rows it ran out of memory.": "每批 {before} 行时内存不足。",
    "With batches of {before:n} rows it ran out of memory: {amount} were asked for at once.": (
        "每批 {before} 行时内存不足：一次请求了 {amount}。"
    ),
    "It was made with batches of {after:n}.": "改用每批 {after} 行后训练完成。",
    "Why it is as it is could not be examined: {fault:name}.": "无法检查其原因：{fault}。",
    # What to do
    "Lower {name:code} (it is {value:n}).": "请降低 {name}（现为 {value}）。",
    "Raise {name:code} (it is {value:n}).": "请提高 {name}（现为 {value}）。",
    "Fewer or smaller {name:code} layers.": "请减少或缩小 {name} 层。",
    "More or larger {name:code} layers.": "请增加或加大 {name} 层。",
    "More training rows help, too.": "更多训练行也有帮助。",
    "Or try another recipe; where none learns anything, the columns do not tell the target.": (
        "或者换一个配方；如果都学不到东西，说明这些列无法说明目标。"
    ),
    "Try another {one:code}.": "请换一个 {one}。",
    "Try another {one:code} or {other:code}.": "请换一个 {one} 或 {other}。",
    "Scale the numbers with {line:code}.": "请用 {line} 缩放数值。",
    "Where the probabilities count, leave {name:code} out.": "如果概率很重要，请去掉 {name}。",
    "Set {line:code} where finding it matters more than the accuracy, and judge by {metric:code}.": (
        "如果找出该类别比准确率更重要，请设置 {line}，并以 {metric} 评判。"
    ),
    "Judge by {one:code} or {other:code}, or take a recipe that has {name:code}.": (
        "请以 {one} 或 {other} 评判，或改用带有 {name} 的配方。"
    ),
    "Set {line:code} in the spec.": "请在训练说明中设置 {line}。",
    "Assess the version, and report the recipe with its spec.": "请评估该版本，并连同训练说明报告该配方。",
}
