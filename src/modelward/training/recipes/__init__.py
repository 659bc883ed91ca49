# SPDX-License-Identifier: Apache-2.0
"""The recipes, by the name a spec gives them."""

from modelward.plugins import PluginTable

RECIPES = PluginTable(
    family="recipes",
    places={
        "autoencoder": "modelward.training.recipes.autoencoder:Autoencoder",
        "cnn": "modelward.training.recipes.cnn:Convolutional",
        "decision-tree": "modelward.training.recipes.decision_tree:DecisionTree",
        "ebm": "modelward.training.recipes.ebm:ExplainableBoosting",
        "gan": "modelward.training.recipes.gan:Adversarial",
        "gradient-boosting": "modelward.training.recipes.gradient_boosting:GradientBoosting",
        "isolation-forest": "modelward.training.recipes.isolation_forest:IsolationForest",
        "item-knn": "modelward.training.recipes.item_knn:ItemNeighbours",
        "knn": "modelward.training.recipes.knn:NearestNeighbours",
        "lightgbm": "modelward.training.recipes.lightgbm:LightGbm",
        "logistic-regression": "modelward.training.recipes.logistic_regression:LogisticRegression",
        "mlp": "modelward.training.recipes.mlp:Perceptron",
        "naive-bayes": "modelward.training.recipes.naive_bayes:NaiveBayes",
        "popularity": "modelward.training.recipes.popularity:Popularity",
        "random-forest": "modelward.training.recipes.random_forest:RandomForest",
        "rnn": "modelward.training.recipes.rnn:Recurrent",
        "sasrec": "modelward.training.recipes.sasrec:SelfAttentive",
        "seq2seq": "modelward.training.recipes.seq2seq:Seq2Seq",
        "svm": "modelward.training.recipes.svm:SupportVectorMachine",
        "text-linear": "modelward.training.recipes.text_linear:TextLinear",
        "transformer": "modelward.training.recipes.transformer:Transformer",
    },
    extras={
        "ebm": "glass",
        "lightgbm": "boosting",
        **dict.fromkeys(("autoencoder", "cnn", "gan", "mlp", "rnn", "sasrec", "seq2seq", "transformer"), "torch"),
    },
)
