def test_same_name():
    assert "output2" == "module"
