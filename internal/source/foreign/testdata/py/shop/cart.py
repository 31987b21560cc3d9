def f():
    import shop.web
    return shop.web
class C:
    pass
