"""Mutants of the solutions that are right as well: exercise -> why -> what was changed."""

SAME_SHAPE = "The mask has the shape of the map."
LIST = "The check takes a list for an array, and so do the cells that follow."
NEGATIVE = "NumPy takes any negative number for the size that is left over."
EITHER_ORDER = "The order makes no difference."
SYMMETRIC = "The table of correlations is symmetric, and has two rows and two columns."

EQUIVALENT: dict[str, dict[str, list[str]]] = {
    "6.1": {
        SAME_SHAPE: [
            "row, column = np.unravel_index(m.argmax(), m.shape) -> "
            "row, column = np.unravel_index(m.argmax(), mask.shape)",
        ],
    },
    "6.2": {
        EITHER_ORDER: ["moved: order = np.argsort(-m.ravel())"],
        LIST: ["return np.array(found) -> return found"],
        NEGATIVE: [
            "y.reshape(-1, y.shape[-1])[part] = 0 -> y.reshape(-2, y.shape[-1])[part] = 0",
        ],
    },
    "6.4": {
        EITHER_ORDER: [
            "ranks = [np.argsort(np.argsort(np.ravel(m))) for m in (a, b)] -> "
            "ranks = [np.argsort(np.argsort(np.ravel(m))) for m in (b, a)]",
        ],
        SYMMETRIC: [
            "return np.corrcoef(*ranks)[0, 1] -> return np.corrcoef(*ranks)[0, -1]",
            "return np.corrcoef(*ranks)[0, 1] -> return np.corrcoef(*ranks)[1, 0]",
        ],
    },
    "6.5": {
        EITHER_ORDER: [
            "for i in (0, 1): -> for i in (1, 0):",
            "for j in (0, 1): -> for j in (1, 0):",
            "group = (labels == i) & (tagged == j) -> group = (tagged == j) & (labels == i)",
        ],
    },
}
