"""The laws of scaling are found again in points made from them."""

import sys
import unittest

sys.path.insert(0, sys.argv.pop(1))
import fits  # noqa: E402

SLOTS = (1, 2, 4, 8, 16, 64)


class Amdahl(unittest.TestCase):
    def test_share_is_found(self):
        for serial in (0.0, 0.02, 0.3, 1.0):
            points = [(p, fits.amdahl_speedup(p, serial)) for p in SLOTS]
            self.assertAlmostEqual(fits.amdahl(points), serial)

    def test_known_value(self):
        self.assertAlmostEqual(fits.amdahl_speedup(16, 0.1), 6.4)

    def test_faster_than_ideal_is_no_negative_share(self):
        self.assertEqual(fits.amdahl([(1, 1), (2, 2.1), (4, 4.4)]), 0.0)

    def test_one_slot_tells_nothing(self):
        self.assertEqual(fits.amdahl([(1, 1)]), 0.0)


class Usl(unittest.TestCase):
    def test_both_are_found(self):
        for sigma, kappa in ((0.05, 0.001), (0.0, 0.0), (0.2, 0.0), (0.0, 0.01)):
            found = fits.usl([(p, fits.usl_speedup(p, sigma, kappa)) for p in SLOTS])
            self.assertAlmostEqual(found[0], sigma)
            self.assertAlmostEqual(found[1], kappa)

    def test_has_its_peak_where_theory_puts_it(self):
        sigma, kappa = 0.02, 0.0005
        peak = ((1 - sigma) / kappa) ** 0.5  # Gunther
        best = max(range(1, 200), key=lambda p: fits.usl_speedup(p, sigma, kappa))
        self.assertAlmostEqual(best, peak, delta=1)

    def test_needs_two_layouts_beyond_one_slot(self):
        self.assertIsNone(fits.usl([(1, 1), (2, 1.9)]))
        self.assertIsNotNone(fits.usl([(1, 1), (2, 1.9), (4, 3.5)]))

    def test_noise_gives_no_negative_numbers(self):
        for points in ([(1, 1), (2, 2.2), (4, 4.1)], [(1, 1), (2, 1.2), (4, 3.9)]):
            self.assertGreaterEqual(min(fits.usl(points)), 0.0)


class KarpFlatt(unittest.TestCase):
    def test_is_the_share_of_amdahl(self):
        for p in SLOTS[1:]:
            self.assertAlmostEqual(fits.karp_flatt(p, fits.amdahl_speedup(p, 0.07)), 0.07)

    def test_one_slot_tells_nothing(self):
        self.assertIsNone(fits.karp_flatt(1, 1))


unittest.main()
