"""What folders, lists and columns of a part of a split are called."""

import re
from functools import lru_cache
from unicodedata import normalize

WORDS = {
    "train": (
        *("train", "training", "trn", "trainset", "trainingset", "trainingsdaten", "trainingsbilder", "train_contest"),
        *("entrenamiento", "entraînement", "entrainement", "apprentissage", "addestramento", "treino", "treinamento"),
        *("训练", "训练集", "訓練", "学習", "훈련", "학습"),
    ),
    "val": (
        *("val", "valid", "validation", "dev", "valset", "validationset", "validierung", "validierungsdaten"),
        *("validación", "validacion", "validazione", "validação", "验证", "验证集", "検証", "검증"),
    ),
    "test": (
        *("test", "testing", "eval", "testset", "testdaten", "testbilder", "holdout", "test_public", "test_private"),
        *("test_private_mixed", "all_tests", "test_contest", "prueba", "teste", "测试", "测试集", "テスト", "테스트"),
    ),
}
"""By part, in small letters."""

ALL_WORDS = tuple(word for words in WORDS.values() for word in words)
_PART_OF = {word: part for part, words in WORDS.items() for word in words}
_BEHIND = re.compile(r"(?<=[^\W\d_])(?:[ _-]?\d{1,4}|[ _-][ab]|(?<=test)[ab])$")  # train2017, test_1, test-A, testB
_GLUED = re.compile(r"(?:data|crops?|images?|imgs?|pics|photos|samples|patches)$")  # traincrop, testdata


@lru_cache(maxsize=1 << 14)
def part_of(name: str) -> str | None:
    """The part of a split that a name says: "train", "val" or "test"; None where it says none, or more.

    A number behind it says no more: train2017, test_1, and neither does an a or b, testA, or what it holds: traincrop.
    """
    word = normalize("NFC", name).lower()
    return next(filter(None, (_PART_OF.get(one) for one in (word, _BEHIND.sub("", word), _GLUED.sub("", word)))), None)
