def test_fine():
    assert 1
