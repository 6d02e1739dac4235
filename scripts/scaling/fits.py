"""Laws of scaling, fitted by least squares. Slots p from 1; speedups are beside one slot."""


def amdahl(points):
    """The serial share s of S(p) = 1 / (s + (1 - s) / p) (Amdahl 1967), from (p, S) pairs; 0 to 1."""
    rows = [(1 - 1 / p, 1 / s - 1 / p) for p, s in points if p > 1]  # 1/S - 1/p = s (1 - 1/p)
    square = sum(x * x for x, _ in rows)
    return min(1.0, max(0.0, sum(x * y for x, y in rows) / square)) if square else 0.0


def usl(points):
    """(sigma, kappa) of the Universal Scalability Law (Gunther 1993): S(p) = p / (1 + sigma (p-1) + kappa p (p-1)).

    None below two different p above 1: contention and crosstalk cannot be told apart then.
    """
    rows = [(p - 1, p * (p - 1), p / s - 1) for p, s in points if p > 1]
    if len({p for p, _, _ in rows}) < 2:
        return None
    # Weighted by 1 / p^2, so that the largest layouts do not decide alone.
    aa = sum(a * a / (a + 1) ** 2 for a, _, _ in rows)
    ab = sum(a * b / (a + 1) ** 2 for a, b, _ in rows)
    bb = sum(b * b / (a + 1) ** 2 for a, b, _ in rows)
    ay = sum(a * y / (a + 1) ** 2 for a, _, y in rows)
    by = sum(b * y / (a + 1) ** 2 for a, b, y in rows)
    determinant = aa * bb - ab * ab
    if determinant <= 1e-12 * aa * bb:
        return max(0.0, ay / aa), 0.0
    sigma, kappa = (ay * bb - by * ab) / determinant, (by * aa - ay * ab) / determinant
    if kappa < 0:
        sigma, kappa = ay / aa, 0.0
    if sigma < 0:
        sigma, kappa = 0.0, max(0.0, by / bb)
    return max(0.0, sigma), kappa


def karp_flatt(p, speedup):
    """The serial share that one speedup alone tells (Karp and Flatt 1990); None for one slot."""
    return (1 / speedup - 1 / p) / (1 - 1 / p) if p > 1 else None


def amdahl_speedup(p, serial):
    return 1 / (serial + (1 - serial) / p)


def usl_speedup(p, sigma, kappa):
    return p / (1 + sigma * (p - 1) + kappa * p * (p - 1))
