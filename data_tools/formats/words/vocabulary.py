"""Words by which names and remarks say whether something is good, in small letters, in the languages of factories."""

IN_ORDER = "io"
"""i.O., German for "in order"."""


def word_set(text: str) -> frozenset[str]:
    """The words in a text, that blanks separate."""
    return frozenset(text.split())


FLAWLESS_WORDS = word_set(
    "intact flawless faultless undamaged undefective unflawed nondefective nondefect nondefects nonfaulty nonflawed "
    "nonanomalous nonanomaly nonabnormal gutteil gutteile fehlerfrei fehlerlos defektfrei einwandfrei unbeschädigt "
    "无异常 無異常 无不良 没有缺陷 无缺陷 良品 異常なし 양품 "
    "无瑕疵 無瑕疵 没有瑕疵 无瑕疵样本 无缺陷样本 无异常样本"
)
"""Words that say of a thing, and not only of one of its sides, that it has no defect."""
GOOD_WORDS = FLAWLESS_WORDS | word_set(
    "good ok okay okey normal pass passed perfect io gut konform conforme bon bonne bueno buono bestanden réussi "
    "réussie 良 良好 好 合格 合格品 正常 正常品 正常样本 良品样本 合格样本 通过 정상"
)
"""Words for what is good."""
BAD_WORDS = word_set(
    "defect defects defective defectives bad ng nok fail failed fails failure failures fault faults faulty flaw "
    "flaws flawed anomaly anomalies anomalous abnormal ko reject rejects rejected damage damaged damages error "
    "errors nio unacceptable nongood notok issue issues problem problems probleme problema problemas fehler fehlerhaft "
    "defekt defekte schlechtteil schlechtteile ausschuss mangelhaft schlecht beschädigt défaut défauts défectueux "
    "durchgefallen mauvais mauvaise rebut defecto defectos defectuoso malo difetto difetti difettoso scarto "
    "rechazado rechazada rifiutato rifiutata "
    "異常 欠陥 불량 결함 不良 不良品 不合格 不合格品 未通过 不通过 缺陷 次品 异常 坏 壞 坏品 "
    "瑕疵 有瑕疵 瑕疵品 瑕疵样本 有缺陷 缺陷样本 不良样本 异常样本"
)
"""Words for what is a defect, or has one."""
ACCEPTING_WORDS = word_set(
    "accept accepted accepts approved released freigegeben angenommen akzeptiert accepté acceptée aceptado aceptada "
    "aprobado aprobada approvato approvata accettato accettata"
)
"""Words for what is taken as it is: a part that is good, or an annotation that is right."""
FAULT_WORDS = word_set(
    "missing broken scratch scratches scratched crack cracks cracked dent dents dented hole holes bent loose lost "
    "wear worn wrong dirty contaminated misaligned incomplete poor but except"
)
"""Words that speak of a defect beside one for what is good, so that it is not."""
NOT_WORDS = word_set(
    "no not non without un n wo zero nicht kein keine keinen keiner ohne sans pas aucun aucune sin ninguno ningún "
    "ninguna senza nessun nessuno"
)
"""Words that turn the next one round."""
PLAIN_WORDS = word_set(
    "parts part all set samples sample images image img imgs items item units unit devices device products product "
    "die dies wafer wafers board boards pieces class "
    "a the only contest is of s any found detected looks everything visible here alles tout erkennbar sichtbar "
    "gefunden teil teile bauteile bilder proben"
)
"""Words that say nothing beside one for good or bad."""
BUT_WORDS = word_set(
    "other others further more additional else but except excluding besides however andere anderen anderer "
    "weitere weiteren weiterer sonstige sonstigen zusätzliche aber jedoch außer ausser bis autre autres mais sauf "
    "supplémentaire otro otros pero salvo excepto altri altro ma tranne"
)
"""Words after which a "not" says less than it seems."""
PREDICTING_WORDS = word_set(
    "pred preds predict predicted prediction predictions inferred inference ai ki vorhersage vorhergesagt prédiction "
    "prédit predicción predizione 预测 予測 예측"
)
"""Words for what a model says, which is no truth."""
REFUTING_WORDS = word_set(
    "rejected refuted excluded denied dismissed disproved disproven ruled unlikely impossible ausgeschlossen "
    "verworfen widerlegt abgelehnt unwahrscheinlich exclu exclue rejeté rejetée écarté écartée descartado "
    "descartada esclusa escluso"
)
"""Words for what was claimed and is not so."""
UPHOLDING_WORDS = word_set(
    "confirmed true right correct likely valid possible the case bestätigt zutreffend richtig confirmé confirmée "
    "confirmado confirmada"
)
"""Words for what was claimed and is so."""
