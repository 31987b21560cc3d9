import unittest


class CartTest(unittest.TestCase):
    def setUp(self):
        self.rows = [1, 2]

    def test_equal(self):
        self.assertEqual(self.rows, [1, 3])

    def test_rows(self):
        for row in self.rows:
            with self.subTest(row=row):
                self.assertEqual(row, 1)

    @unittest.skip("later")
    def test_later(self):
        pass


class BrokenSetUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise OSError("no database")

    def test_never(self):
        pass
