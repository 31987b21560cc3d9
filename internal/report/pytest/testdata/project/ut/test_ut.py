import unittest

from shop.cart import price_of


class CartTest(unittest.TestCase):
    def test_ok(self):
        pass

    def test_fail(self):
        self.assertEqual({"a": 1}, {"a": 2}, "carts differ")

    def test_error(self):
        """The pear has a price."""
        price_of({"apple": 3}, "pear")

    def test_sub(self):
        for n in range(3):
            with self.subTest("row", n=n):
                self.assertEqual(n, 1)

    @unittest.skip("later")
    def test_later(self):
        pass

    @unittest.expectedFailure
    def test_known(self):
        self.fail("known")

    @unittest.expectedFailure
    def test_fixed(self):
        pass

    def test_prints(self):
        print("FAIL: printed (not.a.test)")
        print("======")


class SetUpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise OSError("no database")

    def test_never(self):
        pass


class TearDownTest(unittest.TestCase):
    def tearDown(self):
        raise RuntimeError("left a mess")

    def test_then(self):
        pass
