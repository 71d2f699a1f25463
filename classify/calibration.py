"""Temperature scaling: logits divided by one number, so that scores are probabilities (Guo et al., ICML 2017)."""

from collections.abc import Sequence

import numpy as np

# A perfectly separated validation set asks for temperature 0, which would drive all scores into ties at 0 and 1.
LEAST, MOST = 0.5, 20.0


def fit_temperature(logits: Sequence[float], positive: Sequence[bool]) -> float:
    """The temperature with the lowest cross-entropy on (validation) images, within `LEAST`..`MOST`.

    It changes no ranking, hence no AUC. With one class alone nothing can be calibrated, and 1.0 is given.
    """
    if len(set(positive)) < 2:
        return 1.0
    from scipy.optimize import minimize_scalar

    margins = np.where(np.asarray(positive, dtype=bool), 1.0, -1.0) * np.asarray(logits, dtype=np.float64)

    def cross_entropy(log_temperature: float) -> float:
        return float(np.logaddexp(0.0, -margins / np.exp(log_temperature)).mean())

    optimum = minimize_scalar(cross_entropy, bounds=(np.log(LEAST), np.log(MOST)), method="bounded")
    return float(np.exp(optimum.x))
