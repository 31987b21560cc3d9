def test_rows(subtests):
    for row in range(4):
        with subtests.test(msg="row", row=row):
            assert row % 2 == 0


def test_after(subtests):
    with subtests.test("named only"):
        raise ValueError("inside")
    assert False, "outside too"
